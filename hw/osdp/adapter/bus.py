"""The owner of a port: one thread that lets the peripherals of its line speak in turn, and sleeps in between.

    bytes, orders (through an eventfd), the next due time ──▶ awake: orders, timers, the line, what changed is told ──▶ asleep

The port is opened with the first device that joins and closed with the last that leaves. A peripheral is there as long as one of its
devices is.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkLost
from hw.osdp.acu import Acu
from hw.osdp.adapter.place import Place
from hw.osdp.adapter.wait import RECEIVE_BYTES, receive, wait_for_orders
from hw.osdp.channel import Channel
from hw.osdp.duty import Duty
from hw.osdp.line import Line
from hw.osdp.peripheral import Peripheral

BACKOFF_S = (0.1, 0.25, 0.5, 1.0)  # waits before the port is opened again; the last one repeats
LOOK_S = 0.25  # chosen: how soon states that only time changes are told

Order = Callable[[float], None]


class Member(Protocol):
    """A device as its bus sees it: all calls in the owner thread."""

    @property
    def place(self) -> Place: ...

    def join(self, peripheral: Peripheral) -> Duty:
        """What it will have the peripheral do."""

    def opened(self) -> None:
        """The port was opened."""

    def closed(self, why: str) -> None:
        """The port is not open."""

    def publish(self, now: float) -> None:
        """Tells what has changed."""

    def left(self) -> None:
        """Nothing of it is told to the peripheral any more, and the port is closed if it was the last."""


class Bus:
    """One port. join, leave, order: from any thread."""

    def __init__(self, first: Place) -> None:
        self._open_port = first.open_port
        self._first = first
        self._line = Line(first.baud)
        self._peripherals: dict[int, Peripheral] = {}
        self._duties: dict[Member, Duty] = {}
        self._link: Link | None = None
        self._orders: deque[Order] = (
            deque()
        )  # bounded: a device has one release, and everything else is awaited or replaced
        self._handing_over = threading.Lock()
        self._taking = True
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="osdp-bus", daemon=True)
        self._started = False

    def join(self, member: Member) -> None:
        self.order(lambda now: self._join(member, now))
        if not self._started:
            self._started = True
            self._thread.start()

    def leave(self, member: Member) -> None:
        if not self.order(lambda now: self._leave(member)):
            member.left()

    def order(self, order: Order) -> bool:
        """Lets the owner thread carry out order soon. False if it has ended."""
        with self._handing_over:
            if self._taking:
                self._orders.append(order)
                os.eventfd_write(self._wake, 1)
            return self._taking

    # From here on: the owner thread.

    def _run(self) -> None:
        try:
            self._carry_out_orders()
            attempt = 0
            while self._duties:
                attempt = 0 if self._stay_connected() else min(attempt + 1, len(BACKOFF_S) - 1)
                self._wait_unplugged(BACKOFF_S[attempt])
        finally:
            with self._handing_over:
                self._taking = False
            self._carry_out_orders()
            for member in tuple(self._duties):
                self._leave(member)
            os.close(self._wake)

    def _stay_connected(self) -> bool:
        """Opens the port and serves its peripherals until it is lost, or nobody is left. True if one was online at some time."""
        why, online = "closed", False
        try:
            self._plug(self._open())
            while self._duties:
                self._turn()
                online |= any(peripheral.online for peripheral in self._peripherals.values())
        except (LinkLost, ConfigurationError) as failure:
            why = str(failure)
        finally:
            self._close_link()
        self._unplug(why)
        return online

    def _open(self) -> Link:
        try:
            return self._open_port()
        except LinkLost:
            if (other := BUSES.other_owner(self, self._first)) is not None:
                raise LinkLost(
                    f"it is the port of {other} under another name: name both alike, or start anew"
                ) from None
            raise
        except (OSError, RuntimeError) as error:  # the latter: pathlib at a path that goes in a circle
            raise LinkLost(f"the port cannot be opened: {type(error).__name__}") from None

    def _turn(self) -> None:
        self._carry_out_orders()
        if self._link is not None and self._line.awaits_reply:
            # If we were held up the reply lies in the port: it must be seen before it is missed.
            self._line.receive(self._link.read(RECEIVE_BYTES, 0), time.monotonic())
        self._line.turn(time.monotonic())
        for peripheral in self._peripherals.values():
            if peripheral.channel.failure is not None:
                raise peripheral.channel.failure
        if self._line.must_renew:
            self._renew()
        self._publish()
        if self._duties and self._link is not None:
            data = receive(self._link, self._wake, self._sleep_s())
            self._line.receive(data, time.monotonic())

    def _sleep_s(self) -> float:
        now = time.monotonic()
        restless = not all(peripheral.online for peripheral in self._peripherals.values())
        return max(0.0, min(self._line.next_timer(now) - now, LOOK_S if restless else 1.0))

    def _renew(self) -> None:
        """An output command that nobody stands behind any more may still lie in the port, and goes with it."""
        self._close_link()
        link = self._link = self._open()
        for peripheral in self._peripherals.values():
            peripheral.renew_port = False
            peripheral.channel.exchange(link)
        self._line.clear(time.monotonic())

    def _plug(self, link: Link) -> None:
        self._link = link
        now = time.monotonic()
        self._line.clear(now)
        for peripheral in self._peripherals.values():
            self._plug_in(peripheral, now)
        for member in self._duties:
            member.opened()

    def _plug_in(self, peripheral: Peripheral, now: float) -> None:
        peripheral.renew_port = False
        peripheral.channel.attach(self._link)
        peripheral.plug(now)

    def _unplug(self, why: str) -> None:
        for member in self._duties:
            member.closed(why)
        for peripheral in self._peripherals.values():
            peripheral.channel.attach(None)
            peripheral.unplug(why)
        self._publish()

    def _close_link(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def _wait_unplugged(self, duration_s: float) -> None:
        until = time.monotonic() + duration_s
        while self._duties and (rest := until - time.monotonic()) > 0:
            wait_for_orders(self._wake, rest)
            self._carry_out_orders()
            for peripheral in self._peripherals.values():
                peripheral.handle_timer(time.monotonic())
            self._publish()

    def _carry_out_orders(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        while self._orders:
            self._orders.popleft()(time.monotonic())

    def _publish(self) -> None:
        now = time.monotonic()
        for member in self._duties:
            member.publish(now)

    def _join(self, member: Member, now: float) -> None:
        place = member.place
        peripheral = self._peripherals.get(place.address)
        if peripheral is None:
            channel = Channel(time.monotonic)
            peripheral = Peripheral(channel, place.address, lambda: Acu(channel, place.address, place.key))
            self._peripherals[place.address] = peripheral
            self._line.add(peripheral)
            if self._link is not None:
                self._plug_in(peripheral, now)
        duty = self._duties[member] = member.join(peripheral)
        peripheral.add(duty, now)
        if self._link is not None:
            member.opened()

    def _leave(self, member: Member) -> None:
        duty = self._duties.pop(member, None)
        if duty is None:
            member.left()
            return
        peripheral = self._peripherals[member.place.address]
        peripheral.remove(duty)
        if not peripheral.duties:
            peripheral.unplug("closed")
            self._line.remove(peripheral)
            del self._peripherals[peripheral.address]
        if not self._duties:
            self._close_link()
        member.left()


class Buses:
    """The ports of this process that are in use, and by whom."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: list[tuple[Bus, Member]] = []

    def join(self, member: Member) -> Bus:
        """Raises ConfigurationError if another device contradicts it or is it already."""
        with self._lock:
            place = member.place
            beside = [(bus, other.place) for bus, other in self._members if place.same_port(other.place)]
            for _, other in beside:
                place.check_beside(other)
            bus = beside[0][0] if beside else Bus(place)
            self._members.append((bus, member))
            bus.join(member)
            return bus

    def other_owner(self, bus: Bus, place: Place) -> Place | None:
        """Whose port it is as well: two names of a port that was not there yet could not be compared when the devices joined."""
        with self._lock:
            others = (member.place for one, member in self._members if one is not bus)
            return next((other for other in others if place.same_port(other)), None)

    def leave(self, bus: Bus, member: Member) -> None:
        with self._lock:
            self._members = [one for one in self._members if one[1] is not member]
            bus.leave(member)


BUSES = Buses()
