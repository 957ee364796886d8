"""The composition root: from settings to a running daemon. The only place that knows both the devices and the lanes."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

import egate
from egate import lockouts
from egate.cases.dossier import DossierStore
from egate.cases.store import CaseStore
from egate.clock import SystemClock
from egate.crossing.policy import PadMode, Policy
from egate.document.chip_checks import Rules
from egate.document.pki.trust import TrustStore
from egate.domain.evidence import Check
from egate.domain.ids import LaneId
from egate.errors import ConfigurationError, EgateError, JournalError, ModelError
from egate.gates import check_ports as check_ports
from egate.gates import has_default_key, is_simulated
from egate.gates import open_gate as open_gate
from egate.heap import return_large_blocks
from egate.inference.face.engine import load_face_engine
from egate.inference.finger.engine import CALIBRATION as FINGER_CALIBRATION
from egate.inference.finger.engine import load_finger_engine
from egate.inference.image.budget import ImageBudget
from egate.inference.pad.engine import load_pad_engine
from egate.inference.pool import InferencePool
from egate.inference.weights.onnx_role import FACE_DETECTION
from egate.inference.weights.store import ModelStore
from egate.journal.pseudonym import document_pseudonym, load_or_create_key
from egate.journal.store import SqliteJournal
from egate.lane.hall import GateHall
from egate.lane.recovery import held_lanes, settle_unfinished
from egate.lane.requests import Requests
from egate.lane.runner import GateLane
from egate.lane.services import Services
from egate.lane.signal_texts import load_signal_texts
from egate.lane.verifiers import EngineVerifiers, Verifiers
from egate.matching.face.frames import attempt_fmr
from egate.ports import FaceEngine, FingerEngine, PadEngine, Record
from egate.service.match import Engines
from egate.service.officer_file import OfficerFile
from egate.service.officers import Officers
from egate.service.server import Parts, build_service
from egate.service.settings import ServiceSettings, TlsFiles
from egate.settings import PolicySection, ServiceSection, Settings
from egate.trust.source import TrustSource

GRACE_S = 2.0  # chosen: calls under way when the daemon stops
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Models:
    """The engines, warm, and what they are."""

    face: FaceEngine
    finger: FingerEngine
    versions: dict[str, str]
    pad: PadEngine | None = None


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running daemon: its port, and what tests and benches look at. ended: the lanes' task; it ends only by a fault."""

    ended: asyncio.Task[None]
    port: int
    hall: GateHall
    journal: SqliteJournal
    cases: CaseStore


def load_models(settings: Settings, base: Path) -> Models:
    """Verifies, loads and warms the models. Raises ModelError, ConfigurationError."""
    root = settings.models.root
    store = ModelStore(base / root if root else None)
    off = settings.policy.presentation_attack_detection == "off"
    pad = None if off else _load_pad(store, settings.models.pad)
    face, finger = load_face_engine(store, settings.models.face), load_finger_engine(store)
    if pad is not None and _detectors(store, settings.models.pad) != _detectors(store, settings.models.face):
        raise ConfigurationError(
            "models.pad was calibrated on another face detector than models.face", code="PAD_MISSING"
        )
    engines = [settings.models.face, FINGER_CALIBRATION, *(() if off else (settings.models.pad,))]
    return Models(face, finger, _versions(store, engines), pad)


def _detectors(store: ModelStore, engine: str) -> list[str]:
    """What finds the faces for this engine. Attack detection judges crops around those boxes."""
    models = store.manifest.models
    return [id for id in store.manifest.calibrations[engine].models if models[id].role == FACE_DETECTION]


def _load_pad(store: ModelStore, id: str) -> PadEngine:
    try:
        return load_pad_engine(store, id)
    except ModelError as error:
        raise ConfigurationError(
            f"policy.presentation_attack_detection needs the detector {id}: {error}", code="PAD_MISSING"
        ) from None


def _versions(store: ModelStore, engines: Sequence[str]) -> dict[str, str]:
    """What answers for a traveller's scores: the engines' calibrations and models, with their hashes."""
    manifest = store.manifest
    used = [manifest.calibrations[engine] for engine in engines]
    versions = {model: manifest.models[model].sha256 for item in used for model in item.models}
    return versions | {f"calibration:{item.id}": item.sha256 for item in used}


def build_policy(section: PolicySection, models: Models) -> Policy:
    """FMR targets become thresholds of the models at hand. Raises ConfigurationError if a calibration can't support one."""
    mode = PadMode(section.presentation_attack_detection)
    if mode is not PadMode.OFF and models.pad is None:
        raise ConfigurationError("policy.presentation_attack_detection: no detector is loaded", code="PAD_MISSING")
    try:
        mandatory = frozenset(Check(name) for name in section.mandatory)
        if mode is PadMode.ENFORCED:
            mandatory |= {Check.PRESENTATION_ATTACK_DETECTION}
        face, *again = (
            models.face.threshold(attempt_fmr(section.face_fmr, attempt + 1)) for attempt in range(section.attempts_max)
        )
        return Policy(
            version=section.version,
            mandatory=mandatory,
            face_threshold=face,
            face_again=tuple(again),
            finger_threshold=models.finger.threshold(section.finger_fmr),
            finger_fmr=section.finger_fmr,
            attempts_max=section.attempts_max,
            document_s=section.document_s,
            capture_s=section.capture_s,
            decision_age_s=section.decision_age_s,
            release_s=section.release_s,
            release_deadline_s=section.release_deadline_s,
            passage_s=section.passage_s,
            referral_s=section.referral_s,
            pad=mode,
            pad_threshold=math.nan if models.pad is None else models.pad.threshold(section.pad_apcer),
        )
    except ValueError as error:
        raise ConfigurationError(f"policy: {error}") from None


def open_trust(settings: Settings, base: Path, now: datetime) -> TrustSource:
    """The site's trust store, read. Warns in the log when it is old. Raises ConfigurationError if it can't be read."""
    section = settings.documents
    rules = Rules(section.crl_required, timedelta(days=section.trust_age_days_max))
    directory = base / section.trust_store if section.trust_store else None
    source = TrustSource(directory, rules, allow_simulated=settings.environment == "demo")
    if section.trust_store and source.store.is_stale(now):
        age = source.store.age(now)
        _log.warning("trust store is old", age_days=None if age is None else round(age / timedelta(days=1), 1))
    return source


def check_lockouts(settings: Settings, base: Path) -> None:
    """Raises ConfigurationError LOCKOUT_… if these settings must not run outside the demo environment."""
    lockouts.check(settings, base, is_simulated, has_default_key)


def service_settings(section: ServiceSection, settings: Settings, base: Path) -> ServiceSettings:
    """Raises ConfigurationError on what can't be served safely."""
    files = (section.certificate_file, section.key_file, section.client_ca_file)
    if not section.plaintext and not all(files):
        raise ConfigurationError(
            "service: certificate_file, key_file and client_ca_file are required", code="PLAINTEXT"
        )
    gates: dict[str, set[LaneId]] = {}
    for lane in settings.lane:
        gates.setdefault(lane.gate, set()).add(LaneId(lane.id))
    return ServiceSettings(
        address=section.address,
        trust_domain=section.trust_domain,
        tls=None if section.plaintext else TlsFiles(*(base / file for file in files)),
        gates={gate: frozenset(lanes) for gate, lanes in gates.items()},
        crl_files=tuple(base / file for file in section.crl_files),
        on_stale_crl=section.on_stale_crl,
        plaintext_demo=section.plaintext,
        rpcs_max=section.rpcs_max,
        rpcs_per_caller_max=section.rpcs_per_caller_max,
        match_rate_per_s=section.match_rate_per_s,
        match_burst=section.match_burst,
        extract_images_max=section.extract_images_max,
        token_lifetime_s=section.token_lifetime_s,
        fmr_target=settings.policy.face_fmr,
        finger_fmr_target=settings.policy.finger_fmr,
    )


@contextlib.asynccontextmanager
async def daemon(
    settings: Settings, base: Path, *, verifiers: Callable[[Verifiers], Verifiers] = lambda own: own
) -> AsyncIterator[Daemon]:
    """A daemon that serves while the block runs. verifiers: lets a benchmark wrap or replace the verifier port.

    Raises ConfigurationError, ModelError, JournalError: then nothing was started.
    """
    check_lockouts(settings, base)
    check_ports(settings)
    return_large_blocks()
    served = service_settings(settings.service, settings, base)
    data = base / settings.data_dir
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = SystemClock()
    trust = await asyncio.to_thread(open_trust, settings, base, clock.now())
    models = await asyncio.to_thread(load_models, settings, base)
    policy = build_policy(settings.policy, models)
    gates = {LaneId(lane.id): open_gate(lane, base) for lane in settings.lane}
    texts = {LaneId(lane.id): load_signal_texts(lane.language) for lane in settings.lane}
    pool = InferencePool(settings.models.threads or None, settings.models.queue_max)
    images = ImageBudget(settings.models.image_mib_max)
    own = EngineVerifiers(
        models.face,
        models.finger,
        pool,
        models.versions,
        lambda: clock.now().astimezone(),
        trust.current,
        pad=models.pad,
        images=images,
        pad_enforced=policy.pad is PadMode.ENFORCED,
    )
    key = load_or_create_key(data / "pseudonym.key")
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(pool.close)
        journal = await stack.enter_async_context(await SqliteJournal.open(data / "journal.db"))
        cases = await CaseStore.open(journal, journal.read, journal.on_commit, DossierStore(data))
        stack.push_async_callback(cases.close)
        await settle_unfinished(journal, cases, clock)
        await journal.append([_started(policy, models, trust.store)])
        held = await held_lanes(journal)
        services = Services(
            journal, cases, verifiers(own), clock, lambda state, number: document_pseudonym(key, state, number)
        )
        requests = Requests()
        hall = GateHall(
            [
                GateLane(id, gate, services, policy, requests, held=id in held, texts=texts[id])
                for id, gate in gates.items()
            ]
        )
        engines = Engines(
            models.face,
            models.finger,
            pool,
            models.pad,
            policy.pad_threshold if policy.pad is PadMode.ENFORCED else math.nan,
            images,
        )
        service = build_service(served, _parts(settings, base, hall, journal, cases, clock, engines))
        await service.start()
        stack.push_async_callback(service.stop, GRACE_S)
        running = asyncio.create_task(hall.run())
        stack.push_async_callback(_end, running)
        await service.set_serving(True)
        _log.info("serving", port=service.port, lanes=len(gates), environment=settings.environment)
        yield Daemon(running, service.port, hall, journal, cases)
        await _record_stop(journal)


def _parts(
    settings: Settings,
    base: Path,
    hall: GateHall,
    journal: SqliteJournal,
    cases: CaseStore,
    clock: SystemClock,
    engines: Engines,
) -> Parts:
    if not settings.service.officers_file:
        raise ConfigurationError("service.officers_file is missing: nobody could decide about a referred traveller")
    officers = OfficerFile(base / settings.service.officers_file)
    tokens = Officers(officers, journal, clock, settings.service.token_lifetime_s)
    return Parts(hall, journal, cases, tokens, clock, engines)


def _started(policy: Policy, models: Models, trust: TrustStore) -> Record:
    body = {"event": "STARTED", "version": egate.__version__, "policy": policy.version, "models": models.versions}
    updated = "" if trust.updated_at is None else trust.updated_at.isoformat()
    return Record("DAEMON", "", "", {**body, "trust": {"anchors": len(trust.anchors), "updated_at": updated}})


async def _record_stop(journal: SqliteJournal) -> None:
    try:
        await journal.append([Record("DAEMON", "", "", {"event": "STOPPED"})])
    except JournalError as error:
        _log.error("stop not recorded", code=error.code)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def serve(settings: Settings, base: Path, on_serving: Callable[[int], None] = lambda port: None) -> None:
    """Runs a daemon until SIGTERM or SIGINT. on_serving is called with the port once health says SERVING."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with daemon(settings, base) as running:
        on_serving(running.port)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((stopped, running.ended), return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if running.ended.done() and not running.ended.cancelled():
            # Never go on answering for lanes that nobody runs: end, and let the service manager start anew.
            raise EgateError("the lanes ended by a fault", code="HALL_ENDED") from running.ended.exception()
        _log.info("stopping")
