"""What the service refuses to be built with, and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from egate.cases.case import CaseRefusal
from egate.errors import ConfigurationError
from egate.lane.api import LaneRefused
from egate.service.errors import STATUSES
from egate.service.rate import KEYS_MAX, RateLimit
from egate.service.settings import ServiceSettings, TlsFiles
from tests.service.site import VirtualClock

TLS = TlsFiles(Path("a"), Path("b"), Path("c"))


@pytest.mark.parametrize(
    "changes",
    [
        {"tls": None},
        {"plaintext_demo": True},
        {"tls": None, "plaintext_demo": True, "address": "0.0.0.0:50051"},
        {"tls": None, "plaintext_demo": True, "address": "[::]:50051"},
        {"tls": None, "plaintext_demo": True, "address": "gate.example:50051"},
        {"trust_domain": "Border"},
        {"rpcs_per_caller_max": 65},
        {"token_lifetime_s": 0.0},
        {"token_lifetime_s": float("nan")},
        {"fmr_target": float("nan")},
        {"match_rate_per_s": 0.0},
    ],
)
def test_unsafe_settings_are_refused(changes: dict[str, Any]) -> None:
    given: dict[str, Any] = {"address": "0.0.0.0:50051", "trust_domain": "egate.example", "tls": TLS, **changes}
    with pytest.raises(ConfigurationError):
        ServiceSettings(**given)


def test_plaintext_on_loopback_is_possible_when_asked_for() -> None:
    assert ServiceSettings("127.0.0.1:0", "egate.example", None, plaintext_demo=True).plaintext_demo


def test_a_rate_is_a_burst_then_so_many_a_second_per_key() -> None:
    clock = VirtualClock()
    rate = RateLimit(clock, 2.0, 3)
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]
    assert rate.take("b")
    clock.advance(0.5)
    assert [rate.take("a") for _ in range(2)] == [True, False]
    clock.advance(1000)
    assert [rate.take("a") for _ in range(4)] == [True, True, True, False]


def test_the_number_of_keys_is_bounded_and_idle_ones_make_room() -> None:
    clock = VirtualClock()
    rate = RateLimit(clock, 1.0, 1)
    assert all(rate.take(number) for number in range(KEYS_MAX))
    assert not rate.take("one more")
    clock.advance(1.1)
    assert rate.take("one more")
    assert len(rate._buckets) == 1


def test_every_documented_refusal_of_a_lane_has_a_status() -> None:
    words = (LaneRefused.__doc__ or "").replace(",", " ").replace(".", " ").split()
    codes = {
        word
        for word in words
        if word.isupper() and "_" in word and word.startswith(("LANE", "REQUEST", "DOC", "CROSS"))
    }
    assert len(codes) >= 8
    assert codes | set(CaseRefusal) | {"WATCH_TOO_SLOW"} <= set(STATUSES)
