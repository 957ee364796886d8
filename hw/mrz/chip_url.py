"""The part of a document reader's URL that names the reader of the chip.

chip, chip_baud   path and speed of its port, of the same link as the MRZ reader
chip_protocol     apdu: vpcd frames (hw.emrtd.wire.frame), the default; pn532: a PN532 on its serial port
chip_pcsc         instead: the name of a PC/SC reader, or the beginning that only its name has
terminal          file:DIR, the CV certificates and the key that open fingerprints (hw.emrtd.terminal_files)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.emrtd.adapter import open_vpcd
from hw.emrtd.protocol.terminal_chain import TerminalChain
from hw.emrtd.terminal_files import read_terminal_chain
from hw.emrtd.transport import CardTransport
from hw.pcsc.adapter import check_pcsc, open_pcsc
from hw.pn532.adapter import open_pn532
from hw.pn532.messages import BAUD_CODES
from hw.url import DeviceUrl

CHIP_BAUD_DEFAULT = 115_200
BAUD_MAX = 4_000_000
CHIP_KEYS = frozenset({"chip", "chip_baud", "chip_protocol", "chip_pcsc", "terminal"})
_PORT_KEYS = ("chip_baud", "chip_protocol")
_PROTOCOLS: Mapping[str, Callable[[DeviceUrl], CardTransport]] = {"apdu": open_vpcd, "pn532": open_pn532}
_FILE = "file:"


@dataclass(frozen=True, slots=True)
class ChipSource:
    """name: of the reader, for threads and logs. open raises LinkLost, ConfigurationError. terminal: None without a chain."""

    name: str
    open: Callable[[], CardTransport]
    terminal: TerminalChain | None


def chip_source(url: DeviceUrl, base: Path) -> ChipSource | None:
    """None if url names no reader of chips. base: what a relative folder starts from. Reads the chain. Raises ConfigurationError."""
    given = url.parameters.keys()
    if "chip_pcsc" in given:
        if "chip" in given or given & set(_PORT_KEYS):
            raise url.error("chip_pcsc beside chip")
        name = url.parameters["chip_pcsc"]
        check_pcsc(name)
        return ChipSource(name, lambda: open_pcsc(name), _terminal(url, base))
    if "chip" not in given:
        if given & CHIP_KEYS:
            raise url.error(f"{', '.join(sorted(given & CHIP_KEYS))} without chip")
        return None
    port = _port(url)
    return ChipSource(port.target, lambda: _PROTOCOLS[port.protocol](port), _terminal(url, base))


def _port(url: DeviceUrl) -> DeviceUrl:
    path = url.parameters["chip"]
    if not path.startswith("/") or path == url.target:
        raise url.error("chip is not the absolute path of another port")
    baud = url.integer("chip_baud", CHIP_BAUD_DEFAULT, 50, BAUD_MAX)
    protocol = url.text("chip_protocol", "apdu")
    if protocol not in _PROTOCOLS:
        raise url.error(f"chip_protocol is none of {', '.join(_PROTOCOLS)}")
    if protocol == "pn532" and baud not in BAUD_CODES:
        raise url.error(f"chip_baud is none of {', '.join(map(str, BAUD_CODES))}")
    return DeviceUrl(protocol, url.link, path, {"baud": str(baud)})


def _terminal(url: DeviceUrl, base: Path) -> TerminalChain | None:
    reference = url.parameters.get("terminal")
    if reference is None:
        return None
    if not reference.startswith(_FILE) or reference == _FILE:
        raise url.error("terminal must be a reference file:DIR")
    return read_terminal_chain(base / reference.removeprefix(_FILE))
