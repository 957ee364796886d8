from __future__ import annotations

import hashlib
import hmac
import stat
from pathlib import Path

import pytest

from egate.errors import ConfigurationError
from egate.journal.pseudonym import document_pseudonym, load_or_create_key

KEY = bytes(range(32))


def test_it_is_the_hmac_of_state_and_number() -> None:
    message = b"egate document pseudonym v1\0" + b"\x00\x03" + b"UTO" + b"L898902C3"
    assert document_pseudonym(KEY, "UTO", "L898902C3") == hmac.new(KEY, message, hashlib.sha256).hexdigest()


def test_fillers_and_case_do_not_matter() -> None:
    assert document_pseudonym(KEY, "D<<", "c01x00t47<") == document_pseudonym(KEY, "D", "C01X00T47")


def test_state_number_and_key_each_matter_and_do_not_run_together() -> None:
    pseudonyms = {
        document_pseudonym(KEY, "D", "12"),
        document_pseudonym(KEY, "D1", "2"),
        document_pseudonym(KEY, "D", "13"),
        document_pseudonym(KEY[::-1], "D", "12"),
    }
    assert len(pseudonyms) == 4


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        document_pseudonym(b"short", "D", "12")


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "pseudonym.key"
    key = load_or_create_key(path)
    assert len(key) == 32 and load_or_create_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError):
        load_or_create_key(path)
    path.chmod(0o600)
    path.write_bytes(b"")
    with pytest.raises(ConfigurationError):
        load_or_create_key(path)
