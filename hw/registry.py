"""Opens devices by URL. Adapters are entry points in the group `egate.devices`, imported on first use.

An entry point's name is the protocol, its value a factory `(url: DeviceUrl, base: Path) -> device`; base is the folder that
relative references in the URL start from. The factory checks the URL completely and opens nothing.

Bare readers of chips, which are no device of a lane, are entry points in the group `egate.chips`: factories
`(url: DeviceUrl) -> hw.emrtd.transport.CardTransport` that open the reader now.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from egate.errors import ConfigurationError
from egate.ports import Device
from hw.url import parse

GROUP = "egate.devices"
CHIP_GROUP = "egate.chips"


def open_device(url: str, base: Path) -> Device:
    """The adapter for url, not started. Raises ConfigurationError if the URL or its protocol is not understood."""
    parsed = parse(url)
    for point in entry_points(group=GROUP, name=parsed.protocol):
        return cast(Device, point.load()(parsed, base))
    raise ConfigurationError(f"device protocol {parsed.protocol} is not known")


def is_chip_reader(url: str) -> bool:
    """Whether url names a bare reader of chips. Raises ConfigurationError if it is no device URL."""
    return bool(entry_points(group=CHIP_GROUP, name=parse(url).protocol))


def open_chip_reader(url: str) -> Any:
    """The CardTransport for url, opened. Raises ConfigurationError, LinkLost."""
    parsed = parse(url)
    for point in entry_points(group=CHIP_GROUP, name=parsed.protocol):
        return point.load()(parsed)
    raise ConfigurationError(f"chip reader {parsed.protocol} is not known")
