"""Opens a PN532 by its port. After power-up it speaks 115,200 baud; it is brought to the port's speed, if that is another one."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from hw.emrtd.transport import CardError
from hw.link.base import Link, LinkLost
from hw.link.opener import link_keys, open_link
from hw.pn532.messages import BAUD_AT_POWER_UP, BAUD_CODES
from hw.pn532.transport import Pn532Transport
from hw.url import DeviceUrl


def open_pn532(url: DeviceUrl, open_port: Callable[[DeviceUrl], Link] = open_link) -> Pn532Transport:
    """Entry point of bare chip readers. url: with the speed wanted as its baud. Raises LinkLost, ConfigurationError."""
    url.admit((), link_keys(url))
    baud = url.integer("baud", BAUD_AT_POWER_UP, min(BAUD_CODES), max(BAUD_CODES))
    if baud not in BAUD_CODES:
        raise url.error("baud is none of a PN532's")
    try:
        return Pn532Transport(open_port(url), time.monotonic)
    except LinkLost:
        if baud == BAUD_AT_POWER_UP:
            raise
    _raise_baud(replace(url, parameters={**url.parameters, "baud": str(BAUD_AT_POWER_UP)}), baud, open_port)
    return Pn532Transport(open_port(url), time.monotonic)


def _raise_baud(url: DeviceUrl, baud: int, open_port: Callable[[DeviceUrl], Link]) -> None:
    transport = Pn532Transport(open_port(url), time.monotonic)
    try:
        transport.set_baud(baud)
    except CardError:
        raise LinkLost("PN532 does not change its speed") from None
    finally:
        transport.close()
