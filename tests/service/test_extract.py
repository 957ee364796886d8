"""ExtractFace: each image its own answer, templates for one role, a bounded request that lets others through.

The engine is a double of its port whose captures the test can hold; pool, budget and transport are the daemon's own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from structlog.testing import capture_logs

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.domain.biometric import (
    ComparisonScore,
    FaceBox,
    FaceCapture,
    FaceSample,
    FaceTemplate,
    Guidance,
    Image,
    QualityScore,
)
from egate.errors import ImageError
from egate.inference.image.budget import ImageBudget
from egate.inference.pool import InferencePool
from egate.service.match import Engines
from egate.service.settings import MESSAGE_BYTES_MAX
from tests.service.site import TIMEOUT_S, Site, picture, running
from tests.service.test_match import FingerDouble
from tests.service.test_officers import refused

EMBEDDING = np.array([0.6, -0.8, 0.0, 1e-7], np.float32)
NOBODY, UNUSABLE = 33, 34  # sides of pictures that show no face, and that the engine refuses
EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@dataclass
class SlowFace:
    """sides: of the pictures captured so far. Captures wait while `go` is not set."""

    sides: list[int] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)

    def capture(self, image: Image) -> FaceCapture:
        self.sides.append(len(image))
        assert self.go.wait(TIMEOUT_S)
        if len(image) == UNUSABLE:
            raise ImageError("image cannot be resampled", code="IMAGE_UNUSABLE")
        if len(image) == NOBODY:
            return FaceCapture(None, 0, (Guidance.STEP_INTO_VIEW,))
        quality = QualityScore(len(image), {"sharpness": 55.0})
        box = FaceBox(1, 2, 3, 4, 0.9)
        template = FaceTemplate({"net-b": EMBEDDING, "net-a": EMBEDDING[:2]})
        face = FaceSample((1, 2, 3, 4), EMBEDDING, 0.9, 61.5, quality, template, image)
        return FaceCapture(face, 2, (Guidance.ONE_PERSON_ONLY,), (box, FaceBox(9, 9, 3, 3, 0.7)))

    def compare(self, probe: FaceTemplate, reference: FaceTemplate) -> ComparisonScore:
        return ComparisonScore(0.7, 1e-4, "double-1")

    def threshold(self, fmr: float) -> float:
        return 0.5


@dataclass
class Bench:
    site: Site
    face: SlowFace
    pool: InferencePool
    images: ImageBudget

    def stub(self, name: str) -> Any:
        return self.site.stub(pb_grpc.MatchServiceStub, name)

    async def extract(self, images: list[bytes], name: str = "enroller-1", **options: bool) -> pb.ExtractFaceResponse:
        request = pb.ExtractFaceRequest(images=images, **options)
        response: pb.ExtractFaceResponse = await self.stub(name).ExtractFace(request, timeout=TIMEOUT_S)
        return response


@asynccontextmanager
async def serving(tmp: Path, pki: Path, *, threads: int = 2, queue_max: int = 64) -> AsyncIterator[Bench]:
    face, pool = SlowFace(), InferencePool(threads, queue_max)
    face.go.set()
    engines = Engines(face, FingerDouble(), pool, images=ImageBudget())
    try:
        async with running(tmp, pki, engines=engines) as site:
            yield Bench(site, face, pool, engines.images)
    finally:
        face.go.set()
        pool.close()


@pytest.fixture
async def bench(tmp_path: Path, certificates: Path) -> AsyncIterator[Bench]:
    async with serving(tmp_path, certificates) as bench:
        yield bench


async def until(met: Any) -> None:
    async with asyncio.timeout(TIMEOUT_S):
        while not met():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_one_bad_image_spoils_no_other_and_the_order_is_kept(bench: Bench) -> None:
    good = [picture(side) for side in range(40, 48)]
    images = [*good[:3], b"", *good[3:6], good[0][:-30], picture(NOBODY), b"<html>", picture(UNUSABLE), *good[6:]]
    answers = (await bench.extract(images)).extractions
    told = [answer.error.code or int(answer.face.quality) for answer in answers]
    refusals = ["IMAGE_TRUNCATED", "IMAGE_NO_FACE", "IMAGE_FORMAT", "IMAGE_UNUSABLE"]
    assert told == [40, 41, 42, "IMAGE_EMPTY", 43, 44, 45, *refusals, 46, 47]
    nobody = answers[8]
    assert (list(nobody.guidance), nobody.face_count, len(nobody.faces)) == (["STEP_INTO_VIEW"], 0, 0)


async def test_an_answer_says_what_was_seen(bench: Bench) -> None:
    (answer,) = (await bench.extract([picture(48)])).extractions
    assert (answer.face_count, list(answer.guidance)) == (2, ["ONE_PERSON_ONLY"])
    assert [(box.x, box.width, round(box.confidence, 6)) for box in answer.faces] == [(1, 3, 0.9), (9, 3, 0.7)]
    face = answer.face
    assert (face.box.x, face.box.y, face.box.width, face.box.height) == (1, 2, 3, 4)
    assert (face.inter_eye_px, face.quality, dict(face.quality_components)) == (61.5, 48, {"sharpness": 55.0})
    assert (list(face.models), face.calibration) == (["net-a", "net-b"], "double-1")
    assert not face.HasField("template")


async def test_the_enroller_gets_the_template_as_little_endian_floats(bench: Bench) -> None:
    (answer,) = (await bench.extract([picture()], include_template=True)).extractions
    embeddings = answer.face.template.embeddings
    assert sorted(embeddings) == ["net-a", "net-b"]
    assert embeddings["net-b"] == EMBEDDING.astype("<f4").tobytes()
    assert embeddings["net-b"][:4] == b"\x9a\x99\x19\x3f"  # 0.6


async def test_a_matcher_may_extract_but_not_have_templates(bench: Bench) -> None:
    (answer,) = (await bench.extract([picture()], "matcher-1")).extractions
    assert answer.face.quality == 64
    assert not answer.face.HasField("template")
    seen = len(bench.face.sides)
    denied = await refused(bench.extract([picture()], "matcher-1", include_template=True))
    assert denied == (grpc.StatusCode.PERMISSION_DENIED, "TEMPLATE_DENIED")
    assert len(bench.face.sides) == seen  # nothing was computed for it


@pytest.mark.parametrize("name", ["gate-1", "console-1", "officer-demo", "engineer-1"])
async def test_nobody_else_extracts(bench: Bench, name: str) -> None:
    assert await refused(bench.extract([picture()], name)) == (grpc.StatusCode.PERMISSION_DENIED, "ROLE_DENIED")


async def test_sixty_four_images_are_answered_and_one_more_is_not(bench: Bench) -> None:
    image = picture(40)
    assert len((await bench.extract([image] * 64)).extractions) == 64
    seen = len(bench.face.sides)
    assert await refused(bench.extract([image] * 65)) == (INVALID, "IMAGES_COUNT")
    assert await refused(bench.extract([])) == (INVALID, "FIELD_MISSING")
    assert len(bench.face.sides) == seen == 64


async def test_sixteen_mebibytes_of_images_fit_and_seventeen_do_not(bench: Bench) -> None:
    quarter = b"\x89PNG\r\n\x1a\n" + bytes(256 * 1024 - 8)
    answers = (await bench.extract([quarter] * 64)).extractions
    assert {answer.error.code for answer in answers} == {"IMAGE_CORRUPT"}
    assert await refused(bench.extract([quarter] * 63 + [bytes(1_400_000)])) == (EXHAUSTED, "MESSAGE_SIZE")
    too_large = pb.VerifyFaceRequest(probe=bytes(MESSAGE_BYTES_MAX))
    assert await refused(bench.stub("matcher-1").VerifyFace(too_large)) == (EXHAUSTED, "MESSAGE_SIZE")
    # Beyond a bound of its own gRPC does not even receive it.
    huge = pb.VerifyFaceRequest(probe=bytes(20 * 1024 * 1024))
    assert await refused(bench.stub("matcher-1").VerifyFace(huge)) == (EXHAUSTED, "")


async def test_asking_again_computes_again_and_leaves_no_trace(bench: Bench) -> None:
    written = await bench.site.journal.append([])
    first, again = [await bench.extract([picture()], include_template=True) for _ in range(2)]
    assert first == again
    assert len(bench.face.sides) == 2
    assert await bench.site.journal.append([]) == written


async def test_a_large_request_lets_others_through_between_its_images(tmp_path: Path, certificates: Path) -> None:
    async with serving(tmp_path, certificates, threads=1) as bench:
        bench.face.go.clear()
        large = asyncio.create_task(bench.extract([picture(side) for side in range(40, 46)]))
        await until(lambda: bench.face.sides == [40])
        verify = pb.VerifyFaceRequest(probe=picture(100), reference=picture(101))
        small = asyncio.create_task(_unary(bench.stub("matcher-1").VerifyFace(verify, timeout=TIMEOUT_S)))
        await until(lambda: bench.pool.callers == 2)
        bench.face.go.set()
        await asyncio.gather(large, small)
        assert bench.face.sides == [40, 100, 101, *range(41, 46)]


async def test_overload_is_refused_by_name_and_nothing_else_breaks(tmp_path: Path, certificates: Path) -> None:
    async with serving(tmp_path, certificates, threads=1, queue_max=2) as bench:
        bench.face.go.clear()
        waiting = [asyncio.create_task(bench.extract([picture(side)] * 9)) for side in (40, 41)]
        await until(lambda: bench.pool.callers == 2)
        assert await refused(bench.extract([picture(42)])) == (EXHAUSTED, "INFERENCE_OVERLOADED")
        verify = pb.VerifyFaceRequest(probe=picture(), reference=picture())
        matcher = bench.stub("matcher-1")
        assert await refused(matcher.VerifyFace(verify)) == (EXHAUSTED, "INFERENCE_OVERLOADED")
        bench.face.go.set()
        # Those with a place keep it to their last image.
        for side, answer in zip((40, 41), await asyncio.gather(*waiting), strict=True):
            assert [each.face.quality for each in answer.extractions] == [side] * 9
        assert (await matcher.VerifyFace(verify, timeout=TIMEOUT_S)).comparison.match


async def test_who_hangs_up_frees_budget_and_place_and_the_rest_is_never_begun(
    tmp_path: Path, certificates: Path
) -> None:
    async with serving(tmp_path, certificates, threads=1, queue_max=1) as bench:
        bench.face.go.clear()
        call = bench.stub("enroller-1").ExtractFace(pb.ExtractFaceRequest(images=[picture(40)] * 64), timeout=TIMEOUT_S)
        running = asyncio.create_task(_unary(call))
        await until(lambda: bench.face.sides == [40])
        assert bench.images.bytes_taken > 0
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await until(lambda: bench.pool.callers == 0)
        bench.face.go.set()
        (answer,) = (await bench.extract([picture(48)])).extractions
        assert answer.face.quality == 48
        assert bench.images.bytes_taken == 0
        assert bench.face.sides == [40, 48]


async def test_a_fault_in_the_engine_tells_nobody_what_was_in_the_image(bench: Bench) -> None:
    secret = "L898902C"

    def fail(image: Image) -> FaceCapture:
        raise RuntimeError(f"{secret} {image.tolist()}")

    bench.face.capture = fail  # type: ignore[method-assign]
    with capture_logs() as logs:
        code, reason = await refused(bench.extract([picture()]))
        await refused(bench.extract([], "matcher-1"))
        await refused(bench.extract([picture()], "matcher-1", include_template=True))
    assert (code, reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert len(logs) == 3
    assert secret not in str(logs)
    assert len(str(logs)) < 3000


async def _unary(call: Any) -> Any:
    return await call
