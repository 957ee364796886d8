"""Waiting for bytes and for orders at once."""

from __future__ import annotations

import select

from hw.link.base import Link

RECEIVE_BYTES = 1024
# A link without descriptor cannot be waited for together with orders: it is looked at so often instead. Chosen: costs an order 1 ms.
BLIND_S = 0.002
SELECT_MAX = 1024  # FD_SETSIZE


def receive(link: Link, wake: int, timeout_s: float) -> bytes:
    """What has arrived; waits up to timeout_s for bytes, or until wake (a descriptor) is readable. Raises LinkLost."""
    descriptor = _descriptor(link)
    if descriptor is None:
        return link.read(RECEIVE_BYTES, min(timeout_s, BLIND_S))
    if timeout_s > 0:
        _wait((descriptor, wake), timeout_s)
    return link.read(RECEIVE_BYTES, 0)


def wait_for_orders(wake: int, timeout_s: float) -> None:
    _wait((wake,), timeout_s)


def _descriptor(link: Link) -> int | None:
    fileno = getattr(link, "fileno", None)
    if fileno is None:
        return None
    descriptor = fileno()
    return descriptor if isinstance(descriptor, int) and descriptor >= 0 else None


def _wait(descriptors: tuple[int, ...], timeout_s: float) -> None:
    if max(descriptors) < SELECT_MAX:  # to the microsecond, where poll counts whole milliseconds
        select.select(descriptors, (), (), timeout_s)
        return
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    poll.poll(timeout_s * 1000)
