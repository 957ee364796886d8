"""One hall for all tests that leave it as they found it: simulator and daemon in processes of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.end_to_end.hall import DEVICE_LANE, REQUEST_LANE, Callers, Hall, calling, open_hall

SEED = 20_240


@pytest.fixture(scope="session")
def shared_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """Unpaced: a megabyte of garbage at 9600 baud would take a quarter of an hour."""
    print(f"seed {SEED}")
    with open_hall(tmp_path_factory.mktemp("shared"), seed=SEED, scale=0.2, paced=False) as hall:
        yield hall


@pytest.fixture
def hall(shared_hall: Hall) -> Hall:
    for lane in (DEVICE_LANE, REQUEST_LANE):
        shared_hall.simulator.reset(lane)
    return shared_hall


@pytest.fixture
async def callers(hall: Hall) -> AsyncIterator[Callers]:
    async with calling(hall) as callers:
        for lane in (DEVICE_LANE, REQUEST_LANE):
            await callers.ready(lane)
        yield callers
