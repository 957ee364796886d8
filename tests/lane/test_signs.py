"""What a traveller sees and hears never says more than the lock does."""

from __future__ import annotations

import asyncio

import pytest

from egate.crossing.state import Phase
from egate.domain.biometric import Guidance
from egate.domain.device import LockState
from egate.domain.signal import Light, Sound, TravellerSignal
from egate.lane.signal_texts import load_signal_texts
from egate.lane.signs import Signs
from tests.lane.bench_gate import BenchSignal

Seen = tuple[Light, bool, Guidance | None, Sound]


def seen(shown: TravellerSignal) -> Seen:
    assert (shown.guidance is None) == (shown.text == "")
    return shown.light, shown.blinking, shown.guidance, shown.sound


async def shown_by(*turns: tuple[Phase, LockState] | Guidance) -> list[Seen]:
    signal = BenchSignal()
    signs = Signs(signal, load_signal_texts("en"))
    for turn in turns:
        if isinstance(turn, Guidance):
            signs.advised((turn,))
        else:
            signs.turned(*turn)
        await asyncio.sleep(0)  # the showing has its turn
    return [seen(shown) for shown in signal.shown]


async def test_go_is_said_played_and_lit_together_while_the_lock_is_released() -> None:
    assert await shown_by(
        (Phase.RELEASING, LockState.SECURED),
        (Phase.RELEASED, LockState.UNKNOWN),
        (Phase.RELEASED, LockState.RELEASED),
        (Phase.RELEASED, LockState.SECURED),
    ) == [
        (Light.AMBER, True, None, Sound.NONE),
        (Light.AMBER, True, None, Sound.NONE),
        (Light.GREEN, False, Guidance.GO_AHEAD, Sound.GO),
        (Light.RED, False, None, Sound.NONE),
    ]


async def test_lock_that_is_heard_again_plays_nothing_again() -> None:
    shown = await shown_by(
        (Phase.RELEASED, LockState.RELEASED), (Phase.RELEASED, LockState.UNKNOWN), (Phase.RELEASED, LockState.RELEASED)
    )
    assert [sound for *_, sound in shown] == [Sound.GO, Sound.NONE, Sound.NONE]
    assert [light for light, *_ in shown] == [Light.GREEN, Light.AMBER, Light.GREEN]


async def test_next_traveller_hears_it_anew() -> None:
    released = (Phase.RELEASED, LockState.RELEASED)
    shown = await shown_by(released, (Phase.READY, LockState.SECURED), released)
    assert [sound for *_, sound in shown] == [Sound.GO, Sound.NONE, Sound.GO]


async def test_each_new_advice_calls_for_attention_once() -> None:
    shown = await shown_by(
        (Phase.VERIFYING, LockState.SECURED), Guidance.HOLD_STILL, Guidance.HOLD_STILL, Guidance.COME_CLOSER
    )
    assert [(guidance, sound) for *_, guidance, sound in shown] == [
        (None, Sound.NONE),
        (Guidance.HOLD_STILL, Sound.ATTENTION),
        (Guidance.COME_CLOSER, Sound.ATTENTION),
    ]


@pytest.mark.parametrize("lock", LockState)
@pytest.mark.parametrize("phase", Phase)
async def test_nothing_says_go_but_a_released_lock(phase: Phase, lock: LockState) -> None:
    (shown,) = await shown_by((phase, lock))
    goes = phase is Phase.RELEASED and lock is LockState.RELEASED
    assert [shown[0] is Light.GREEN, shown[2] is Guidance.GO_AHEAD, shown[3] is Sound.GO] == [goes] * 3
