"""One line with several units: it owns the port and its thread, devices borrow it and are asked one after the other.

A unit that does not answer costs a time limit each time: it is asked less and less often (each member sees to that), right after
everybody else was asked, and its wait is cut short when somebody has an order.
When a release has stayed without answer, the port is closed and opened again: what it still holds is thrown away.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from egate.errors import ConfigurationError
from hw.link.base import Link, LinkLost
from hw.modbus.adapter.line import Client, Timing

REOPEN_S = 3.0  # chosen: a port on which nobody has answered for so long is closed and opened again
BACKOFF_S = (0.1, 0.25, 0.5, 1.0)  # waits before the port is opened again; the last one repeats
DISCARD_S = 0.02  # chosen: 64 KiB each time, more than any port brings
WAIT_S_MAX = 1.0  # chosen; nothing depends on it


class Member(Protocol):
    """A device that borrows the line. All calls come from the line's thread."""

    @property
    def lost(self) -> bool:
        """Whether its unit has not answered for a while."""

    def connected(self, now: float) -> None: ...

    def disconnected(self, why: str) -> None: ...

    def tend(self, now: float) -> float:
        """Carries out orders and what is due without the line. Returns when to be called again at the latest."""

    def due(self, now: float) -> float:
        """When it wants its next turn."""

    def turn(self, client: Client) -> None:
        """Asks its questions. Raises LinkLost."""

    def take_abort(self) -> bool:
        """True once if what the line still holds must not leave any more."""

    def farewell(self, client: Client) -> None:
        """Its last turn, if there is a line. Raises LinkLost."""

    def left(self) -> None:
        """It is not called any more."""


class Bus:
    """open_port: opens the port anew each time. The thread runs as long as there are members.

    find_owner: asked when that fails, for the line that has the port under another name; its members go there for good. Raises
    ConfigurationError if they cannot.
    """

    def __init__(
        self,
        open_port: Callable[[], Link],
        timing: Timing,
        find_owner: Callable[[Bus], Bus | None] = lambda bus: None,
    ) -> None:
        self._open_port, self._find_owner = open_port, find_owner
        self._moved_to: Bus | None = None  # guarded, too
        self.connected = False
        self.timing = timing
        self._guard = threading.Lock()  # of the three below
        self._joining: list[Member] = []
        self._leaving: list[Member] = []
        self._running = False
        self._members: list[Member] = []
        self._bell = threading.Semaphore(0)
        self._urgent = False

    @property
    def owner(self) -> Bus:
        """The line that serves the members of this one."""
        return self if self._moved_to is None else self._moved_to.owner

    @property
    def shared(self) -> bool:
        """Whether a unit that does not answer keeps others waiting."""
        return len(self.owner._members) > 1

    def join(self, member: Member) -> None:
        with self._guard:
            if self._moved_to is None:
                self._joining.append(member)
                self._ensure_running()
            else:
                self._moved_to.join(member)
        self.ring()

    def leave(self, member: Member) -> None:
        """member.left follows."""
        with self._guard:
            if self._moved_to is None:
                self._leaving.append(member)
                self._ensure_running()
            else:
                self._moved_to.leave(member)
        self.ring()

    def ring(self) -> None:
        """Somebody has an order."""
        owner = self.owner
        owner._urgent = True
        owner._bell.release()

    def _ensure_running(self) -> None:
        if not self._running:
            self._running = True
            threading.Thread(target=self._run, name="modbus", daemon=True).start()

    # From here on: the line's thread.

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._ended():
                if self._admit(None):
                    attempt = 0 if self._stay_connected() else min(attempt + 1, len(BACKOFF_S) - 1)
                    self._pause(BACKOFF_S[attempt])
        except BaseException:
            self._give_up()
            raise

    def _give_up(self) -> None:
        """A bug must not look like a device that is still there, nor keep anybody waiting. Whoever joins next has a new thread."""
        with self._guard:
            left = [*self._members, *self._joining, *self._leaving]
            self._members, self._joining, self._leaving, self._running = [], [], [], False
        for member in left:
            member.left()

    def _ended(self) -> bool:
        with self._guard:
            self._running = bool(self._members or self._joining or self._leaving)
            return not self._running

    def _admit(self, client: Client | None) -> bool:
        """Lets members in and out. False: nobody is left."""
        with self._guard:
            joining, self._joining = self._joining, []
            leaving, self._leaving = self._leaving, []
        self._members = [one for one in (*self._members, *joining) if one not in leaving]
        with contextlib.ExitStack() as after:
            for member in leaving:
                after.callback(member.left)  # whatever becomes of the others
            for member in joining:
                if client is not None and member not in leaving:
                    member.connected(time.monotonic())
            for member in leaving:
                if client is not None and member not in joining:
                    with contextlib.suppress(LinkLost):
                        member.farewell(client)
        return bool(self._members)

    def _stay_connected(self) -> bool:
        """Opens the port and serves the members until it is lost. True if anybody answered."""
        try:
            link = self._open_port()
        except (LinkLost, ConfigurationError, OSError) as error:
            self._on_not_opened(str(error))
            return False
        self.connected = True
        opened_at = time.monotonic()
        client = self._client(link)
        why = "nobody answers"
        for member in self._members:
            member.connected(opened_at)
        try:
            while self._admit(client):
                if time.monotonic() - client.heard_at > REOPEN_S:
                    break
                self._step(client)
                aborts = [member.take_abort() for member in self._members]  # of all: none stays behind
                if any(aborts):
                    link.close()
                    link = self._open_port()
                    client, before = self._client(link), client
                    client.take_over(before)
        except (LinkLost, ConfigurationError, OSError) as error:
            why = str(error)
        finally:
            self.connected = False
            link.close()
        self._tell_lost(why)
        return client.heard_at > opened_at

    def _on_not_opened(self, why: str) -> None:
        try:
            owner = self._find_owner(self)
        except ConfigurationError as error:
            owner, why = None, str(error)
        if owner is None:
            self._tell_lost(why)
            return
        with self._guard:
            self._moved_to = owner
            going = [one for one in (*self._members, *self._joining) if one not in self._leaving]
            self._members, self._joining = [], []  # whoever leaves is let out by us
            for member in going:
                owner.join(member)

    def _step(self, client: Client) -> None:
        """Lets one member have its turn, or waits until one is due."""
        self._urgent = False
        now = time.monotonic()
        wake_at = min(member.tend(now) for member in self._members)
        due, member = min(((one.due(now), one) for one in self._members), key=lambda pair: pair[0])
        if due > now:
            rest_s = min(due, wake_at) - now
            # Lost ones are asked rarely; what a babbling line brings meanwhile must not fill its port.
            if all(one.lost for one in self._members) and client.discard():
                rest_s = min(rest_s, DISCARD_S)
            self._wait(rest_s)
            return
        if member.lost:
            for other in self._members:
                if not other.lost:
                    other.turn(client)
        member.turn(client)

    def _client(self, link: Link) -> Client:
        return Client(link, self.timing, lambda: self._urgent)

    def _tell_lost(self, why: str) -> None:
        for member in self._members:
            member.disconnected(why)

    def _pause(self, duration_s: float) -> None:
        until = time.monotonic() + duration_s
        while self._admit(None) and (now := time.monotonic()) < until:
            wake_at = min(member.tend(now) for member in self._members)
            self._wait(min(until, wake_at) - now)

    def _wait(self, duration_s: float) -> None:
        if self._bell.acquire(timeout=max(0.0, min(duration_s, WAIT_S_MAX))):
            while self._bell.acquire(blocking=False):
                pass
