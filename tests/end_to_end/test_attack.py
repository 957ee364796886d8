"""The whole daemon with attack detection enforced: the traveller passes, his printed photograph does not.

Both match the document: only attack detection tells them apart. Needs its networks and the corpus.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from egate.api.v1 import crossing_service_pb2 as pb
from egate.api.v1 import values_pb2
from egate.inference.weights.manifest import FILE
from egate.inference.weights.store import ModelStore
from tests.end_to_end.hall import (
    DEVICE_LANE,
    POLICY,
    REQUEST_LANE,
    Callers,
    Hall,
    admitted,
    calling,
    cross,
    open_hall,
    request,
)
from tests.inference.pad_store import corpus_file, make_pad_store

SEED = 7_301
SUBJECT = "0005"  # of those the shipped threshold is judged on
CHECK = "PRESENTATION_ATTACK_DETECTION"


def photographs(label: str) -> list[bytes]:
    """The subject's frames, "live" or "print", as they were recorded."""
    table = corpus_file("faces/spoof/labels.csv")
    rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
    mine = [row["path"] for row in rows if row["subject"] == SUBJECT and row["label"] == label]
    return [(table.parent / path).read_bytes() for path in mine]


@pytest.fixture(scope="module")
def enforcing_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    store = _with_all_engines(make_pad_store(tmp_path_factory.mktemp("models")))
    policy = {**POLICY, "presentation_attack_detection": "enforced", "pad_apcer": 0.05}
    place = tmp_path_factory.mktemp("attack")
    with open_hall(place, seed=SEED, scale=0.2, paced=False, policy=policy, models=store.root) as hall:
        yield hall


@pytest.fixture
async def callers(enforcing_hall: Hall) -> AsyncIterator[Callers]:
    async with calling(enforcing_hall) as callers:
        for lane in (DEVICE_LANE, REQUEST_LANE):
            enforcing_hall.simulator.reset(lane)
            await callers.ready(lane)
        yield callers


def _with_all_engines(store: ModelStore) -> ModelStore:
    """The folder with the other installed models in it as well."""
    installed = ModelStore()
    for model in installed.manifest.models.values():
        place = store.place(model)
        if model.artefact != FILE and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(installed.path(model.id), place)
    return store


def check(answer: pb.AuthoriseCrossingResponse, code: str) -> values_pb2.Check:
    return next(item for item in answer.decision.checks if item.code == code)


async def test_the_traveller_passes(enforcing_hall: Hall, callers: Callers) -> None:
    portrait, *live = photographs("live")
    answer = await admitted(enforcing_hall, callers, lambda: request(portrait=portrait, face=live[len(live) // 2]))
    assert check(answer, CHECK).result == values_pb2.CHECK_RESULT_PASS
    assert CHECK not in answer.decision.not_performed


async def test_his_printed_photograph_does_not(enforcing_hall: Hall, callers: Callers) -> None:
    portrait, printed = photographs("live")[0], photographs("print")
    answer = await cross(enforcing_hall, callers, request(portrait=portrait, face=printed[len(printed) // 2]))
    assert check(answer, "FACE").result == values_pb2.CHECK_RESULT_PASS
    assert check(answer, CHECK).result == values_pb2.CHECK_RESULT_FAIL
    assert "PRESENTATION_ATTACK" in [reason.code for reason in answer.decision.reasons]
    assert answer.release == values_pb2.RELEASE_NONE
