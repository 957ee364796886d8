"""A running daemon takes a changed store, and keeps the one before when the new one cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from egate.document.chip_checks import Rules
from egate.document.pki.trust import TrustStore
from egate.errors import ConfigurationError
from egate.trust.files import INDEX_FILE
from egate.trust.source import TrustSource
from egate.trust.store import import_files
from hw.sim.pki import SimulatedState
from tests.trust.authority import csca

NOW = datetime(2026, 7, 1, tzinfo=UTC)
RULES = Rules(crl_required=True)


def trusting(store: Path, country: str) -> None:
    file = store.parent / f"{country}.cer"
    file.write_bytes(SimulatedState(NOW, country, country).csca.certificate)
    import_files(store, [file], [], NOW)


def test_an_import_is_seen_without_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "trust"
    trusting(store, "FR")
    source = TrustSource(store, RULES, allow_simulated=True)
    first = source.current()
    assert ([anchor.certificate.country for anchor in first.store.anchors], first.rules) == (["FR"], RULES)
    assert source.current().store is first.store  # nothing is read again for nothing
    trusting(store, "PT")
    assert sorted(anchor.certificate.country for anchor in source.current().store.anchors) == ["FR", "PT"]


def test_a_damaged_store_leaves_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "trust"
    trusting(store, "FR")
    source = TrustSource(store, RULES, allow_simulated=True)
    (store / INDEX_FILE).write_bytes(b"{}")
    assert len(source.current().store.anchors) == 1
    trusting(store.with_name("other"), "PT")
    (store / INDEX_FILE).unlink()
    assert len(source.current().store.anchors) == 1


def test_a_start_without_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        TrustSource(tmp_path / "nowhere", RULES, allow_simulated=True)


def test_a_site_without_a_store_trusts_nobody() -> None:
    assert not TrustSource(None, RULES, allow_simulated=False).current().store.anchors


def test_what_failed_is_tried_again_and_named_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "trust"
    trusting(store, "FR")
    source = TrustSource(store, RULES, allow_simulated=True)
    trusting(store, "PT")

    def exhausted(_path: Path) -> TrustStore:
        raise ConfigurationError("too many open files", code="TRUST_STORE_DAMAGED")

    with monkeypatch.context() as patch:
        patch.setattr("egate.trust.source.load_trust_store", exhausted)
        assert [len(source.current().store.anchors) for _ in range(3)] == [1, 1, 1]
    assert capsys.readouterr().out.count("TRUST_STORE_DAMAGED") == 1
    assert len(source.current().store.anchors) == 2


def test_a_simulated_issuer_comes_in_at_no_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The daemon refuses to start with one outside the demo; an import while it runs must not be the way round that."""
    store = tmp_path / "trust"
    (tmp_path / "real.cer").write_bytes(csca("FR").der)
    import_files(store, [tmp_path / "real.cer"], [], NOW)
    source = TrustSource(store, RULES, allow_simulated=False)
    trusting(store, "PT")
    kept = source.current().store
    assert len(kept.anchors) == 1 and not kept.simulated
    assert "TRUST_STORE_SIMULATED" in capsys.readouterr().out
    with pytest.raises(ConfigurationError) as caught:
        TrustSource(store, RULES, allow_simulated=False)
    assert caught.value.code == "TRUST_STORE_SIMULATED"
    assert len(TrustSource(store, RULES, allow_simulated=True).current().store.anchors) == 2
