"""What is really behind the target of a link: the same port under another name, a pseudo terminal, this machine itself.

    host[:port]     host: a name, an IPv4 address in any spelling, or an IPv6 address in brackets, without a zone

A path that goes in a circle leads to nothing and is no error (Path.resolve raises RuntimeError for it before Python 3.13).
Asks the file system and the resolver, so an answer holds for now only; `hw.link.serial` asks again at each opening.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import stat
from pathlib import Path

# Linux Documentation/admin-guide/devices.txt: BSD pty slaves; Unix98 pty slaves
PTY_MAJORS = frozenset({3, *range(136, 144)})
# same place: the controlling terminal, whatever that is; the maker of pseudo terminals
PTY_NUMBERS = frozenset({(5, 0), (5, 2)})
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
PORT_MAX = 65535
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9.])?)(?::([0-9]{1,5}))?", re.ASCII)
LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def is_pty(path: Path) -> bool:
    """True if path leads to a pseudo terminal. False where nothing exists."""
    if Path("/dev/pts") in Path(os.path.realpath(path)).parents:
        return True
    device = _device(path)
    return device is not None and (device[0] in PTY_MAJORS or device in PTY_NUMBERS)


def is_no_camera(path: Path, devices: Path = Path("/sys/dev/char")) -> bool:
    """True if path leads to something else than a video device made of hardware: a file, or pictures that a program feeds in.

    False where nothing exists. devices: where the kernel links numbers of character devices to the devices themselves.
    """
    if not path.exists():
        return False
    device = _device(path)
    if device is None:
        return True
    real = (devices / f"{device[0]}:{device[1]}").resolve()
    # v4l2loopback is under /sys/devices/virtual, the kernel's test driver /sys/devices/platform/vivid.0
    return "virtual" in real.parts or any(part.startswith("vivid.") for part in real.parts)


def is_own(host: str) -> bool:
    """True if a connection to host ends on this machine: loopback or an address of its own. False for a name not resolved now."""
    name = host.rstrip(".").lower()
    if name in LOOPBACK_NAMES or name.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    return any(_is_own_address(address) for address in _addresses(name))


def is_elsewhere(host: str) -> bool:
    """True if host is certainly another machine: its addresses are known now, and none is this machine's."""
    return not is_own(host) and bool(_addresses(host.rstrip(".").lower()))


def split_host(target: str) -> tuple[str, str]:
    """Host without brackets, and port, of host[:port]. A target without port has the port "".

    Strict, as others read it again: what one parser takes for the host and another one does not would pass the lock-outs.
    Raises ValueError.
    """
    found = _HOST.fullmatch(target)
    if found is None:
        raise ValueError("not host[:port]")
    host, port = found[1], found[2] or ""
    if port and not 0 < int(port) <= PORT_MAX:
        raise ValueError("port out of range")
    if host.startswith("["):
        host = str(ipaddress.IPv6Address(host[1:-1]))
    return host, port


def port_name(link: str, target: str) -> str:
    """Equal for two targets that are one port, as far as can be told now: symlinks, device nodes, spellings of an address."""
    if target.startswith("/"):
        device = _device(Path(target))
        return f"device {device[0]}:{device[1]}" if device else os.path.realpath(target)
    if link not in ("tcp", "rfc2217"):  # both speak to one serial server by its address
        return f"{link} {target}"
    host, port = split_host(target)
    if is_own(host):
        return f"tcp loopback {port.lstrip('0')}"
    name = host.rstrip(".").lower()
    return f"tcp {min(map(str, _addresses(name)), default=name)} {port.lstrip('0')}"


def _device(path: Path) -> tuple[int, int] | None:
    """Major and minor number of a character device, None for anything else."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (os.major(status.st_rdev), os.minor(status.st_rdev)) if stat.S_ISCHR(status.st_mode) else None


def _is_own_address(address: Address) -> bool:
    if address.is_loopback or address.is_unspecified:  # connecting to the latter connects to oneself
        return True
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((str(address), 0))  # only an address of this machine can be bound; nothing is sent
    except OSError:
        return False
    return True


def _addresses(host: str) -> frozenset[Address]:
    """Of a name or of any spelling of an address; empty if it can't be resolved now."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return frozenset()
    addresses = (ipaddress.ip_address(str(address[0]).partition("%")[0]) for *_, address in found)
    return frozenset(getattr(address, "ipv4_mapped", None) or address for address in addresses)
