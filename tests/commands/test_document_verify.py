"""What must hold: the files of a directory end in one verdict, in the form scripts read; the exit status says which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from egate.cli import main
from egate.document.encoding.tlv import FILE_SIZE_MAX
from egate.domain.inspection import PASSIVE_CHECKS
from egate.trust.store import import_files
from hw.sim.pki import SimulatedState
from tests.document.corpus import corpus_file
from tests.document.signed_documents import FRENCH, NOW, data_groups, signed

STATE = SimulatedState(NOW)
SIGNER = STATE.issue_signer(NOW)
FILES = signed(data_groups(), SIGNER, signing_time=NOW)
AT = (NOW + timedelta(days=1)).isoformat()


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return store(tmp_path)


def store(tmp_path: Path, *crls: bytes) -> Path:
    tmp_path.mkdir(exist_ok=True)
    csca = tmp_path / "csca.cer"
    csca.write_bytes(STATE.csca.certificate)
    sources = [tmp_path / f"{number}.crl" for number in range(len(crls))]
    for path, crl in zip(sources, crls, strict=True):
        path.write_bytes(crl)
    import_files(tmp_path / "store", [csca], sources, NOW)
    return tmp_path / "store"


def write(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / f"EF_{name.upper()}.bin").write_bytes(data)
    return folder


def verify(capsys: pytest.CaptureFixture[str], lds: Path, trust: Path, *options: str) -> tuple[int, dict[str, Any]]:
    status = main(["document", "verify", "--lds", str(lds), "--trust", str(trust), "--json", "--at", AT, *options])
    return status, json.loads(capsys.readouterr().out)


def verdicts(report: Mapping[str, Any]) -> dict[str, str]:
    return {name: check["verdict"] for name, check in report["checks"].items()}


def test_genuine_document(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, write(tmp_path / "lds"), trust)
    assert (status, report["verdict"]) == (0, "PASS")
    assert list(report["checks"]) == [check.value for check in PASSIVE_CHECKS]
    assert report["checks"]["sod_signature"] == {"verdict": "PASS", "reasons": [], "detail": ""}
    assert report["checks"]["revocation"] == {"verdict": "UNDETERMINED", "reasons": ["CRL_MISSING"], "detail": ""}
    assert report["signing_time"] == NOW.isoformat()
    assert report["signer"]["serial"] == f"{SIGNER.serial:x}"


def test_required_revocation_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lds = write(tmp_path / "lds")
    status, report = verify(capsys, lds, store(tmp_path / "a"), "--crl-required")
    assert (status, report["verdict"]) == (1, "UNDETERMINED")
    status, report = verify(capsys, lds, store(tmp_path / "b", STATE.write_crl(NOW)), "--crl-required")
    assert (status, report["verdict"]) == (0, "PASS")


def test_changed_group_and_other_state(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, write(tmp_path / "a", dict(FILES) | {"dg2": FILES["dg2"][:-1] + b"x"}), trust)
    assert (status, report["verdict"]) == (1, "FAIL")
    assert report["checks"]["dg_hashes"] == {"verdict": "FAIL", "reasons": ["DG_HASH_DIFFERS"], "detail": "dg2"}
    status, report = verify(capsys, write(tmp_path / "b", signed(data_groups(FRENCH), SIGNER)), trust)
    assert (status, report["checks"]["issuer_state"]["verdict"]) == (1, "FAIL")


def test_absent_files(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, write(tmp_path / "a", {"sod": FILES["sod"]}), trust)
    assert (status, report["verdict"]) == (1, "UNDETERMINED")
    assert verdicts(report) == {
        "sod_signature": "PASS", "chain": "PASS", "validity": "PASS", "revocation": "UNDETERMINED", "dg_hashes": "NOT_PERFORMED",
        "issuer_state": "NOT_PERFORMED", "ef_com": "NOT_PERFORMED",
    }  # fmt: skip
    status, report = verify(capsys, write(tmp_path / "b", {"dg1": FILES["dg1"]}), trust)
    assert (status, report["checks"]["sod_signature"]["reasons"]) == (1, ["SOD_MISSING"])
    status, report = verify(capsys, write(tmp_path / "c", {}), trust)
    assert (status, report["verdict"], set(verdicts(report).values())) == (1, "UNDETERMINED", {"NOT_PERFORMED"})


@pytest.mark.parametrize(
    ("names", "hashes"),
    [(["sod"], "NOT_PERFORMED"), (["sod", "com"], "NOT_PERFORMED"), (["sod", "dg1"], "UNDETERMINED"), (["sod", "dg2"], "UNDETERMINED")],
)  # fmt: skip
def test_absent_groups_are_no_failure(
    names: list[str], hashes: str, tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever of the document is absent, the signature's chain is judged, and what is not there is neither wrong nor right."""
    status, report = verify(capsys, write(tmp_path / "lds", {name: FILES[name] for name in names}), trust)
    assert (status, report["verdict"]) == (1, "UNDETERMINED")
    assert (verdicts(report)["chain"], verdicts(report)["dg_hashes"]) == ("PASS", hashes)
    assert sorted(report["files"]) == sorted(names)


def test_a_folder_without_a_document_says_so(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lds").mkdir()
    (tmp_path / "lds" / "DG1.bin").write_bytes(FILES["dg1"])
    _, report = verify(capsys, tmp_path / "lds", trust)
    assert (report["hint"], report["files"]) == ("NO_EF_FILES", [])
    main(["document", "verify", "--lds", str(tmp_path / "lds"), "--trust", str(trust)])
    assert "NO_EF_FILES" in capsys.readouterr().out
    _, report = verify(capsys, write(tmp_path / "lds"), trust)
    assert (report["hint"], report["files"]) == ("", ["com", "sod", "dg1", "dg2", "dg14"])


def test_without_trust_store_the_signature_is_still_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, write(tmp_path / "lds"), tmp_path / "nothing")
    assert (status, report["verdict"]) == (1, "UNDETERMINED")
    assert verdicts(report)["sod_signature"] == "PASS"
    assert report["checks"]["chain"]["reasons"] == ["TRUST_STORE_MISSING"]


def test_files_that_are_no_part_of_the_document(
    tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a reader would: what neither EF.COM nor EF.SOD lists is not read. Without EF.COM everything is."""
    more = dict(FILES) | {"dg15": b"\x6f\x00"}
    status, report = verify(capsys, write(tmp_path / "a", more), trust)
    assert (status, report["unlisted"]) == (0, ["dg15"])
    del more["com"]
    status, report = verify(capsys, write(tmp_path / "b", more), trust)
    assert (status, report["checks"]["dg_hashes"]["reasons"]) == (1, ["DG_NOT_SIGNED"])


def test_errors(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, report = verify(capsys, tmp_path / "absent", trust)
    assert (status, report["error"]) == (2, "CONFIGURATION")
    status, report = verify(capsys, write(tmp_path / "long", {"dg2": bytes(FILE_SIZE_MAX + 1)}), trust)
    assert (status, report["error"]) == (2, "FILE_TOO_LONG")
    for name in ("loop", "x" * 300):
        if name == "loop":
            (tmp_path / name).symlink_to(name)
        assert verify(capsys, tmp_path / name, trust)[1]["error"] == "CONFIGURATION"
    assert verify(capsys, tmp_path, tmp_path / "long" / "EF_DG2.bin")[0] == 2
    with pytest.raises(SystemExit) as caught:
        main(["document", "verify", "--lds", "x", "--trust", "y", "--at", "yesterday"])
    assert caught.value.code == 2


def test_date_of_inspection(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lds = write(tmp_path / "lds")
    for date, verdict in (("2027-01-01", "PASS"), ("2090-01-01", "FAIL"), ("2026-06-30T12:00:00+02:00", "FAIL")):
        arguments = ["document", "verify", "--lds", str(lds), "--trust", str(trust), "--json", "--at", date]
        main(arguments)
        assert json.loads(capsys.readouterr().out)["verdict"] == verdict


def test_table_for_people(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["document", "verify", "--lds", str(write(tmp_path / "lds")), "--trust", str(trust), "--at", AT])
    shown = capsys.readouterr().out
    assert status == 0
    assert "verdict PASS" in shown
    assert "ERIKSSON" not in shown


@pytest.mark.parametrize(("days", "stale"), [(6, False), (8, True)])
def test_the_age_of_the_trust_store(tmp_path: Path, capsys: pytest.CaptureFixture[str], days: int, stale: bool) -> None:
    lds, trust = write(tmp_path / "lds"), store(tmp_path / "a", STATE.write_crl(NOW))
    at = (NOW + timedelta(days=days)).isoformat()
    _, report = verify(capsys, lds, trust, "--at", at)
    assert report["trust_store"] == {"updated_at": NOW.isoformat(), "stale": stale}
    main(["document", "verify", "--lds", str(lds), "--trust", str(trust), "--at", at])
    assert ("8 days old" in capsys.readouterr().out) is stale


def test_a_trust_store_of_no_age(tmp_path: Path, trust: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, report = verify(capsys, write(tmp_path / "lds"), trust)
    assert report["trust_store"] == {"updated_at": None, "stale": True}
    main(["document", "verify", "--lds", str(tmp_path / "lds"), "--trust", str(trust)])
    assert "trust store was never updated" in capsys.readouterr().out


@pytest.mark.corpus
def test_specimen_is_genuine_but_nobody_known_issued_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its CSCA is a test one of 2007, in no list: hashes and signature hold, the chain must not."""
    import_files(
        tmp_path / "store",
        [corpus_file("pki", "DE_ROOT_CA_CSCA07.cer")],
        [corpus_file("pki", "DE_ML_2026-05-28-08-28-45.ml")],
        NOW,
    )
    status, report = verify(capsys, corpus_file("lds_tsemrtd"), tmp_path / "store")
    assert (status, report["verdict"]) == (1, "FAIL")
    assert (verdicts(report)["sod_signature"], verdicts(report)["dg_hashes"], verdicts(report)["ef_com"]) == (
        "PASS",
    ) * 3
    assert report["checks"]["chain"]["reasons"] == ["SIGNER_UNKNOWN"]
    assert report["checks"]["validity"]["reasons"] == ["SIGNER_EXPIRED"]
    assert report["unlisted"] == ["dg4", "dg5", "dg7", "dg11", "dg12", "dg15"]
