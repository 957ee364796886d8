"""What the service refuses to be built with, and its limits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from egate.cases.case import CaseRefusal
from egate.errors import ConfigurationError
from egate.lane.api import LaneRefused
from egate.service import pki
from egate.service.errors import STATUSES
from egate.service.identity import Role
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


def test_the_development_ca_and_what_it_issues_are_recognised(all_certificates: Path) -> None:
    for name in ("ca.pem", "server.pem", "gate-1.pem"):
        assert pki.is_development_ca((all_certificates / name).read_bytes()), name


def test_a_bundle_that_holds_a_development_ca_is_recognised(all_certificates: Path, tmp_path: Path) -> None:
    other = _renamed_authority()
    assert not pki.is_development_ca(other)
    assert pki.is_development_ca(other + (all_certificates / "ca.pem").read_bytes())
    with pytest.raises(ConfigurationError):
        pki.is_development_ca(b"nothing")


def _renamed_authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = pki._name("Border Authority CA")
    certificate = pki._builder("Border Authority CA", name, key, datetime.now(UTC), timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def test_nothing_is_overwritten_and_keys_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    paths = pki.init(folder, "egate.example", [(Role.GATE, "1")])
    before = {path: path.read_bytes() for path in paths}
    assert all(path.stat().st_mode & 0o077 == 0 for path in paths if path.suffix == ".key")
    with pytest.raises(ConfigurationError):
        pki.init(folder, "egate.example", [(Role.GATE, "2")])
    assert before == {path: path.read_bytes() for path in folder.iterdir()}


def test_a_certificate_of_another_authority_cannot_be_revoked(all_certificates: Path, tmp_path: Path) -> None:
    pki.init(tmp_path / "other", "egate.example", [(Role.GATE, "1")])
    with pytest.raises(ConfigurationError):
        pki.revoke(tmp_path / "other", all_certificates / "gate-1.pem")


def test_revoking_twice_names_one_and_keeps_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    pki.init(folder, "egate.example", [(Role.GATE, "1"), (Role.GATE, "2")])
    counts = [pki.revoke(folder, folder / f"gate-{number}.pem") for number in (1, 2, 1)]
    assert counts == [1, 2, 2]


def test_every_documented_refusal_of_a_lane_has_a_status() -> None:
    words = (LaneRefused.__doc__ or "").replace(",", " ").replace(".", " ").split()
    codes = {
        word
        for word in words
        if word.isupper() and "_" in word and word.startswith(("LANE", "REQUEST", "DOC", "CROSS"))
    }
    assert len(codes) >= 8
    assert codes | set(CaseRefusal) | {"WATCH_TOO_SLOW"} <= set(STATUSES)
