"""A crash at any step of an import leaves the old state or the new one; a store that was touched by others is refused.

A child process performs the import and is ended, without any clean-up, before, in the middle of or after its n-th call into the file
system, for every n until the import survives.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egate.errors import ConfigurationError
from egate.trust import files
from egate.trust.index import decode
from egate.trust.store import import_files, load_contents, load_trust_store
from tests.trust.authority import DAY, NOW, crl, csca, issue, master_list

STEPS_MAX = 400
ROOT, ALPHA, BETA = csca(), csca("XB"), csca("XC")
SIGNER = issue(ALPHA, country="XB")
OLD_LIST = master_list(ROOT, [ALPHA.der], NOW - 9 * DAY)
NEW_LIST = master_list(ROOT, [BETA.der])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "root").write_bytes(ROOT.der)
    (tmp_path / "old").write_bytes(OLD_LIST)
    (tmp_path / "new").write_bytes(NEW_LIST)
    (tmp_path / "signer").write_bytes(SIGNER.der)
    (tmp_path / "crl").write_bytes(crl(ALPHA))
    import_old(tmp_path, tmp_path / "store")
    return tmp_path


def import_old(folder: Path, store: Path) -> None:
    report = import_files(store, [folder / "root"], [folder / one for one in ("old", "signer", "crl")], NOW)
    assert not report.refused


def import_new(folder: Path, store: Path) -> None:
    assert not import_files(store, [], [folder / "new"], NOW).refused


def state(store: Path) -> tuple[frozenset[bytes], int, int]:
    found = load_trust_store(store)
    anchors = frozenset(anchor.certificate.der for anchor in found.anchors)
    return anchors, len(found.document_signers), len(found.crls)


OLD_STATE = (frozenset((ROOT.der, ALPHA.der)), 1, 1)
NEW_STATE = (frozenset((ROOT.der, BETA.der)), 0, 0)


def crash_at(step: int, place: str, work: Callable[[], None]) -> bool:
    """Runs work in a child that ends at its step-th call. place: before, torn (writes half) or after. True if it got to its end."""
    child = os.fork()
    if child == 0:
        counter = [0]

        def ended(function: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                counter[0] += 1
                if counter[0] == step:
                    if place == "torn" and function is write:
                        write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                    elif place == "after":
                        with suppress(OSError):
                            function(*arguments, **named)
                    os._exit(1)
                return function(*arguments, **named)

            return call

        write = os.write
        try:
            os.write, os.fsync, os.open = ended(os.write), ended(os.fsync), ended(os.open)
            os.replace, os.rename, os.unlink = ended(os.replace), ended(os.rename), ended(os.unlink)
            os.mkdir, os.chmod = ended(os.mkdir), ended(os.chmod)
            work()
        except BaseException:
            os._exit(2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 1)
    return code == 0


@pytest.mark.parametrize("place", ["before", "torn", "after"])
def test_a_crash_leaves_the_old_state_or_the_new_one(folder: Path, place: str) -> None:
    seen = []
    for step in range(1, STEPS_MAX):
        store = folder / f"copy{step}"
        shutil.copytree(folder / "store", store)
        survived = crash_at(step, place, lambda store=store: import_new(folder, store))  # type: ignore[misc]
        seen.append(state(store))
        assert seen[-1] in (OLD_STATE, NEW_STATE)
        import_new(folder, store)  # nothing that was left behind is in the way
        assert state(store) == NEW_STATE
        assert {path.name for path in (store / "certificates").iterdir()} == {
            f"{one.parsed.sha256}.der" for one in (ROOT, BETA)
        }
        shutil.rmtree(store)
        if survived:
            break
    else:
        pytest.fail("never survived")
    assert step > 8
    assert OLD_STATE in seen and NEW_STATE in seen[:-1]  # it died on both sides of the moment that counts


def test_a_crash_of_the_first_import_leaves_no_store_or_a_whole_one(folder: Path) -> None:
    for step in range(1, STEPS_MAX):
        store = folder / f"first{step}"
        survived = crash_at(step, "torn", lambda store=store: import_old(folder, store))  # type: ignore[misc]
        try:
            assert state(store) == OLD_STATE
        except ConfigurationError as error:
            assert error.code == "TRUST_STORE_MISSING"
        import_old(folder, store)
        assert state(store) == OLD_STATE
        if survived:
            return
    pytest.fail("never survived")


def test_a_failure_to_write_is_named_and_keeps_the_old_state(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(ConfigurationError) as caught:
            import_new(folder, folder / "store")
    assert caught.value.code == "TRUST_STORE_UNWRITABLE"
    assert state(folder / "store") == OLD_STATE


@pytest.mark.parametrize("part", ["certificates", "crls"])
@pytest.mark.parametrize("change", ["flip", "cut", "remove", "swap"])
def test_a_changed_file_is_named(folder: Path, part: str, change: str) -> None:
    path = next((folder / "store" / part).iterdir())
    data = path.read_bytes()
    if change == "flip":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif change == "cut":
        path.write_bytes(data[:-1])
    elif change == "swap":
        path.write_bytes(BETA.der)
    else:
        path.unlink()
    with pytest.raises(ConfigurationError) as caught:
        load_trust_store(folder / "store")
    assert caught.value.code == "TRUST_STORE_CHANGED"
    assert path.name in str(caught.value)


def test_a_file_the_index_does_not_name_is_not_trusted(folder: Path) -> None:
    (folder / "store" / "certificates" / f"{BETA.parsed.sha256}.der").write_bytes(BETA.der)
    assert state(folder / "store") == OLD_STATE


@pytest.mark.parametrize("which", ["", "index.json"])
def test_a_store_others_may_write_to_is_refused(folder: Path, which: str) -> None:
    path = folder / "store" / which
    path.chmod(path.stat().st_mode | 0o022)
    with pytest.raises(ConfigurationError) as caught:
        load_trust_store(folder / "store")
    assert caught.value.code == "TRUST_STORE_EXPOSED"


@pytest.mark.parametrize("which", ["", "index.json"])
def test_a_store_that_another_user_owns_is_refused(folder: Path, which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "store" / which
    real = Path.stat

    def stat(self: Path, **named: Any) -> os.stat_result:
        found = real(self, **named)
        if self != path:
            return found
        return os.stat_result((*found[:4], os.geteuid() + 1, *found[5:]))

    monkeypatch.setattr(Path, "stat", stat)
    with pytest.raises(ConfigurationError) as caught:
        load_trust_store(folder / "store")
    assert caught.value.code == "TRUST_STORE_EXPOSED"


@pytest.mark.parametrize(("mode", "refused"), [(0o777, True), (0o707, True), (0o1777, False), (0o755, False)])
@pytest.mark.parametrize("through_link", [False, True])
def test_a_store_that_others_may_put_another_one_in_place_of_is_refused(
    folder: Path, mode: int, refused: bool, through_link: bool
) -> None:
    (folder / "links").mkdir()
    (folder / "links" / "trust").symlink_to(folder / "store")
    path = folder / "links" / "trust" if through_link else folder / "store"
    path.parent.chmod(mode)
    if not refused:
        assert state(path) == OLD_STATE
        return
    with pytest.raises(ConfigurationError) as caught:
        load_trust_store(path)
    assert caught.value.code == "TRUST_STORE_EXPOSED"
    path.parent.chmod(0o755)


def everything_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("content", ["photos/wedding.jpg", "notes", "certificates/mine.der", "lists/notes", ".ssh/id"])
def test_a_folder_that_holds_other_things_is_refused_and_left_alone(folder: Path, content: str) -> None:
    home = folder / "home"
    (home / content).parent.mkdir(parents=True)
    (home / content).write_bytes(b"precious")
    home.chmod(0o755)
    before = everything_in(home)
    with pytest.raises(ConfigurationError) as caught:
        import_old(folder, home)
    assert caught.value.code == "TRUST_STORE_FORMAT"
    assert (everything_in(home), home.stat().st_mode & 0o777) == (before, 0o755)


def test_a_folder_with_another_programs_index_is_refused_and_left_alone(folder: Path) -> None:
    home = folder / "home"
    (home / "certificates").mkdir(parents=True)
    (home / "certificates" / f"{BETA.parsed.sha256}.der").write_bytes(b"precious")
    (home / "index.json").write_bytes(b'{"name": "site"}')
    before = everything_in(home)
    with pytest.raises(ConfigurationError) as caught:
        import_old(folder, home)
    assert caught.value.code == "TRUST_STORE_DAMAGED"
    assert {name: one for name, one in everything_in(home).items() if name != ".lock"} == before


def test_an_empty_folder_becomes_a_store(folder: Path) -> None:
    (folder / "empty").mkdir()
    import_old(folder, folder / "empty")
    assert state(folder / "empty") == OLD_STATE


def test_an_import_removes_nothing_but_its_own_files(folder: Path) -> None:
    """Beside a store, in its folders, and where a link leads."""
    store, elsewhere = folder / "store", folder / "elsewhere"
    own_name = f"{'0' * 64}.der"
    for kept in (store / "photos" / own_name, store / "certificates" / "notes", elsewhere / own_name):
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(b"precious")
    (store / "link").symlink_to(elsewhere)
    (store / "certificates" / own_name).write_bytes(b"left behind")
    import_new(folder, store)
    assert (store / "photos" / own_name).exists()
    assert (store / "certificates" / "notes").exists()
    assert (elsewhere / own_name).exists()
    assert not (store / "certificates" / own_name).exists()


def test_a_store_with_a_folder_that_leads_elsewhere_is_refused(folder: Path) -> None:
    store, elsewhere = folder / "store", folder / "elsewhere"
    (store / "certificates").rename(elsewhere)
    (store / "certificates").symlink_to(elsewhere)
    before = everything_in(elsewhere)
    with pytest.raises(ConfigurationError) as caught:
        import_new(folder, store)
    assert caught.value.code == "TRUST_STORE_FORMAT"
    assert everything_in(elsewhere) == before


def test_one_import_at_a_time(folder: Path) -> None:
    with files.locked(folder / "store"), pytest.raises(ConfigurationError) as caught:
        import_new(folder, folder / "store")
    assert caught.value.code == "TRUST_STORE_BUSY"
    assert state(folder / "store") == OLD_STATE


def test_a_store_that_changes_while_it_is_read_is_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon may load in the very moment of an import, when the files its index names are being removed."""
    real = files.read_file
    done: list[int] = []

    def late(path: Path, name: str, sha256: str) -> bytes:
        if not done:
            done.append(1)
            import_new(folder, folder / "store")
        return real(path, name, sha256)

    monkeypatch.setattr(files, "read_file", late)
    # import_new itself loads: only the outer load runs into the gap
    assert state(folder / "store") == NEW_STATE


def damaged(folder: Path, index: bytes) -> str:
    (folder / "store" / "index.json").write_bytes(index)
    with pytest.raises(ConfigurationError) as caught:
        load_contents(folder / "store")
    return caught.value.code


@pytest.mark.parametrize(
    "index",
    [b"", b"{}", b"[]", b"null", b"{", b"\xff", b'{"format": 1}', b"[" * 100_000],
)
def test_a_damaged_index_is_named(folder: Path, index: bytes) -> None:
    assert damaged(folder, index) == "TRUST_STORE_DAMAGED"


def test_another_format_is_named(folder: Path) -> None:
    index = json.loads((folder / "store" / "index.json").read_bytes())
    assert damaged(folder, json.dumps({**index, "format": 2}).encode()) == "TRUST_STORE_FORMAT"


def test_an_index_leads_nowhere_else(folder: Path) -> None:
    index = json.loads((folder / "store" / "index.json").read_bytes())
    index["anchors"] = {"../../root": []}
    assert damaged(folder, json.dumps(index).encode()) == "TRUST_STORE_DAMAGED"


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("kind", "file", "x")), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(("updated_at", "sources", "anchors", "signers", "crls", "lists")), JSON)
def test_any_value_in_the_index_is_read_or_named(part: str, value: object) -> None:
    index: dict[str, object] = {
        "format": 1,
        "updated_at": None,
        "sources": {},
        "anchors": {},
        "signers": {},
        "crls": {},
        "lists": [],
    }
    try:
        decode(json.dumps({**index, part: value}).encode(), lambda _name, _sha256: b"")
    except ConfigurationError:
        pass
