"""A case's images and document data, on disk only encrypted, and only until the case is resolved.

    <dir>/dossiers/<case>.bin   "EGDS1" || nonce (12) || AES-256-GCM(CBOR), additional data: the case's id
    <dir>/keys/<case>.key       "EGCK1" || 0 || key (32)                       without a site key
                                "EGCK1" || 1 || nonce (12) || wrapped (48)     AES-256-GCM under the site key

Destroying the key destroys the dossier, wherever copies of the ciphertext are. Overwriting a file does not reach old blocks on SSDs and
copy-on-write file systems: there, use a site key and keep it elsewhere, or encrypt the volume.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cbor2
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from egate.domain.ids import CaseId
from egate.errors import ConfigurationError, JournalError

IMAGES_MAX = 16
DOSSIER_BYTES_MAX = 16 * 2**20  # chosen: four full camera frames as PNG and the crops
KEY_BYTES = 32
_NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits; each key encrypts once, so a random one cannot repeat
_DOSSIER_MAGIC, _KEY_MAGIC = b"EGDS1", b"EGCK1"
_PLAIN, _WRAPPED = b"\0", b"\1"
_CASE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, repr=False)
class Dossier:
    """What the officer sees. images: PNG or JPEG bytes by name, e.g. "document_face", "live_face". document: field name to text."""

    images: Mapping[str, bytes] = field(default_factory=dict)
    document: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Dossier(images={len(self.images)}, redacted)"


class DossierStore:
    """Files of one folder, one owner. All methods block on the disk; different cases may be handled in different threads."""

    def __init__(self, directory: Path, site_key: bytes | None = None) -> None:
        if site_key is not None and len(site_key) != KEY_BYTES:
            raise ConfigurationError(f"the site key must have {KEY_BYTES} bytes")
        self._dossiers, self._keys = directory / "dossiers", directory / "keys"
        self._owner_path = directory / "store-id"
        for folder in (self._dossiers, self._keys):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._site_key = site_key

    def bind(self, store_id: str) -> None:
        """Ties the folder to the cases it belongs to, at first use.

        Raises ConfigurationError DOSSIERS_FOREIGN if it belongs to others: the sweep would destroy every one of their dossiers.
        """
        try:
            owner = self._owner_path.read_text("ascii")
        except FileNotFoundError:
            owner = "" if self._found() else store_id
            if owner:
                _write_durably(self._owner_path, owner.encode())
        if owner != store_id:
            raise ConfigurationError("the dossier folder belongs to another journal", code="DOSSIERS_FOREIGN")

    def write(self, case: CaseId, dossier: Dossier) -> None:
        """Durable on return: both files and their folder entries are synced. Raises OSError, or ValueError beyond a limit."""
        plain = cbor2.dumps({"images": dict(dossier.images), "document": dict(dossier.document)}, canonical=True)
        if len(dossier.images) > IMAGES_MAX or len(plain) > DOSSIER_BYTES_MAX:
            raise ValueError(f"a dossier holds at most {IMAGES_MAX} images and {DOSSIER_BYTES_MAX} bytes")
        key = secrets.token_bytes(KEY_BYTES)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, plain, _associated(case))
        _write_durably(self._key_path(case), self._wrap(case, key))
        _write_durably(self._dossier_path(case), _DOSSIER_MAGIC + nonce + sealed)

    def read(self, case: CaseId) -> Dossier | None:
        """None if there is none (never written, or destroyed).

        Raises JournalError DOSSIER_UNREADABLE if it was changed or the site key is wrong.
        """
        try:
            key_file, sealed = self._key_path(case).read_bytes(), self._dossier_path(case).read_bytes()
        except FileNotFoundError:
            return None
        try:
            key = self._unwrap(case, key_file)
            content = cbor2.loads(_open(key, sealed, _DOSSIER_MAGIC, _associated(case)))
        except (InvalidTag, ValueError) as error:  # never what was in it
            raise JournalError("the dossier cannot be decrypted", code="DOSSIER_UNREADABLE") from error
        return Dossier(content["images"], content["document"])

    def destroy(self, case: CaseId) -> None:
        """The key first, then the dossier; durable on return. Idempotent. Raises OSError if the disk refuses."""
        key_path, dossier_path = self._key_path(case), self._dossier_path(case)
        if key_path.exists():
            _overwrite(key_path)
            _unlink_durably(key_path)
        if dossier_path.exists():
            _unlink_durably(dossier_path)

    def sweep(self, unresolved: Collection[CaseId]) -> int:
        """At start: destroys every dossier that belongs to no unresolved case, and half-written files. Returns how many went."""
        orphans = self._found() - set(unresolved)
        for case in orphans:
            self.destroy(case)
        for folder in (self._keys, self._dossiers):
            for unfinished in folder.glob("*.new"):
                _overwrite(unfinished)
                _unlink_durably(unfinished)
        return len(orphans)

    def _found(self) -> set[CaseId]:
        names = {path.name.partition(".")[0] for folder in (self._keys, self._dossiers) for path in folder.iterdir()}
        return {CaseId(name) for name in names if _CASE_ID.fullmatch(name)}

    def _wrap(self, case: CaseId, key: bytes) -> bytes:
        if self._site_key is None:
            return _KEY_MAGIC + _PLAIN + key
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return _KEY_MAGIC + _WRAPPED + nonce + AESGCM(self._site_key).encrypt(nonce, key, _associated(case))

    def _unwrap(self, case: CaseId, data: bytes) -> bytes:
        if data.startswith(_KEY_MAGIC + _PLAIN):
            return data[len(_KEY_MAGIC + _PLAIN) :]
        if self._site_key is None:
            raise ValueError("wrapped key without site key")
        return _open(self._site_key, data, _KEY_MAGIC + _WRAPPED, _associated(case))

    def _dossier_path(self, case: CaseId) -> Path:
        return self._dossiers / f"{_checked(case)}.bin"

    def _key_path(self, case: CaseId) -> Path:
        return self._keys / f"{_checked(case)}.key"


def load_site_key(path: Path) -> bytes:
    """Raises ConfigurationError if the file is missing, readable by others, or not of 32 bytes."""
    try:
        mode, key = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise ConfigurationError("the site key file cannot be read") from error
    if mode & 0o077:
        raise ConfigurationError(
            "the site key file must be readable by its owner only (mode 0600)", code="KEY_FILE_OPEN"
        )
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"the site key file must hold {KEY_BYTES} bytes")
    return key


def _open(key: bytes, data: bytes, magic: bytes, associated: bytes) -> bytes:
    if not data.startswith(magic):
        raise ValueError("unknown format")
    body = data[len(magic) :]
    return AESGCM(key).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], associated)


def _associated(case: CaseId) -> bytes:
    return b"egate dossier v1\0" + case.encode()


def _checked(case: CaseId) -> CaseId:
    """An id that becomes a file name."""
    if not _CASE_ID.fullmatch(case):
        raise ValueError("a case id has 32 hexadecimal digits")
    return case


def _write_durably(path: Path, data: bytes) -> None:
    unfinished = path.with_name(path.name + ".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    _sync_folder(path.parent)


def _overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(secrets.token_bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())


def _unlink_durably(path: Path) -> None:
    path.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
