"""A running daemon takes a changed store, and keeps the one before when the new one cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from egate.document.chip_checks import Rules
from egate.errors import ConfigurationError
from egate.trust.files import INDEX_FILE
from egate.trust.source import TrustSource
from egate.trust.store import import_files
from hw.sim.pki import SimulatedState

NOW = datetime(2026, 7, 1, tzinfo=UTC)
RULES = Rules(crl_required=True)


def trusting(store: Path, country: str) -> None:
    file = store.parent / f"{country}.cer"
    file.write_bytes(SimulatedState(NOW, country, country).csca.certificate)
    import_files(store, [file], [], NOW)


def test_an_import_is_seen_without_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "trust"
    trusting(store, "FR")
    source = TrustSource(store, RULES)
    first = source.current()
    assert ([anchor.certificate.country for anchor in first.store.anchors], first.rules) == (["FR"], RULES)
    assert source.current().store is first.store  # nothing is read again for nothing
    trusting(store, "PT")
    assert sorted(anchor.certificate.country for anchor in source.current().store.anchors) == ["FR", "PT"]


def test_a_damaged_store_leaves_the_one_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "trust"
    trusting(store, "FR")
    source = TrustSource(store, RULES)
    (store / INDEX_FILE).write_bytes(b"{}")
    assert len(source.current().store.anchors) == 1
    trusting(store.with_name("other"), "PT")
    (store / INDEX_FILE).unlink()
    assert len(source.current().store.anchors) == 1


def test_a_start_without_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        TrustSource(tmp_path / "nowhere", RULES)


def test_a_site_without_a_store_trusts_nobody() -> None:
    assert not TrustSource(None, RULES).current().store.anchors
