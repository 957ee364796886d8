"""What lies on the disk while a case is open, and that nothing readable is left afterwards."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from egate.cases import Dossier, DossierStore, load_site_key, new_case_id
from egate.cases.dossier import DOSSIER_BYTES_MAX, IMAGES_MAX
from egate.domain.ids import CaseId
from egate.errors import ConfigurationError, JournalError

FACE = b"\x89PNG\r\n\x1a\n" + b"the traveller's face " * 50
DOSSIER = Dossier({"document_face": FACE, "live_face": FACE[::-1]}, {"name": "MUSTERMANN ERIKA"})


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("site_key", [None, b"k" * 32])
def test_what_was_written_is_read_again(tmp_path: Path, site_key: bytes | None) -> None:
    store, case = DossierStore(tmp_path, site_key), new_case_id()
    store.write(case, DOSSIER)
    found = DossierStore(tmp_path, site_key).read(case)
    assert found is not None
    assert dict(found.images) == dict(DOSSIER.images) and dict(found.document) == dict(DOSSIER.document)


def test_disk_shows_neither_images_nor_document_data_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    DossierStore(tmp_path).write(new_case_id(), DOSSIER)
    on_disk = all_bytes(tmp_path)
    assert b"face" not in on_disk and b"MUSTERMANN" not in on_disk and b"PNG" not in on_disk
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_repr_is_redacted() -> None:
    assert "MUSTERMANN" not in repr(DOSSIER) and "PNG" not in repr(DOSSIER)


def test_after_destruction_the_kept_ciphertext_cannot_be_read(tmp_path: Path) -> None:
    store, case = DossierStore(tmp_path), new_case_id()
    store.write(case, DOSSIER)
    ciphertext = (tmp_path / "dossiers" / f"{case}.bin").read_bytes()
    key_path = tmp_path / "keys" / f"{case}.key"
    key = key_path.read_bytes()[-32:]
    with key_path.open("rb") as same_blocks:  # an open file outlives its name: were the bytes overwritten?
        store.destroy(case)
        assert key not in same_blocks.read()
    assert list(tmp_path.rglob("*.bin")) == [] and list(tmp_path.rglob("*.key")) == []
    (tmp_path / "dossiers" / f"{case}.bin").write_bytes(ciphertext)
    assert store.read(case) is None
    store.destroy(case)
    store.destroy(case)


def test_a_dossier_under_another_cases_name_or_changed_in_one_bit_is_refused(tmp_path: Path) -> None:
    store, case, other = DossierStore(tmp_path), new_case_id(), new_case_id()
    store.write(case, DOSSIER)
    for folder, suffix in (("dossiers", "bin"), ("keys", "key")):
        (tmp_path / folder / f"{other}.{suffix}").write_bytes((tmp_path / folder / f"{case}.{suffix}").read_bytes())
    path = tmp_path / "dossiers" / f"{case}.bin"
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))
    for each in (case, other):
        with pytest.raises(JournalError) as refused:
            store.read(each)
        assert refused.value.code == "DOSSIER_UNREADABLE"


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    store, case = DossierStore(tmp_path), new_case_id()
    for folder, suffix in (("dossiers", "bin"), ("keys", "key")):
        store.write(case, DOSSIER)
        path = tmp_path / folder / f"{case}.{suffix}"
        whole = path.read_bytes()
        for size in (0, 3, 5, 6, 12, 20):
            path.write_bytes(whole[:size])
            with pytest.raises(JournalError):
                store.read(case)


def test_a_wrapped_key_needs_its_site_key(tmp_path: Path) -> None:
    case = new_case_id()
    DossierStore(tmp_path, b"k" * 32).write(case, DOSSIER)
    for wrong in (None, b"x" * 32):
        with pytest.raises(JournalError):
            DossierStore(tmp_path, wrong).read(case)


def test_site_key_file_of_others_or_of_wrong_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "site.key"
    with pytest.raises(ConfigurationError):
        load_site_key(path)
    path.write_bytes(b"k" * 32)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError):
        load_site_key(path)
    path.chmod(0o600)
    assert load_site_key(path) == b"k" * 32
    path.write_bytes(b"k" * 31)
    with pytest.raises(ConfigurationError):
        load_site_key(path)


def test_sweep_leaves_only_unresolved_cases(tmp_path: Path) -> None:
    store, kept, orphan = DossierStore(tmp_path), new_case_id(), new_case_id()
    store.write(kept, DOSSIER)
    store.write(orphan, DOSSIER)
    half_written = tmp_path / "dossiers" / f"{new_case_id()}.bin.new"
    half_written.write_bytes(b"half")
    assert store.sweep({kept}) == 2
    assert not half_written.exists()
    assert store.read(kept) is not None and store.read(orphan) is None
    assert store.sweep({kept}) == 0


@pytest.mark.parametrize("name", ["../../escape", "", "A" * 32, "a" * 31, "a" * 32 + "\n"])
def test_a_case_id_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):
        DossierStore(tmp_path).write(CaseId(name), DOSSIER)


def test_limits(tmp_path: Path) -> None:
    store = DossierStore(tmp_path)
    for dossier in (
        Dossier({str(i): b"" for i in range(IMAGES_MAX + 1)}),
        Dossier({"frame": bytes(DOSSIER_BYTES_MAX)}),
    ):
        with pytest.raises(ValueError):
            store.write(new_case_id(), dossier)
    assert store.sweep(set()) == 0


def test_a_folder_of_other_cases_is_not_swept_but_refused(tmp_path: Path) -> None:
    unbound, bound = DossierStore(tmp_path / "unbound"), DossierStore(tmp_path / "bound")
    bound.bind("journal-1")
    bound.bind("journal-1")
    unbound.write(new_case_id(), DOSSIER)
    for store in (unbound, bound):
        with pytest.raises(ConfigurationError) as refused:
            store.bind("journal-2")
        assert refused.value.code == "DOSSIERS_FOREIGN"
