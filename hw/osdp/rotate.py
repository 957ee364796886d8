"""Gives a device a secure channel key of its own, or another one in its place. Cut off anywhere, the next run finishes it.

    device opens with its key ──▶ successor durable beside it ──▶ osdp_KEYSET ──▶ device opens with the successor ──▶ successor is the key
                                  OPENED        WRITTEN           SENT            VERIFIED                            PROMOTED

At every point one of the two files opens the device. A successor found at the start belongs to a rotation that was cut off: the device
is tried with it first, then given it again; a second successor is never made.
Who listens while a device is given its first key learns it: the install key is public. Do it before the device hangs on a line that
others can reach.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from hw.link.base import LinkLost
from hw.link.opener import open_link
from hw.osdp.keys import KEY_BYTES
from hw.osdp.rotate_files import KeyFiles
from hw.osdp.rotate_panel import KeyPanel
from hw.url import DeviceUrl

ADDRESS_MAX = 126  # OSDP 2.2, 5.7: 127 is broadcast
FILE = "file:"


class KeyNotAccepted(DeviceError):
    """The device answers, but not under the key it should have, or it did not take the new one. Nothing is lost: run it again."""

    code = "KEY_NOT_ACCEPTED"


class Step(Enum):
    """What has been done when on_step is called."""

    OPENED = "the device opens with the key it has"
    RESUMED = "found a rotation that was cut off"
    WRITTEN = "the new key is on disk"
    SENT = "the new key was sent"
    VERIFIED = "the device opens with the new key"
    PROMOTED = "the new key has replaced the old one"


@dataclass(frozen=True, slots=True)
class RotationReport:
    """path: the file with the key the device now has. resumed: a rotation that was cut off earlier has been finished."""

    path: Path
    address: int
    resumed: bool


def _ignore(_: Step) -> None:
    pass


def rotate_key(
    url: DeviceUrl, base: Path, *, from_install_key: bool, on_step: Callable[[Step], None] = _ignore
) -> RotationReport:
    """Rotates the key of the device at url; its file is the URL's `key`. The gate must not hold the port.

    Only this device learns the new key: no other device's URL may name the same file, which is not known here.
    from_install_key: the device is as delivered; the file need not exist yet. Blocks for some seconds.
    Raises ConfigurationError (URL or files), DeviceLost (port), DeviceTimeout (no answer), KeyNotAccepted.
    """
    if url.protocol != "osdp":
        raise url.error("only OSDP devices have keys to rotate")
    address = url.integer("address", None, 0, ADDRESS_MAX)
    reference = url.parameters.get("key", "")
    if not reference.startswith(FILE):
        raise url.error("missing parameter key=file:PATH")
    files = KeyFiles(base / reference.removeprefix(FILE))
    try:
        link = open_link(url)
    except LinkLost as lost:
        raise DeviceLost(f"the port cannot be opened, is the gate running? {lost}") from None
    try:
        resumed = rotate(KeyPanel(link, address), files, from_install_key, on_step)
    except LinkLost as lost:
        raise DeviceLost(f"the port went away, run it again: {lost}") from None
    finally:
        link.close()
    return RotationReport(files.path, address, resumed)


def rotate(panel: KeyPanel, files: KeyFiles, from_install_key: bool, on_step: Callable[[Step], None]) -> bool:
    """True if it finished a rotation that was cut off. Raises LinkLost and as rotate_key."""
    with files.held():
        return _rotate(panel, files, from_install_key, on_step)


def _rotate(panel: KeyPanel, files: KeyFiles, from_install_key: bool, on_step: Callable[[Step], None]) -> bool:
    old = None if from_install_key else files.current()
    successor = files.successor()
    resumed = successor is not None
    if successor is None:
        if old is not None:
            _expect(panel.opens(old), panel, "it does not open with its key; nothing was changed")
            on_step(Step.OPENED)
        successor = secrets.token_bytes(KEY_BYTES)
        files.write_successor(successor)
        on_step(Step.WRITTEN)
    else:
        on_step(Step.RESUMED)
    if not (resumed and panel.opens(successor)):
        if old is None:
            panel.give_first(successor)
        else:
            panel.replace(old, successor)
        on_step(Step.SENT)
        # Whatever was confirmed: only opening with it shows that it was taken.
        _expect(panel.opens(successor), panel, f"it does not open with the new key, which is kept in {files.next_path}")
    on_step(Step.VERIFIED)
    files.promote(successor)
    on_step(Step.PROMOTED)
    return resumed


def _expect(opened: bool, panel: KeyPanel, otherwise: str) -> None:
    if opened:
        return
    if not panel.answered:
        raise DeviceTimeout("the device does not answer: power, address, baud?")
    raise KeyNotAccepted(f"the device answers, but {otherwise}")
