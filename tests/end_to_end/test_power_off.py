"""The daemon is killed while the lock is released: the lock secures itself within its time, and the crossing has its outcome later.

The same check finds a lock whose timer is broken.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from egate.api.v1 import case_service_pb2, values_pb2
from hw.sim.client import SimulatorError
from hw.sim.world import Behaviour
from tests.end_to_end.hall import POLICY, REQUEST_LANE, Hall, admitted, authorise, calling, open_hall, request
from tests.end_to_end.record import check_one_outcome_each, check_releases, released_count

RELEASE_S = 1.0
TOLERANCE_S = 0.4  # the device's timer counts tenths of seconds, and this machine may be busy


@pytest.fixture(scope="module")
def dark_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    policy = {**POLICY, "release_s": RELEASE_S}
    with open_hall(tmp_path_factory.mktemp("dark"), seed=3, scale=0.2, paced=True, policy=policy) as hall:
        yield hall


def check_lock_secures_itself(hall: Hall) -> float:
    """How long the lock was released without a daemon; fails if it did not secure itself in time."""
    hall.simulator.wait_until(REQUEST_LANE, lambda state: not state.released, RELEASE_S + TOLERANCE_S)
    log = hall.simulator.log(REQUEST_LANE)
    released, secured = ([event.at for event in log if event.kind == kind][-1] for kind in ("released", "secured"))
    assert RELEASE_S / 2 < secured - released < RELEASE_S + TOLERANCE_S
    return secured - released


async def test_lock_secures_itself_and_the_crossing_gets_its_outcome(dark_hall: Hall) -> None:
    hall = dark_hall
    hall.simulator.plan(REQUEST_LANE, Behaviour.WAIT)
    message = request()
    async with calling(hall) as callers:
        answer = await admitted(hall, callers, lambda: message)
        assert hall.simulator.state(REQUEST_LANE).released, "killed too late to prove anything"
        hall.daemon.kill()
    check_lock_secures_itself(hall)
    count = released_count(hall.simulator.log(REQUEST_LANE))
    hall.restart()
    async with calling(hall) as callers:
        ended = await callers.outcome(hall, answer.crossing_id, 1.0)
        assert (ended["outcome"], ended["reasons"]) == ("UNKNOWN", [["RESTARTED", ""]])
        cases = await callers.console.case.ListCases(case_service_pb2.ListCasesRequest(), metadata=callers.officer)
        assert ended["case"] in {case.case_id for case in cases.cases}
        # The gate was told ADMIT and released; asking again tells it the same and moves nothing.
        hall.simulator.reset(REQUEST_LANE)
        hall.simulator.enter(REQUEST_LANE)
        await callers.state(REQUEST_LANE, lambda state: state.person_count == 1)
        assert await authorise(callers, message) == answer
        hall.simulator.leave(REQUEST_LANE)
        await callers.state(
            REQUEST_LANE, lambda state: state.person_count == 0
        )  # or the next one would be taken for this one
        assert released_count(hall.simulator.log(REQUEST_LANE)) == count
        assert (await admitted(hall, callers)).release == values_pb2.RELEASE_ACKNOWLEDGED
    entries = hall.journal.entries()
    check_one_outcome_each([entry for entry in entries if entry.crossing == answer.crossing_id])
    check_releases(entries, {REQUEST_LANE: hall.simulator.log(REQUEST_LANE)})


async def test_lock_whose_timer_is_broken_is_found(dark_hall: Hall) -> None:
    hall = dark_hall
    async with calling(hall) as callers:
        await callers.ready(REQUEST_LANE)
        hall.simulator.reset(REQUEST_LANE)
        hall.simulator.plan(REQUEST_LANE, Behaviour.WAIT)
        hall.simulator.fault(REQUEST_LANE, "lock", "timer_fault", active=True)
        await admitted(hall, callers)
        hall.daemon.kill()
    with pytest.raises(SimulatorError, match="did not come to the awaited state"):
        check_lock_secures_itself(hall)
    # Nothing but a daemon can secure this lock, and the next one does so before it serves.
    hall.simulator.leave(REQUEST_LANE)
    hall.restart()
    hall.simulator.wait_until(REQUEST_LANE, lambda state: not state.released, 5.0)
    hall.simulator.fault(REQUEST_LANE, "lock", "timer_fault", active=False)
    async with calling(hall) as callers:
        await callers.ready(REQUEST_LANE)


async def test_daemon_secures_a_lock_that_outlasts_its_release(dark_hall: Hall) -> None:
    """The second bound: with the daemon alive, a timer that fails is noticed, the lock secured and the lane taken out."""
    hall = dark_hall
    async with calling(hall) as callers:
        await callers.ready(REQUEST_LANE)
        hall.simulator.reset(REQUEST_LANE)
        hall.simulator.plan(REQUEST_LANE, Behaviour.WAIT)
        hall.simulator.fault(REQUEST_LANE, "lock", "timer_fault", active=True)
        answer = await admitted(hall, callers)
        hall.simulator.wait_until(REQUEST_LANE, lambda state: not state.released, RELEASE_S + 1.0)
        assert (await callers.outcome(hall, answer.crossing_id))["outcome"] == "NOT_PASSED"
        hall.simulator.fault(REQUEST_LANE, "lock", "timer_fault", active=False)
        hall.simulator.leave(REQUEST_LANE)
