"""Where the daemon is and who we are: flags, then EGATE_… variables, then a TOML file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from egate.errors import ConfigurationError, EgateError

KEYS = ("server", "ca_file", "certificate_file", "key_file", "state_dir", "language")
_PATHS = ("ca_file", "certificate_file", "key_file", "state_dir")
ANSWER_BYTES_MAX = 32 * 1024 * 1024  # a dossier with its images; gRPC's own limit is 4 MB


class ConsoleError(EgateError):
    """The daemon refused, or could not be reached. code: the daemon's reason, or UNREACHABLE."""

    code = "CONSOLE"


@dataclass(frozen=True, slots=True)
class Connection:
    """server: host:port. The files are PEM; state_dir holds the login token."""

    server: str
    ca_file: Path
    certificate_file: Path
    key_file: Path
    state_dir: Path
    language: str

    def open(self) -> grpc.Channel:
        """A channel with our certificate. Raises ConfigurationError if a file can't be read."""
        files = (self.ca_file, self.key_file, self.certificate_file)
        credentials = grpc.ssl_channel_credentials(*(_read(file) for file in files))
        return grpc.secure_channel(
            self.server, credentials, options=[("grpc.max_receive_message_length", ANSWER_BYTES_MAX)]
        )


def resolve_connection(
    flags: Mapping[str, str | None], config: Path | None, environment: Mapping[str, str]
) -> Connection:
    """The first of flag, variable EGATE_<KEY> and file that names a key counts. Raises ConfigurationError naming what is missing."""
    path = config or Path(environment.get("EGATE_OFFICER_CONFIG", _home(environment, "CONFIG") / "officer.toml"))
    told = _read_file(path, required=config is not None)
    told |= {key: value for key in KEYS if (value := environment.get(f"EGATE_{key.upper()}"))}
    told |= {key: value for key in KEYS if (value := flags.get(key))}
    missing = [key for key in ("server", "ca_file", "certificate_file", "key_file") if not told.get(key)]
    if missing:
        raise ConfigurationError(f"missing: {', '.join(missing)} (flag, EGATE_… variable or {path})")
    return Connection(
        told["server"],
        Path(told["ca_file"]),
        Path(told["certificate_file"]),
        Path(told["key_file"]),
        Path(told.get("state_dir") or _home(environment, "STATE")),
        told.get("language") or environment.get("LANG", "")[:2],
    )


def _read_file(path: Path, *, required: bool) -> dict[str, str]:
    if not required and not path.is_file():
        return {}
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read") from error
    if set(told) - set(KEYS) or not all(isinstance(value, str) for value in told.values()):
        raise ConfigurationError(f"{path}: the keys are {', '.join(KEYS)}, each a text")
    # Paths in the file start from the file's folder.
    return {key: str(path.parent / value) if key in _PATHS else value for key, value in told.items()}


def _home(environment: Mapping[str, str], kind: str) -> Path:
    # XDG Base Directory Specification: config and state folders of the user
    default = {"CONFIG": ".config", "STATE": ".local/state"}[kind]
    base = environment.get(f"XDG_{kind}_HOME") or str(Path.home() / default)
    return Path(base) / "egate"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from error
