"""Device URLs: protocol + link, target, parameters.

    osdp+serial:///dev/serial/by-id/usb-FTDI…?address=1&baud=9600&key=file:lane1.scbk
    ^^^^ ^^^^^^    ^^^^^^^^^^^^^^^^^^^^^^^^^^ ^^^^^^^^^ parameters
    protocol link  target

    serial  absolute path of a serial port          pty     absolute path of a pseudo terminal (demo only)
    tcp     host:port, IPv6 as [address]:port       sim     name of a simulated lane
    file    absolute path of recorded data          replay  absolute path of a recorded trace
    reader  name of a PC/SC reader, percent-encoded rfc2217 host:port of a serial port server (RFC 2217)
    v4l2    absolute path of a video device         dir     absolute path of a folder of pictures
    rtsp    host[:port]/path of a camera's stream   synthetic  name of a made picture

Strict: what is not understood is a ConfigurationError, never a default. Secrets appear by reference (`file:PATH`) only,
so a URL may be logged.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl, unquote, urlsplit

from egate.errors import ConfigurationError
from hw.regular_file import read_regular
from hw.target import is_elsewhere, is_no_camera, is_pty, port_name, split_host

PORT_KEYS = frozenset({"chip"})  # parameters that name a further port of the same link
SECRET_KEYS = frozenset({"key", "password", "token"})
# What a reader frames its messages with, and what makes it look: control characters are their point.
RAW_KEYS = frozenset({"prefix", "terminator", "line_terminator", "trigger", "trigger_off"})
PATH_LINKS = frozenset({"serial", "pty", "file", "replay", "v4l2", "dir"})
NAME_LINKS = frozenset({"tcp", "sim", "reader", "rfc2217", "synthetic"})
STREAM_LINKS = frozenset({"rtsp"})  # host and path
HOST_LINKS = frozenset({"tcp", "rfc2217", "rtsp"})
VIRTUAL_READER = "Virtual PCD"  # as vsmartcard names its readers
KNOWN_LINKS = PATH_LINKS | NAME_LINKS | STREAM_LINKS
SIMULATED_LINKS = frozenset({"pty", "sim", "file", "replay", "dir", "synthetic"})

URL_CHARACTERS_MAX = 1024  # chosen; no real URL comes near
SECRET_BYTES_MAX = 4096  # chosen; keys are 16-32 bytes in hex

_SCHEME = re.compile(r"([a-z][a-z0-9]*)\+([a-z][a-z0-9]*)")
_KEY = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class DeviceUrl:
    """A parsed device URL. Adapters call `admit` once and then the typed getters; each raises ConfigurationError."""

    protocol: str
    link: str
    target: str
    parameters: Mapping[str, str]

    @property
    def targets(self) -> tuple[str, ...]:
        """What the device opens by its link: the target, then further ports."""
        return (self.target, *(self.parameters[key] for key in sorted(PORT_KEYS & self.parameters.keys())))

    @property
    def host(self) -> tuple[str, str]:
        """Host without brackets and port ("" if none is given) of one of HOST_LINKS. Raises ConfigurationError."""
        try:
            return split_host(self.target.partition("/")[0])
        except ValueError:
            raise self.error("not host[:port] with a name, an IPv4 address or an IPv6 address in brackets") from None

    @property
    def ports(self) -> tuple[str, ...]:
        """A name of each of targets; equal names are one port. Asks file system and resolver."""
        return tuple(port_name(self.link, target) for target in self.targets)

    @property
    def simulated(self) -> bool:
        """True if what is behind it is no device of a gate: production refuses such a URL.

        Asks file system and resolver: a serial path that leads to a pseudo terminal counts as simulated, and so does a video
        device that a program feeds, an address of this machine, a name that can't be resolved now, and the PC/SC reader that only
        software can put a chip into. Of links that are not in KNOWN_LINKS it knows nothing: `hw.link.opener.is_simulated`.
        """
        if may_open_virtual_reader(self.parameters.get("chip_pcsc")) or (
            self.link == "reader" and may_open_virtual_reader(self.target)
        ):
            return True
        if self.link == "serial":
            return any(is_pty(Path(target)) for target in self.targets)
        if self.link == "v4l2":
            return is_no_camera(Path(self.target))
        if self.link in HOST_LINKS:
            return not is_elsewhere(self.host[0])
        return self.link in SIMULATED_LINKS

    def admit(self, required: Iterable[str], optional: Iterable[str] = ()) -> None:
        """Raises if a required parameter is missing or one is present that is neither required nor optional."""
        needed = frozenset(required)
        missing = needed - self.parameters.keys()
        unknown = self.parameters.keys() - needed - frozenset(optional)
        if missing:
            raise self.error(f"missing parameter {', '.join(sorted(missing))}")
        if unknown:
            raise self.error(f"unknown parameter {', '.join(sorted(unknown))}")

    def text(self, key: str, default: str) -> str:
        return self.parameters.get(key, default)

    def integer(self, key: str, default: int | None, minimum: int, maximum: int) -> int:
        """Decimal integer in [minimum, maximum]. default None: the parameter is required."""
        value = self.parameters.get(key)
        if value is None:
            if default is None:
                raise self.error(f"missing parameter {key}")
            return default
        # isascii: int() would take other scripts' digits
        if not (value.isascii() and value.isdigit()) or not minimum <= int(value) <= maximum:
            raise self.error(f"{key} is not an integer from {minimum} to {maximum}")
        return int(value)

    def flag(self, key: str) -> bool:
        """0 or 1; absent means 0."""
        return bool(self.integer(key, 0, 0, 1))

    def secret(self, key: str, base: Path) -> bytes:
        """Content of the referenced file, hexadecimal text decoded. Relative paths start at base.

        Refuses a file that users outside owner and group may read, and what is no regular file.
        """
        reference = self.parameters.get(key)
        if reference is None:
            raise self.error(f"missing parameter {key}")
        path = base / reference.removeprefix("file:")
        try:
            data, status = read_regular(path, SECRET_BYTES_MAX)
            if status.st_mode & stat.S_IRWXO:
                raise self.error(f"the file of {key} is accessible to everyone; chmod o= it")
            return bytes.fromhex(data.decode("ascii").strip())
        except OSError as error:
            raise self.error(f"the file of {key} cannot be read: {error.strerror}") from None
        except ValueError:
            raise self.error(f"the file of {key} is not hexadecimal text") from None

    def error(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"device {self.protocol}+{self.link}://{self.target}: {what}")


def may_open_virtual_reader(name: str | None) -> bool:
    """Whether a name, or the beginning of one, fits the reader that only software can put a chip into."""
    return name is not None and (name.startswith(VIRTUAL_READER) or VIRTUAL_READER.startswith(name))


def parse(url: str) -> DeviceUrl:
    """Raises ConfigurationError if url is not of the form above. Does not touch the file system."""
    if len(url) > URL_CHARACTERS_MAX or not url.isprintable() or " " in url:
        raise ConfigurationError("device URL: too long, or has spaces or control characters")
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError("device URL: not a URL") from None
    scheme = _SCHEME.fullmatch(parts.scheme)
    if scheme is None:
        raise ConfigurationError(f"device URL: {parts.scheme!r} is not protocol+link")
    protocol, link = scheme.groups()
    if parts.fragment or "@" in parts.netloc:
        raise ConfigurationError(f"device URL {protocol}+{link}: fragment and user are not allowed")
    found = DeviceUrl(protocol, link, _target(link, parts.netloc, unquote(parts.path)), _parameters(pairs))
    # After decoding: these texts stand in errors, logs and terminals.
    shown = [value for key, value in found.parameters.items() if key not in RAW_KEYS]
    if not all(text.isprintable() for text in (found.target, *shown)):
        raise ConfigurationError(f"device URL {protocol}+{link}: control characters in it, percent-encoded")
    if link in HOST_LINKS:
        _ = found.host
    return found


def _target(link: str, netloc: str, path: str) -> str:
    if link in PATH_LINKS:
        if netloc or not path.startswith("/") or path == "/":
            raise ConfigurationError(f"device URL: {link} needs an absolute path after three slashes")
        return path
    if link in STREAM_LINKS:
        if not netloc:
            raise ConfigurationError(f"device URL: {link} needs a host after two slashes")
        return netloc + path
    if not netloc or path not in {"", "/"}:
        raise ConfigurationError(f"device URL: {link} needs a name after two slashes and no path")
    return unquote(netloc) if link == "reader" else netloc


def _parameters(pairs: list[tuple[str, str]]) -> Mapping[str, str]:
    parameters: dict[str, str] = {}
    for key, value in pairs:
        if not _KEY.fullmatch(key) or not value:
            raise ConfigurationError(f"device URL: parameter {key!r} is malformed or empty")
        if key in parameters:
            raise ConfigurationError(f"device URL: parameter {key} is given twice")
        if key in SECRET_KEYS and not (value.startswith("file:") and len(value) > len("file:")):
            raise ConfigurationError(f"device URL: {key} must be a reference file:PATH, never the secret itself")
        parameters[key] = value
    return MappingProxyType(parameters)
