"""From effect to port call: one `match`, nothing decided. Completions come back to the lane as events with their token."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, assert_never

import structlog

from egate.crossing import effects as fx
from egate.crossing import events as ev
from egate.crossing.policy import Policy
from egate.domain.biometric import EncodedFinger, Guidance
from egate.domain.decision import ReasonDetail
from egate.domain.device import Alarm, ReleaseResult
from egate.domain.document import DocumentRead
from egate.domain.ids import CrossingId, LaneId, OfficerId, Token
from egate.errors import DeviceError, EgateError, JournalError
from egate.lane.api import Decided, Ended, Guided, LaneRefused, Progressed
from egate.lane.evidence import Evidence
from egate.lane.gate import Gate
from egate.lane.handle import LiveHandle
from egate.lane.live_face import LiveFrame
from egate.lane.own_captures import take_faces, take_fingers
from egate.lane.presence import Presence
from egate.lane.recorder import Recorder
from egate.lane.requests import Requests
from egate.lane.samples import Samples
from egate.lane.services import Services
from egate.lane.signs import Signs
from egate.lane.visit import Override, Starting, Visit

RELEASE_RECORD_S = 0.5  # chosen: a record takes some milliseconds; a person needs longer to the door
LOOK_S, LOOK_AGAIN_S = 0.6, 0.005  # chosen: two questions to the sensors without an answer take 0.5 s
_log = structlog.get_logger(__name__)


class Performer:
    """Owns what the machine must not hold: samples, handles, tasks, timers."""

    def __init__(
        self,
        lane: LaneId,
        gate: Gate,
        services: Services,
        policy: Policy,
        requests: Requests,
        post: Callable[[ev.Event], None],
        fail: Callable[[BaseException], None],
        presence: Presence,
        signs: Signs | None = None,
    ) -> None:
        self._lane = lane
        self._gate = gate
        self._services = services
        self._policy = policy
        self._requests = requests
        self._post = post
        self._fail = fail
        self._presence = presence
        self._signs = signs
        self._recorder = Recorder(lane, services, post)
        self._evidence = Evidence(gate.reader, services, post, self._tell)
        self._starting: dict[CrossingId, tuple[Visit, asyncio.Future[LiveHandle]]] = {}
        self._overriding: dict[CrossingId, Override] = {}
        self._visit: Visit | None = None
        self._override: Override | None = None
        self._finger_wanted = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def visiting(self) -> bool:
        return self._visit is not None

    def record_alarms(self, alarms: frozenset[Alarm]) -> None:
        self._spawn_lasting(self._recorder.alarms(alarms))

    def want_finger(self, wanted: bool) -> None:
        """Whether the lane's own sensor takes the next impression."""
        if wanted:
            self._finger_wanted.set()
        else:
            self._finger_wanted.clear()

    # What is to come

    def new_crossing(
        self, caller: str, request_id: str, payload_sha256: bytes, document: DocumentRead | None, streaming: bool
    ) -> Starting:
        """Prepares a crossing; the lane posts its event."""
        crossing = CrossingId(uuid.uuid4().hex)
        device = self._gate.reader is not None
        visit = Visit(
            crossing,
            caller,
            request_id,
            payload_sha256,
            "device" if device else "request",
            self._services.clock.monotonic(),
            Samples(document),
        )
        visit.handle = LiveHandle(
            crossing,
            lambda read: self._present(visit, read),
            lambda image: self._face(visit, image),
            lambda finger: self._finger(visit, finger),
            lambda: self._captures_end(visit),
        )
        accepted: asyncio.Future[LiveHandle] = asyncio.get_running_loop().create_future()
        self._starting[crossing] = (visit, accepted)
        return Starting(ev.Start(crossing, device, document is not None, streaming), accepted)

    def new_override(
        self, officer: OfficerId, caller: str, request_id: str, payload_sha256: bytes, reason: str
    ) -> Override:
        """Prepares an officer's release; the lane posts its event."""
        event = ev.OfficerRelease(CrossingId(uuid.uuid4().hex))
        done: asyncio.Future[tuple[CrossingId, ReleaseResult]] = asyncio.get_running_loop().create_future()
        override = Override(event, officer, caller, request_id, payload_sha256, reason, done)
        self._overriding[event.crossing] = override
        return override

    def _present(self, visit: Visit, read: DocumentRead) -> None:
        if visit.source == "device":
            raise LaneRefused("this lane reads documents by its own device", code="DOCUMENT_SOURCE")
        if self._visit is visit:
            visit.samples.document = read
            self._post(ev.DocumentPresented())

    # A gate that still sends for an earlier crossing must not feed the present one: hence `is visit`. A capture is only staged here;
    # whether it counts is for the machine to say, by what the sensors told when it came.

    def _face(self, visit: Visit, image: bytes) -> None:
        if self._gate.camera is not None:
            raise LaneRefused("this lane takes faces by its own camera", code="CAPTURE_SOURCE")
        if self._visit is visit and (number := visit.samples.stage_face(LiveFrame(image, self._now))) is not None:
            self._post(ev.FaceCaptured(number))

    def _finger(self, visit: Visit, finger: EncodedFinger) -> None:
        if self._gate.finger_sensor is not None:
            raise LaneRefused("this lane takes fingers by its own sensor", code="CAPTURE_SOURCE")
        if finger.dpi is None:
            finger = replace(finger, dpi=self._gate.finger_dpi)
        if self._visit is visit and (number := visit.samples.stage_finger(finger)) is not None:
            self._post(ev.FingerCaptured(number))

    def _captures_end(self, visit: Visit) -> None:
        if self._visit is visit:
            self._post(ev.CapturesEnd())

    def _take_captures(self, visit: Visit) -> None:
        """By the lane's own devices; they end with the visit's tasks, when it is decided."""
        if self._gate.camera is not None:
            clock = self._services.clock
            self._spawn(take_faces(self._gate.camera, visit.samples, self._post, self._presence, clock))
        if self._gate.finger_sensor is not None:
            sensor = self._gate.finger_sensor
            self._spawn(
                take_fingers(sensor, visit.samples, self._post, self._presence, self._finger_wanted, self._advise)
            )

    def _advise(self, code: Guidance) -> None:
        self._tell(Guided((code,)))

    # Effects

    def perform(self, effect: fx.Effect) -> None:
        match effect:
            case fx.Secure():
                self.secure_soon()
            case fx.SetTimer(token, delay_s):
                self._set_timer(token, delay_s)
            case fx.ReadDocument(token, timeout_s):
                self._spawn(self._evidence.read_document(self._present_visit, token, timeout_s))
            case fx.VerifyDocument(token):
                self._take_captures(self._present_visit)
                self._spawn(self._evidence.verify_document(self._present_visit, token))
            case fx.VerifyFace(token, capture, last):
                self._spawn(self._evidence.verify_face(self._present_visit, token, capture, last))
            case fx.VerifyFinger(token, capture):
                self._spawn(self._evidence.verify_finger(self._present_visit, token, capture))
            case fx.Discard(capture):
                if self._visit is not None:
                    self._visit.samples.discard(capture)
            case fx.Look(token):
                self._spawn_lasting(self._look(token))
            case fx.RecordStart(token, crossing):
                self._accept(crossing)
                self._spawn_lasting(self._recorder.start(self._present_visit, token))
            case fx.RecordDecision():
                self._stop_visit_tasks()
                self._spawn_lasting(self._recorder.decision(self._present_visit, effect))
            case fx.RecordOverride():
                # Now, not in the task: whatever becomes of the task, the crossing exists.
                override = self._take_override()
                self._spawn_lasting(self._recorder.override(effect, override))
            case fx.RecordOutcome():
                self._spawn_lasting(self._recorder.outcome(self._present_visit, effect))
            case fx.Release():
                self._spawn_lasting(self._release(self._present_visit, effect))
            case fx.Guide(codes):
                self._tell(Guided(codes))
            case fx.Progress(stage, result):
                self._tell(Progressed(stage, result, self._elapsed_s))
            case fx.Respond():
                self._respond(self._present_visit, effect)
            case fx.RespondFailed():
                self.fail_crossing(JournalError("the decision could not be made durable; nothing was released"))
            case fx.Refuse():
                self._refuse(effect)
            case fx.End():
                self._end(self._present_visit, effect)
            case _:
                assert_never(effect)

    @property
    def _present_visit(self) -> Visit:
        assert self._visit is not None
        return self._visit

    @property
    def _now(self) -> float:
        return self._services.clock.monotonic()

    @property
    def _elapsed_s(self) -> float:
        return self._now - self._present_visit.started_s

    # Beginning

    def _accept(self, crossing: CrossingId) -> None:
        visit, accepted = self._starting.pop(crossing)
        self._visit = visit
        assert visit.handle is not None
        if not accepted.done():
            accepted.set_result(visit.handle)

    def _refuse(self, effect: fx.Refuse) -> None:
        refusal = LaneRefused(f"the lane can't take this now: {effect.code}", code=effect.code)
        starting = self._starting.pop(effect.crossing, None)
        if starting is not None and not starting[1].done():
            starting[1].set_exception(refusal)
        override = self._overriding.pop(effect.crossing, None)
        if override is not None and not override.done.done():
            override.done.set_exception(refusal)

    def _take_override(self) -> Override:
        """The machine has accepted the newest override: refused ones are gone already."""
        crossing, override = next(iter(self._overriding.items()))
        del self._overriding[crossing]
        self._override = override
        if self._visit is None:
            now = self._services.clock.monotonic()
            self._visit = Visit(crossing, "", "", b"", "officer", now, Samples())
        return override

    # The lock

    def secure_soon(self) -> None:
        self._spawn_lasting(self._secure())

    async def _secure(self) -> None:
        try:
            await self._gate.lock.secure()
        except DeviceError as error:
            # The lock's own timer secures it; its status, not this call, decides whether the lane serves again.
            _log.warning("secure failed", lane=self._lane, code=error.code)

    async def _look(self, token: Token) -> None:
        """After a round of the loop everything that devices reported before stands in the inbox, ahead of the answer.

        One unanswered question to the sensors makes their reading too old: the next one is waited for, within bounds.
        """
        until = self._services.clock.monotonic() + LOOK_S
        while True:
            await asyncio.sleep(0)
            read_at, now = self._gate.sensors.read_at, self._services.clock.monotonic()
            age_s = math.inf if read_at is None else now - read_at
            if age_s <= self._policy.levels_age_s or now >= until:
                break
            await asyncio.sleep(LOOK_AGAIN_S)
        self._post(ev.LevelsChanged(self._gate.sensors.levels))  # at least as new as the reading that was dated
        self._post(ev.Looked(token, age_s))

    async def _release(self, visit: Visit, effect: fx.Release) -> None:
        try:
            result = await self._gate.lock.release(effect.duration_s, effect.deadline_s)
        except DeviceError as error:
            _log.warning("release failed", lane=self._lane, code=error.code)
            result = ReleaseResult.NOT_SENT
        # The answer is kept before it is given, so that a retry after a power cut is told the same. A journal that hangs must not keep the
        # lane from following the person through the door.
        recording = self._spawn_lasting(self._recorder.release(visit, self._override, result))
        await asyncio.wait((recording,), timeout=RELEASE_RECORD_S)
        self._post(ev.ReleaseCompleted(effect.token, result))

    # Answers

    def _respond(self, visit: Visit, effect: fx.Respond) -> None:
        if effect.decision is None:
            override = self._override
            if override is not None and not override.done.done():
                result = effect.release or ReleaseResult.UNKNOWN
                override.done.set_result((visit.crossing, result))
                if result is ReleaseResult.NOT_SENT:
                    self._spawn_lasting(self._recorder.release(visit, self._override, result))
            return
        self._tell(Decided(visit.crossing, effect.decision, effect.release, visit.case, visit.decided_at_ns))

    def fail_all(self, error: EgateError) -> None:
        """Everybody who waits for this lane learns that it failed."""
        waiting: list[asyncio.Future[Any]] = [accepted for _, accepted in self._starting.values()]
        waiting += [override.done for override in self._overriding.values()]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
        self._starting.clear()
        self._overriding.clear()
        self.fail_crossing(error)

    def fail_crossing(self, error: EgateError) -> None:
        """Gate and officer learn that there is no answer."""
        visit, override = self._visit, self._override
        if visit is not None and visit.handle is not None and not visit.handle.answered:
            self._requests.close(visit.caller, visit.request_id)
            visit.handle.fail(error)
        if override is not None and not override.done.done():
            override.done.set_exception(error)

    def _end(self, visit: Visit, effect: fx.End) -> None:
        self._tell(Ended(effect.outcome, effect.reasons, self._elapsed_s))
        _log.info(
            "crossing ended",
            lane=self._lane,
            crossing=visit.crossing,
            outcome=effect.outcome.value,
            reasons=_codes(effect.reasons),
        )
        self._stop_visit_tasks()
        self._requests.close(visit.caller, visit.request_id)
        visit.samples.forget()
        self._visit = self._override = None

    def _tell(self, event: Progressed | Guided | Decided | Ended) -> None:
        if self._visit is not None and self._visit.handle is not None:
            self._visit.handle.publish(event)
        if self._signs is not None and isinstance(event, Guided):
            self._signs.advised(event.codes)

    # Tasks and timers

    def _set_timer(self, token: Token, delay_s: float) -> None:
        # One timer at a time: the machine drops the token of an older one.
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay_s, lambda: self._post(ev.TimerElapsed(token)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Work of this crossing: cancelled once it is decided."""
        task = self._spawn_lasting(work)
        visit = self._present_visit
        visit.tasks.add(task)
        task.add_done_callback(visit.tasks.discard)

    def _spawn_lasting(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Work that must run to its end, such as records and lock commands."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def _stop_visit_tasks(self) -> None:
        if self._visit is not None:
            for task in list(self._visit.tasks):
                task.cancel()

    def cancel_all(self) -> None:
        """Nothing of the present crossing goes on. Records under way are written all the same: the journal's thread has them."""
        if self._timer is not None:
            self._timer.cancel()
        for task in list(self._tasks):
            task.cancel()


def _codes(reasons: tuple[ReasonDetail, ...]) -> list[str]:
    return [item.reason.value for item in reasons]
