"""The officers' file.

    [[officer]]
    id = "ada"
    password = "scrypt$16$8$2$…$…"
    disabled = false

Read again when it changes: an officer disabled there, or given another password, loses the tokens at once.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from egate.domain.ids import OfficerId
from egate.errors import ConfigurationError
from egate.service.password import PasswordHash, nobody, parse_password_hash

FILE_BYTES_MAX = 1024 * 1024
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)  # as in a certificate's URI
_KEYS = {"id", "password", "disabled"}
_log = structlog.get_logger("egate.service.officers")


@dataclass(frozen=True, slots=True)
class Officer:
    id: OfficerId
    password: PasswordHash
    disabled: bool = False


def parse_officers(text: str) -> Mapping[OfficerId, Officer]:
    """Raises ConfigurationError on unknown keys, bad ids, double officers and unreadable hashes."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError("the officers' file is no TOML") from error
    entries = data.get("officer", [])
    if set(data) - {"officer"} or not isinstance(entries, list):
        raise ConfigurationError("the officers' file holds [[officer]] tables only")
    officers: dict[OfficerId, Officer] = {}
    for entry in entries:
        officer = _parse_officer(entry)
        if officer.id in officers:
            raise ConfigurationError(f"officer {officer.id} stands in the file twice")
        officers[officer.id] = officer
    return officers


def _parse_officer(entry: object) -> Officer:
    if not isinstance(entry, dict) or not {"id", "password"} <= set(entry) <= _KEYS:
        raise ConfigurationError("an officer has the keys id, password and, if need be, disabled")
    officer_id, password, disabled = entry["id"], entry["password"], entry.get("disabled", False)
    if not isinstance(officer_id, str) or not is_officer_id(officer_id):
        raise ConfigurationError("an officer's id: letters, digits, '.', '-' and '_', at most 64")
    if not isinstance(password, str) or not isinstance(disabled, bool):
        raise ConfigurationError(f"officer {officer_id}: password is a text and disabled true or false")
    return Officer(OfficerId(officer_id), parse_password_hash(password), disabled)


def is_officer_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


class OfficerFile:
    """The officers of a file, always as it is now. Unreadable now: nobody is an officer."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError if the file cannot be read at the start."""
        self._path = path
        self._officers = _read(path)
        self._stamp = _stamp(path)

    def get(self, officer: str) -> Officer | None:
        """The officer, if known and not disabled."""
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._officers = _read(self._path)
            except ConfigurationError as error:
                self._officers = {}
                _log.error("officers_unreadable", problem=str(error))
        found = self._officers.get(OfficerId(officer))
        return None if found is None or found.disabled else found

    def decoy(self) -> PasswordHash:
        """A hash no password matches and that takes as long as an officer's, to compare with for who is none."""
        return nobody(next((officer.password for officer in self._officers.values()), None))


def add_officer(path: Path, officer: str, password: PasswordHash) -> None:
    """Adds an officer; the file is made if absent, 0600, and replaced whole. Raises ConfigurationError if already there."""
    if not is_officer_id(officer):
        raise ConfigurationError("an officer's id: letters, digits, '.', '-' and '_', at most 64")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if officer in parse_officers(text):
        raise ConfigurationError(f"officer {officer} is already in the file")
    text += f'{chr(10) if text else ""}[[officer]]\nid = "{officer}"\npassword = "{password}"\n'
    parse_officers(text)
    draft = path.with_name(path.name + ".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> Mapping[OfficerId, Officer]:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ConfigurationError("the officers' file is too large")
        return parse_officers(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("the officers' file cannot be read") from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
