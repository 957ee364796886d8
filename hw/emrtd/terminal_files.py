"""The files that open fingerprints: a folder with a terminal's key and the CV certificates that vouch for it.

DIR/*.cvcert      certificates, encoded (BSI TR-03110-3, D.2), in any order: the CVCA's own, links, the verifier's, the terminal's
DIR/terminal.key  the terminal's private key, PKCS #8, DER or PEM; nobody but owner and group may read it
"""

from __future__ import annotations

import stat
from pathlib import Path

from egate.document.encoding import pem
from egate.errors import ConfigurationError, DocumentError
from hw.emrtd.protocol.terminal_chain import COUNT_MAX, TerminalChain, parse_terminal_chain
from hw.regular_file import NotRegular, read_regular

KEY_NAME, CERTIFICATE_PATTERN = "terminal.key", "*.cvcert"
FILE_SIZE_MAX = 16 * 1024  # chosen: certificates have some 300 bytes, keys of RSA 4096 bits 2.4 kB
_PEM_LABEL = "PRIVATE KEY"


def read_terminal_chain(directory: Path) -> TerminalChain:
    """Raises ConfigurationError that names what is wrong with the folder, never its content."""
    try:
        paths = sorted(directory.glob(CERTIFICATE_PATTERN))
        if not 0 < len(paths) <= COUNT_MAX:
            raise ConfigurationError(f"{directory}: no {CERTIFICATE_PATTERN}, or more than {COUNT_MAX}")
        key = directory / KEY_NAME
        if key.stat().st_mode & stat.S_IRWXO:
            raise ConfigurationError(f"{key} is accessible to everyone; chmod o= it")
        return parse_terminal_chain([_content(path) for path in paths], _der(_content(key)))
    except OSError as error:
        raise ConfigurationError(f"{directory}: {error.strerror}") from None
    except DocumentError as error:
        raise ConfigurationError(f"{directory}: {error.code}: {error}") from None


def _content(path: Path) -> bytes:
    try:
        return read_regular(path, FILE_SIZE_MAX)[0]
    except NotRegular as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from None


def _der(key: bytes) -> bytes:
    if not pem.is_pem(key):
        return key
    try:
        # Not through OpenSSL: it lacks curves that terminals use.
        return pem.content(key, _PEM_LABEL)
    except DocumentError:
        raise ConfigurationError(f"{KEY_NAME} is no PKCS #8 key without password") from None
