"""One camera: a thread takes the pictures in and drops them, unless somebody waits or supervision wants to see one.

The thread owns the source and opens it again when it is lost. A read that blocks inside OpenCV cannot be interrupted: the event loop
watches the time of the last picture and tells the loss meanwhile. There is never more than one thread per camera; `close` waits
CLOSE_S_MAX for it and leaves it alone then: it ends, and frees the source, as soon as the read returns (capture.BLOCKED_S_MAX).
No picture is kept: who asks gets the next one. While pictures stand still nobody gets any.
"""

from __future__ import annotations

import asyncio
import atexit
import math
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from egate.domain.captured import CameraFrame
from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import DeviceError, DeviceLost, DeviceTimeout
from hw.camera.look import look
from hw.camera.source import Opener, Source, SourceEnded, SourceLost, Time, Unusable
from hw.camera.supervision import LOSS_S, Supervision
from hw.health import HealthLog
from hw.loop_calls import call_soon

WATCH_S = 0.5  # chosen: with LOSS_S well within the 5 s in which a loss must be told
CLOSE_S_MAX = 1.0  # chosen: a source that works lets go within one picture
EXIT_S_MAX = 5.0  # chosen: longer than any read blocks
BACKOFF_S = (0.25, 0.5, 1.0, 2.0)  # waits before the source is opened again; the last one repeats


_running: weakref.WeakSet[SupervisedCamera] = weakref.WeakSet()


@dataclass(slots=True, eq=False)
class _Waiting:
    """One call of frame."""

    after_s: float
    result: asyncio.Future[CameraFrame]


class SupervisedCamera:
    """Implements egate.ports.Camera. name: for the thread, no password in it."""

    def __init__(self, name: str, open_source: Opener, supervision: Supervision) -> None:
        self._name, self._open_source = name, open_source
        self._lock = threading.Lock()  # guards _supervision, _told and _words
        self._supervision = supervision
        self._told = DeviceState.LOST
        self._words: tuple[str, ...] = ()
        self._why = "no picture came in time"
        self._health = HealthLog()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._number = 0
        self._wanted_after = (
            math.inf
        )  # the earliest picture somebody waits for; written by the loop, read by the thread
        # The loop's own:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_state: Callable[[DeviceState], None] | None = None
        self._state = DeviceState.LOST
        self._waiting: list[_Waiting] = []
        self._ended: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._thread is not None or self._stop.is_set():
            raise DeviceError("the camera was started or closed before")
        self._loop, self._on_state = asyncio.get_running_loop(), on_state
        self._ended = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, name=f"camera {self._name}", daemon=True)
        self._thread.start()
        _running.add(self)
        self._watch = self._loop.call_later(WATCH_S, self._look_at_time)

    async def frame(self, after_s: float, timeout_s: float) -> CameraFrame:
        if self._state is DeviceState.LOST or self._stop.is_set():
            raise DeviceLost("camera is not there")
        waiting = _Waiting(after_s, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._want()
        try:
            async with asyncio.timeout(timeout_s if timeout_s > 0 else 0):
                return await waiting.result
        except TimeoutError:
            raise DeviceTimeout("no picture came in time") from None
        finally:
            self._waiting.remove(waiting)
            self._want()

    async def close(self) -> None:
        self._stop.set()
        if self._watch is not None:
            self._watch.cancel()
        if self._ended is None:
            return
        await asyncio.wait({self._ended}, timeout=CLOSE_S_MAX)
        self._change_state(DeviceState.LOST)
        self._on_state = None  # a thread that is still blocked tells nobody any more

    def wait_for_thread(self, deadline: float) -> None:
        """Ends the thread and waits for it until deadline (CLOCK_MONOTONIC). For the end of the process."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    # From here on: the owner thread.

    def _run(self) -> None:
        attempt = 0
        try:
            while not self._stop.is_set():
                attempt = 0 if self._hold_source() else min(attempt + 1, len(BACKOFF_S) - 1)
                self._stop.wait(BACKOFF_S[attempt])
        except SourceEnded:
            pass  # LOST for good, as is told already
        finally:
            self._call_soon(self._end)

    def _hold_source(self) -> bool:
        """Opens the source and takes pictures until it is lost. True if there was one. Raises SourceEnded."""
        seen = False
        try:
            source = self._open_source(Time(time.monotonic, self._stop.wait))
        except SourceLost as lost:
            self._health.lost(str(lost))
            return seen
        self._why = "no picture came in time"
        try:
            self._health.opened()
            self._health.identify(source.identity)
            with self._lock:
                self._supervision.opened(time.monotonic(), source.fps)
            while not self._stop.is_set():
                source.grab()
                self._grabbed(source, time.monotonic())
                seen = True
        except SourceLost as lost:
            self._why = str(lost)
            if isinstance(lost, SourceEnded):
                raise
        finally:
            source.close()
            with self._lock:
                self._supervision.lost()
            self._publish()
        return seen

    def _grabbed(self, source: Source, now: float) -> None:
        self._number += 1
        self._health.heard(now)
        self._health.count("pictures")
        wanted = now > self._wanted_after
        with self._lock:
            self._supervision.grabbed(now)
            due = self._supervision.look_due(now)
        if not (due or wanted):
            return
        try:
            image = source.retrieve()
        except Unusable as unusable:
            self._health.error(str(unusable))
            return
        if due:
            seen = look(image)
            with self._lock:
                self._supervision.looked(seen, now)
            self._publish()
        with self._lock:
            frozen = self._supervision.frozen
        if wanted and not frozen:  # a picture of an earlier traveller must not be compared with this one
            frame = CameraFrame(image, now, self._number)
            self._call_soon(lambda: self._deliver(frame))

    def _publish(self) -> None:
        """Thread or loop: tells what has changed."""
        now = time.monotonic()
        with self._lock:
            state, words = self._supervision.state(now), self._supervision.faults(now)
            if words != self._words:
                self._words = words
                if words:
                    self._health.error(", ".join(words))
            if state is self._told:
                return
            self._told = state
            if state is DeviceState.LOST and not self._stop.is_set():
                self._health.lost(self._why)
            self._call_soon(lambda: self._change_state(state))  # under the lock: in the order of the changes

    def _call_soon(self, call: Callable[[], None]) -> None:
        call_soon(self._loop, call)

    # From here on: the event loop.

    def _look_at_time(self) -> None:
        self._publish()
        if self._loop is not None and not self._stop.is_set():
            self._watch = self._loop.call_later(WATCH_S, self._look_at_time)

    def _want(self) -> None:
        # NaN is after nothing: who asks for it waits in vain
        self._wanted_after = min(
            (one.after_s for one in self._waiting if not math.isnan(one.after_s)), default=math.inf
        )

    def _deliver(self, frame: CameraFrame) -> None:
        for waiting in self._waiting:
            if frame.taken_s > waiting.after_s and not waiting.result.done():
                waiting.result.set_result(frame)

    def _change_state(self, state: DeviceState) -> None:
        if state is DeviceState.LOST:
            for waiting in self._waiting:
                if not waiting.result.done():
                    waiting.result.set_exception(DeviceLost("camera went away"))
        if state is self._state or (self._stop.is_set() and state is not DeviceState.LOST):
            return
        self._state = state
        if self._on_state is not None:
            self._on_state(state)

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


@atexit.register
def _end_threads() -> None:
    """A thread that comes back from OpenCV while the interpreter ends aborts the process: pthread_exit cannot unwind through C++."""
    deadline = time.monotonic() + EXIT_S_MAX
    for camera in list(_running):
        camera.wait_for_thread(deadline)


assert WATCH_S + LOSS_S < 5.0  # required: egate.ports.Device
