"""A lane: the one task that owns a gate. Events in, machine steps, effects out; it decides nothing."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from types import MappingProxyType

import structlog

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing.machine import step
from egate.crossing.policy import Policy
from egate.crossing.state import Ending, Pending, Phase, State, initial
from egate.domain.biometric import Guidance
from egate.domain.decision import Outcome, ReasonDetail
from egate.domain.device import Alarm, DeviceHealth, DeviceState, LockState, ReleaseResult, SensorLevels
from egate.domain.document import DocumentRead
from egate.domain.ids import CrossingId, LaneId, OfficerId, Token
from egate.domain.reason import Reason
from egate.errors import EgateError
from egate.lane import records
from egate.lane.answer import decode, decode_override
from egate.lane.api import CrossingHandle, DocumentSource, LanePhase, LaneRefused, LaneSnapshot
from egate.lane.gate import Gate
from egate.lane.handle import ReplayedHandle
from egate.lane.perform import Performer
from egate.lane.presence import Presence
from egate.lane.requests import Requests, reused
from egate.lane.services import Services
from egate.lane.signal_texts import load_signal_texts
from egate.lane.signs import Signs
from egate.ports import StoredResponse

INBOX_MAX = 512  # a gate's frames beyond this are refused; device events are few and never refused
CONFIRMED, NOT_CONFIRMED = b"confirmed", b"not confirmed"  # stored answers to SecureLane
RESTART_S = 0.5  # chosen: a lane that fails again and again must not take the processor from its neighbours
_log = structlog.get_logger(__name__)


class GateLane:
    """Implements api.Lane. Made by the composition root; `run` is its one task."""

    def __init__(
        self,
        id: LaneId,
        gate: Gate,
        services: Services,
        policy: Policy,
        requests: Requests,
        *,
        held: bool = False,
        texts: Mapping[Guidance, str] | None = None,
    ) -> None:
        """texts: of the signal's display; English if None."""
        self.id = id
        self._gate = gate
        self._services = services
        self._policy = policy
        self._requests = requests
        self._state = replace(initial(gate.names), held=held)
        self._inbox: deque[ev.Event] = deque()
        self._arrived = asyncio.Event()
        self._crash: BaseException | None = None
        self._version = 0
        self._listeners: list[Callable[[LaneSnapshot], None]] = []
        self._snapshot = LaneSnapshot(id, 0, LanePhase.OUT_OF_SERVICE, devices={}, reasons=self._state.blockers)
        texts = load_signal_texts("en") if texts is None else texts
        self._signs = None if gate.signal is None else Signs(gate.signal, texts)
        self._presence = Presence()
        self._performer = Performer(
            id, gate, services, policy, requests, self.post, self._fail, self._presence, self._signs
        )
        self._alarms: frozenset[Alarm] = frozenset()
        self._log = _log.bind(lane=id)

    @property
    def document_source(self) -> DocumentSource:
        return "device" if self._gate.reader is not None else "request"

    @property
    def snapshot(self) -> LaneSnapshot:
        return self._snapshot

    @property
    def health(self) -> Mapping[str, DeviceHealth]:
        return self._gate.health

    def on_change(self, listener: Callable[[LaneSnapshot], None]) -> None:
        """listener is called in the loop at each change of the snapshot."""
        self._listeners.append(listener)

    # The task

    async def run(self) -> None:
        """Serves until cancelled. A bug secures the lane, refers its crossing and starts it anew; the neighbours never notice."""
        try:
            await self._start_devices()
            while True:
                try:
                    await self._serve()
                except Exception:
                    self._log.exception("lane failed; securing and starting anew")
                    await self._recover()
        finally:
            self._performer.cancel_all()
            await self._gate.close()

    async def _start_devices(self) -> None:
        """A device that can't be started stays lost, and the lane out of service; its neighbours serve."""
        try:
            await self._gate.start(self._on_device, self._on_levels, self._on_lock)
        except Exception:
            self._log.exception("devices not started")
        self._on_lock(self._gate.lock.lock_state)

    def post(self, event: ev.Event) -> None:
        """Puts an event in the inbox. Device events and completions are never refused."""
        self._inbox.append(event)
        self._arrived.set()

    async def _serve(self) -> None:
        while True:
            while self._inbox:
                self._turn(self._inbox.popleft())
            if self._crash is not None:
                crash, self._crash = self._crash, None
                raise crash
            self._arrived.clear()
            await self._arrived.wait()

    def _turn(self, event: ev.Event) -> None:
        before = self._state
        self._state, effects = step(before, event, self._services.clock.monotonic(), self._policy)
        if self._state.phase is not before.phase:
            crossing = self._state.crossing or before.crossing
            self._log.info(
                "phase",
                phase=self._state.phase.value,
                cause=type(event).__name__,
                crossing=crossing.id if crossing is not None else None,
            )
        if self._state is not before:
            self._publish()
        for effect in effects:
            if isinstance(effect, fx.Guide) and self._signs is not None:
                self._signs.turned(self._state.phase, self._state.lock)  # advice belongs to the phase that gives it
            self._performer.perform(effect)
        self._performer.want_finger(self._state.finger_wanted)
        if self._signs is not None:
            self._signs.turned(self._state.phase, self._state.lock)

    def _fail(self, error: BaseException) -> None:
        """An effect's task ended by a bug."""
        self._crash = error
        self._arrived.set()

    async def _recover(self) -> None:
        """After a bug: secure, keep what is known of the world, and owe the crossing its outcome."""
        self._performer.cancel_all()
        self._performer.fail_all(EgateError("the lane failed", code="LANE_FAILED"))
        self._inbox.clear()
        state = self._state
        # A bug before its first record: nothing of it is anywhere, so nothing is owed.
        crossing = state.crossing if self._performer.visiting else None
        retry = Token(state.token + 1)
        if crossing is not None:
            ending = crossing.ending or Ending(Outcome.UNKNOWN, (ReasonDetail(Reason.UNEXPECTED_EVENT),), case=True)
            crossing = replace(crossing, ending=ending)
        self._state = replace(
            state,
            phase=Phase.OUT_OF_SERVICE,
            crossing=crossing,
            token=retry,
            pending=Pending(timer=retry) if crossing is not None else Pending(),
            lost=frozenset(name for name in self._gate.names if self._gate.states[name] is DeviceState.LOST),
            levels=self._gate.sensors.levels,
            lock=self._gate.lock.lock_state,
        )
        self._publish()
        if self._signs is not None:
            self._signs.turned(self._state.phase, self._state.lock)
        self._performer.secure_soon()
        await asyncio.sleep(RESTART_S)
        # The owed outcome is recorded by the same transition as after a journal failure; an empty lane looks at its sensors anew.
        self.post(ev.TimerElapsed(retry) if crossing is not None else ev.LevelsChanged(self._gate.sensors.levels))

    # Devices

    def _on_device(self, device: str, state: DeviceState) -> None:
        self._log.info("device", device=device, state=state.value)
        if device in self._gate.names:
            self.post(ev.DeviceChanged(device, state))
        else:
            self._publish()

    def _on_levels(self, levels: SensorLevels) -> None:
        self._presence.seen(levels, self._services.clock.monotonic())
        if levels.alarms != self._alarms:
            self._alarms = levels.alarms
            self._performer.record_alarms(levels.alarms)
        self.post(ev.LevelsChanged(levels))

    def _on_lock(self, state: LockState) -> None:
        self.post(ev.LockChanged(state))

    # What gates and officers ask

    async def begin(
        self, *, caller: str, request_id: str, payload_sha256: bytes, document: DocumentRead | None, streaming: bool
    ) -> CrossingHandle:
        under_way = self._requests.find(caller, request_id, payload_sha256)
        if under_way is not None:
            return await asyncio.shield(under_way.handle)
        request = self._requests.open(caller, request_id, payload_sha256)
        try:
            handle = await self._begin(caller, request_id, payload_sha256, document, streaming)
        except BaseException as error:
            self._requests.close(caller, request_id)
            if isinstance(error, Exception):
                request.handle.set_exception(error)
                request.handle.exception()  # looked at: nobody else may be waiting
            else:
                request.handle.cancel()
            raise
        request.handle.set_result(handle)
        if isinstance(handle, ReplayedHandle):
            self._requests.close(caller, request_id)
        return handle

    async def _begin(
        self, caller: str, request_id: str, payload_sha256: bytes, document: DocumentRead | None, streaming: bool
    ) -> CrossingHandle:
        stored = await self._services.journal.response(caller, request_id)
        if stored is not None:
            if stored.payload_sha256 != payload_sha256:
                raise reused()
            return ReplayedHandle(decode(stored.response))
        self._check_source(document, streaming)
        self._check_inbox()
        start = self._performer.new_crossing(caller, request_id, payload_sha256, document, streaming)
        self.post(start.event)
        return await start.accepted

    def _check_source(self, document: DocumentRead | None, streaming: bool) -> None:
        if self.document_source == "device" and document is not None:
            raise LaneRefused("this lane reads documents by its own device", code="DOCUMENT_SOURCE")
        if not streaming and (self._gate.camera is not None or self._gate.finger_sensor is not None):
            raise LaneRefused("this lane captures by its own devices: use Cross", code="CAPTURE_SOURCE")
        if self.document_source == "request" and document is None and not streaming:
            raise LaneRefused("this lane has no document reader: the request must hold it", code="DOCUMENT_SOURCE")

    def _check_inbox(self) -> None:
        if len(self._inbox) >= INBOX_MAX:
            raise LaneRefused("too much is queued", code="LANE_INBOX_FULL")

    async def secure(self, *, officer: OfficerId, caller: str, request_id: str, hold: bool, reason: str) -> bool:
        payload = sha256(repr((self.id, hold, reason)).encode()).digest()
        stored = await self._services.journal.response(caller, request_id)
        if stored is not None:
            if stored.payload_sha256 != payload:
                raise reused()
            return stored.response == CONFIRMED  # a late retry must not undo what another officer did since
        if hold:
            # Ahead of everything that waits: a release about to be decided must not overtake the officer.
            self._inbox.appendleft(ev.OfficerSecure(hold))
            self._arrived.set()
        confirmed = await self._gate.lock.secure()
        record = records.secured(self.id, officer, caller, hold, reason, confirmed)
        response = StoredResponse(caller, request_id, payload, CONFIRMED if confirmed else NOT_CONFIRMED)
        await self._services.journal.append([record], response=response)
        if not hold:
            # Back into service only once it is on record who said so.
            self.post(ev.OfficerSecure(hold))
        return confirmed

    async def release(
        self, *, officer: OfficerId, caller: str, request_id: str, payload_sha256: bytes, reason: str
    ) -> tuple[CrossingId, ReleaseResult]:
        under_way = self._requests.find_override(caller, request_id, payload_sha256)
        if under_way is not None:
            return await asyncio.shield(under_way)
        stored = await self._services.journal.response(caller, request_id)
        if stored is not None:
            if stored.payload_sha256 != payload_sha256:
                raise reused()
            return decode_override(stored.response)
        self._check_inbox()
        under_way = self._requests.find_override(caller, request_id, payload_sha256)
        if under_way is not None:
            return await asyncio.shield(under_way)
        override = self._performer.new_override(officer, caller, request_id, payload_sha256, reason)
        self._requests.open_override(caller, request_id, payload_sha256, override.done)
        self.post(override.event)
        return await asyncio.shield(override.done)

    # What others see

    def _publish(self) -> None:
        state = self._state
        phase = LanePhase.RECORDING if state.phase is Phase.CLOSING else LanePhase(state.phase.value)
        idle = state.crossing is None
        snapshot = LaneSnapshot(
            lane=self.id,
            version=self._version + 1,
            phase=phase,
            crossing=None if state.crossing is None else state.crossing.id,
            devices=MappingProxyType(self._gate.states),
            lock=state.lock,
            levels=state.levels,
            held=state.held,
            reasons=state.blockers if idle and phase is LanePhase.OUT_OF_SERVICE else (),
        )
        if replace(snapshot, version=self._version) == self._snapshot:
            return
        self._version += 1
        self._snapshot = snapshot
        for listener in self._listeners:
            listener(snapshot)

    @property
    def state(self) -> State:
        """The machine's state, for tests and the supervisor."""
        return self._state
