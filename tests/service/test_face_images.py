"""The table of pictures once more, through the whole service: VerifyFace and ExtractFace say what the engine says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from egate.api.v1 import match_service_pb2 as pb
from egate.api.v1 import match_service_pb2_grpc as pb_grpc
from egate.inference.face.engine import OnnxFaceEngine, load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.pool import InferencePool
from egate.inference.weights.store import ModelStore
from egate.service.match import Engines
from tests.inference.face_images import MATCH, NO_FACE, NON_MATCH, Case, cases, photographs
from tests.service.site import Site, reason_of, running
from tests.service.test_match import FingerDouble

pytestmark = pytest.mark.models
TIMEOUT_S = 120.0  # 63 pictures on a busy machine
REFERENCE = "obama2.jpg"


@pytest.fixture(scope="module")
def store() -> ModelStore:
    return ModelStore()


@pytest.fixture(scope="module")
def engine(store: ModelStore) -> OnnxFaceEngine:
    return load_face_engine(store)


@pytest.fixture(scope="module")
def table(store: ModelStore) -> list[Case]:
    return cases(*photographs(store))


@pytest.fixture
async def site(tmp_path: Path, certificates: Path, engine: OnnxFaceEngine) -> AsyncIterator[Site]:
    pool = InferencePool()
    async with running(tmp_path, certificates, engines=Engines(engine, FingerDouble(), pool)) as site:
        yield site
    pool.close()


async def test_verify_face_names_a_verdict_for_every_picture(site: Site, store: ModelStore, table: list[Case]) -> None:
    stub = site.stub(pb_grpc.MatchServiceStub, "matcher-1")
    reference = store.sample(REFERENCE).read_bytes()
    for case in table:
        site.clock.advance(1)  # the caller's rate is another test's
        try:
            answer = await stub.VerifyFace(pb.VerifyFaceRequest(probe=case.make(), reference=reference))
        except grpc.RpcError as error:
            code, reason, metadata = reason_of(error)
            assert (code, metadata["field"]) == (grpc.StatusCode.INVALID_ARGUMENT, "probe"), case.name
            assert reason in case.verdicts, case.name
            continue
        assert (MATCH if answer.comparison.match else NON_MATCH) in case.verdicts, case.name
        assert case.face_count in (None, answer.probe_face_count), case.name


async def test_extract_face_answers_all_of_them_at_once_and_each_as_if_alone(
    site: Site, engine: OnnxFaceEngine, store: ModelStore, table: list[Case]
) -> None:
    request = pb.ExtractFaceRequest(images=[case.make() for case in table], include_template=True)
    stub = site.stub(pb_grpc.MatchServiceStub, "enroller-1")
    answers = (await stub.ExtractFace(request, timeout=TIMEOUT_S)).extractions
    assert len(answers) == len(table)
    for case, image, answer in zip(table, request.images, answers, strict=True):
        assert not case.guidance or not answer.guidance or {*case.guidance} & {*answer.guidance}, case.name
        if answer.HasField("error"):
            assert answer.error.code in case.verdicts, case.name
            assert bool(answer.guidance) == (answer.error.code == NO_FACE), case.name
            continue
        alone = engine.capture(decode(image)).face
        assert alone is not None, case.name
        assert answer.face.quality == pytest.approx(alone.quality.unified, abs=0.1), case.name
        for model, row in answer.face.template.embeddings.items():
            same = np.frombuffer(row, "<f4")
            assert np.abs(same - alone.template.embeddings[model]).max() < 1e-4, case.name
