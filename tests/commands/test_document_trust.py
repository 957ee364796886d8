"""`egate document trust` as an operator meets it. Lists of the tests' own, signed yesterday."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from egate.cli import main
from egate.document.chip_checks import Rules
from egate.errors import ConfigurationError
from egate.trust.source import TrustSource
from egate.trust.store import import_files
from tests.trust.authority import DAY, crl, csca, issue, master_list

TODAY = datetime.now(UTC)
ROOT = csca(start=TODAY - 400 * DAY, end=TODAY + 4000 * DAY)
ALPHA = csca("XB", start=TODAY - 400 * DAY, end=TODAY + 4000 * DAY)

NO_CERTIFICATE = bytes.fromhex("3003020100")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    (tmp_path / "list.ml").write_bytes(master_list(ROOT, [ALPHA.der, NO_CERTIFICATE], TODAY - DAY))
    (tmp_path / "alpha.crl").write_bytes(crl(ALPHA, [7], this_update=TODAY - DAY, next_update=TODAY + DAY))
    (tmp_path / "signer.cer").write_bytes(issue(ALPHA, country="XB").der)
    return tmp_path


def run(folder: Path, verb: str, *words: str | Path) -> int:
    return main(["document", "trust", verb, "--trust", str(folder / "store"), *map(str, words)])


def listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert run(folder, "list", "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_an_unpinned_list_is_refused_with_its_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "import", folder / "list.ml") == 1
    out = capsys.readouterr().out
    assert "LIST_SIGNER_NOT_PINNED" in out
    assert f"issued by {ROOT.parsed.subject_text}, serial " in out and "Certificate(" not in out
    assert run(folder, "list") == 2
    assert "TRUST_STORE_MISSING" in capsys.readouterr().err


def test_import_list_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = (folder / "list.ml", folder / "alpha.crl", folder / "signer.cer")
    assert run(folder, "import", "--csca", folder / "root.pem", *words) == 0
    out = capsys.readouterr().out
    assert "1 certificates usable, 1 not" in out
    assert "CERTIFICATE_MALFORMED" in out
    assert run(folder, "list") == 0
    out = capsys.readouterr().out
    assert "2 CSCA certificates of 2 states (1 pinned), 1 document signers, 1 CRLs, 0 defects" in out
    assert "1 days ago" in out and "warning" not in out
    found = listed(folder, capsys)
    assert found["stale"] is False and found["simulated"] is False
    assert {one["sha256"]: one["pinned"] for one in found["anchors"]} == {
        ROOT.parsed.sha256: True,
        ALPHA.parsed.sha256: False,
    }
    assert found["crls"][0]["entries"] == 1
    assert run(folder, "show", ALPHA.parsed.sha256[:12], "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["country"], shown["from"], shown["pinned"]) == ("XB", ["list.ml"], False)
    for item in (*found["crls"], *found["sources"], *found["document_signers"]):
        assert run(folder, "show", item["sha256"]) == 0
        assert item["sha256"] in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["", "ab", "ffffffffffff", "../../etc"])
def test_show_names_one_item_or_none(folder: Path, capsys: pytest.CaptureFixture[str], wanted: str) -> None:
    assert run(folder, "import", "--csca", folder / "root.pem") == 0
    assert run(folder, "show", wanted) == 2
    assert "TRUST_ID_UNKNOWN" in capsys.readouterr().err


def test_what_is_refused_beside_what_is_not_gives_status_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "import", "--csca", folder / "root.pem", folder / "list.ml", folder / "absent", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert {item["file"]: item["code"] for item in report["items"]} == {"list.ml": "", "absent": "FILE_UNREADABLE"}
    assert report["totals"]["anchors"] == 2


@pytest.mark.parametrize("kind", ["file", "loop", "long", "closed"])
def test_a_path_that_is_no_store_is_a_named_error(kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if kind == "closed" and os.geteuid() == 0:
        pytest.skip("root may read everything")
    path = folder / ("x" * 300 if kind == "long" else kind)
    if kind == "file":
        path.write_bytes(b"")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "closed":
        path.mkdir(mode=0)
    for words in (
        ["trust", "list"],
        ["trust", "show", "ffffff"],
        ["trust", "import", "--csca", str(folder / "root.pem")],
        ["verify", "--lds", str(folder)],
        ["seal", str(folder / "root.pem")],
    ):
        assert main(["document", *words, "--trust", str(path), "--json"]) == 2, words
        assert json.loads(capsys.readouterr().out)["error"].startswith("TRUST_STORE_")
    with pytest.raises(ConfigurationError) as caught:  # as egate check and egate serve read it
        TrustSource(path, Rules(), allow_simulated=True)
    assert caught.value.code.startswith("TRUST_STORE_")


def test_a_file_name_that_is_not_utf_8(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = folder / os.fsdecode(b"root\xff.pem")
    named.write_bytes(ROOT.pem)
    absent = folder / os.fsdecode(b"absent\xff")
    assert run(folder, "import", "--csca", named, named, absent) == 1
    assert "FILE_UNREADABLE" in capsys.readouterr().out
    assert listed(folder, capsys)["sources"][0]["file"] == named.name
    assert run(folder, "show", ROOT.parsed.sha256) == 0
    assert run(folder, "list") == 0
    assert "root\\udcff.pem" in capsys.readouterr().out


def test_nothing_to_import_is_wrong_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "import") == 2
    found = capsys.readouterr()
    assert "NOTHING_TO_IMPORT" in found.err and not found.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], "TRUST_STORE_MISSING"),
        (["show", "ffffff"], "TRUST_STORE_MISSING"),
        (["import"], "NOTHING_TO_IMPORT"),
        (["import", "--csca", "absent"], "FILE_UNREADABLE"),
    ],
)
def test_errors_are_json_where_asked(
    words: list[str], code: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(folder, *words, "--json") == 2
    found = capsys.readouterr()
    report = json.loads(found.out)
    assert (list(report), report["error"], found.err) == (["error", "message"], code, "")


def test_rollback_needs_a_word(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "older.ml").write_bytes(master_list(ROOT, [ROOT.der], TODAY - 9 * DAY))
    assert run(folder, "import", "--csca", folder / "root.pem", folder / "list.ml") == 0
    assert run(folder, "import", folder / "older.ml") == 1
    assert "LIST_OLDER" in capsys.readouterr().out
    assert run(folder, "import", "--allow-older", folder / "older.ml") == 0
    assert len(listed(folder, capsys)["anchors"]) == 1


@pytest.mark.parametrize(("days", "warned"), [(6, False), (8, True)])
def test_an_old_store_warns(folder: Path, capsys: pytest.CaptureFixture[str], days: int, warned: bool) -> None:
    signed_at = TODAY - days * DAY
    (folder / "root.crl").write_bytes(crl(ROOT, this_update=signed_at, next_update=TODAY + DAY))
    import_files(folder / "store", [folder / "root.pem"], [folder / "root.crl"], TODAY)
    assert run(folder, "list") == 0
    assert ("warning: not updated within 7 days" in capsys.readouterr().out) is warned
    assert listed(folder, capsys)["stale"] is warned


def test_a_store_of_bare_certificates_has_no_age(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "import", "--csca", folder / "root.pem") == 0
    assert run(folder, "list") == 0
    assert "warning: never updated" in capsys.readouterr().out
    found = listed(folder, capsys)
    assert (found["updated_at"], found["stale"]) == (None, True)


def test_a_simulated_issuer_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hw.sim.pki import SimulatedState

    (folder / "simulated.cer").write_bytes(SimulatedState(TODAY).csca.certificate)
    assert run(folder, "import", "--csca", folder / "simulated.cer") == 0
    assert run(folder, "list") == 0
    assert "simulated issuer" in capsys.readouterr().out
    assert listed(folder, capsys)["simulated"] is True


def test_a_changed_file_is_named(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "import", "--csca", folder / "root.pem") == 0
    path = next((folder / "store" / "certificates").iterdir())
    path.write_bytes(ALPHA.der)
    assert run(folder, "list") == 2
    assert "TRUST_STORE_CHANGED" in capsys.readouterr().err


def test_the_simulated_states_own_lists_come_in(folder: Path) -> None:
    """The other writer of lists in this repository: CSCA, successor, revocation list and master list."""
    from hw.sim.pki import SimulatedState

    state = SimulatedState(TODAY - 20 * DAY)
    signer = state.issue_signer(TODAY - 10 * DAY)
    first = state.csca.certificate
    state.roll_over(TODAY - 5 * DAY)
    state.revoke(signer, TODAY - 2 * DAY)
    parts = {
        "first.cer": first,
        "signer.cer": signer.certificate,
        "link.cer": state.links[0],
        "second.cer": state.csca.certificate,
        "list.crl": state.write_crl(TODAY - DAY),
        "list.sim": state.write_master_list(state.anchors(), TODAY - DAY),
    }
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    names = [folder / name for name in parts if name != "first.cer"]
    assert run(folder, "import", "--csca", folder / "first.cer", *names) == 0
    from egate.document.pki.certificate import parse_certificate
    from egate.document.pki.trust import RevocationStatus
    from egate.trust.store import load_trust_store

    store = load_trust_store(folder / "store")
    assert (len(store.anchors), len(store.document_signers), len(store.crls)) == (3, 1, 1)
    revoked, old = parse_certificate(signer.certificate), parse_certificate(first)
    assert store.revocation(revoked, old, TODAY) is RevocationStatus.REVOKED
