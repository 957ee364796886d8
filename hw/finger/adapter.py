"""A fingerprint sensor of the R30x/ZFM family as `egate.ports.FingerSensor`: one thread owns the port.

r30x+LINK://TARGET?baud=57600&password=file:PATH and the link's own parameters

baud              57600 or 115200 carry an image in 7 or 3.5 s; multiples of 9600
password          4 bytes in hexadecimal. Or default_password=1: the sensor has the public one it was delivered with
address           8 hexadecimal digits, FFFFFFFF otherwise
model             r30x (256 x 288, 500 dpi), or r503 (192 x 192, 508 dpi); dpi=… if the sensor's sheet says otherwise
packet            32, 64, 128 or 256: data bytes in a packet, set in the sensor if it differs
set_baud=1        a sensor found at another speed is set to baud, for good
light=1           its light is switched on while a finger is awaited
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from egate.domain.biometric import Guidance
from egate.domain.captured import FingerImage
from egate.domain.device import DeviceHealth, DeviceState
from egate.errors import ConfigurationError, DeviceError, DeviceLost, DeviceTimeout
from hw.finger.frame import ADDRESS_DEFAULT, ADDRESS_SIZE
from hw.finger.host import Contact, Session, Wanted
from hw.finger.impression import Request
from hw.finger.messages import (
    BAUD_CODE_DEFAULT,
    BAUD_CODE_MAX,
    BAUD_UNIT,
    PACKET_SIZES,
    PASSWORD_DEFAULT,
    PASSWORD_SIZE,
)
from hw.finger.picture import MODELS, R30X, Model, unpack
from hw.health import HealthLog
from hw.link.base import Link, LinkLost
from hw.link.opener import link_keys, open_link
from hw.loop_calls import call_soon
from hw.url import DeviceUrl

KEYS = frozenset({"password", "default_password", "address", "model", "dpi", "packet", "set_baud", "light"})
DPI_MIN, DPI_MAX = 250, 2000  # egate.inference.finger.resolution
# Speeds at which a sensor is looked for with set_baud: as delivered, the fastest, the slowest that is common.
BAUDS = (BAUD_CODE_DEFAULT * BAUD_UNIT, BAUD_CODE_MAX * BAUD_UNIT, 9600)
POLL_S = 0.05  # how often the thread looks whether a capture is wanted
READ_SIZE = 4096
BACKOFF_S = (0.1, 0.25, 0.5, 1.0)  # waits before the port is opened again; the last one repeats
REFUSED_S = 5.0  # chosen: a password does not become right by being repeated


def open_finger_sensor(url: DeviceUrl, base: Path) -> R30xSensor:
    """The sensor of url, not started. Raises ConfigurationError."""
    keys = link_keys(url)
    url.admit({"baud"} & keys, KEYS | keys)
    baud = url.integer("baud", None, BAUD_UNIT, BAUD_CODE_MAX * BAUD_UNIT) if "baud" in keys else None
    if baud is not None and baud % BAUD_UNIT:
        raise url.error(f"baud is no multiple of {BAUD_UNIT}")
    moves = url.flag("set_baud")
    if moves and baud is None:
        raise url.error("set_baud needs a link that has a baud")
    model = _model(url)
    wanted = Wanted(
        _password(url, base), _address(url), model, _packet_size(url), baud if moves else None, url.flag("light")
    )
    dpi = float(url.integer("dpi", round(model.dpi), DPI_MIN, DPI_MAX))
    if baud is None:
        return R30xSensor((lambda: open_link(url),), wanted, dpi)
    bauds = (baud, *(other for other in BAUDS if other != baud)) if moves else (baud,)
    at = [replace(url, parameters={**url.parameters, "baud": str(one)}) for one in bauds]
    return R30xSensor(tuple(lambda one=one: open_link(one) for one in at), wanted, dpi)  # type: ignore[misc]


class R30xSensor:
    """Implements egate.ports.FingerSensor. open_ports: ways to the sensor, tried in turn until it answers; dpi: of its images."""

    def __init__(self, open_ports: tuple[Callable[[], Link], ...], wanted: Wanted, dpi: float) -> None:
        self._open_ports, self._wanted, self._dpi = open_ports, wanted, dpi
        self._way = 0
        self._request: Request | None = None  # set by the event loop, read by the thread
        self._result: asyncio.Future[FingerImage] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Future[None] | None = None
        self._on_state: Callable[[DeviceState], None] = lambda _: None
        self._state = self._told = DeviceState.LOST
        self._health = HealthLog()

    @property
    def state(self) -> DeviceState:
        return self._state

    @property
    def health(self) -> DeviceHealth:
        return self._health.report(self._state)

    async def start(self, on_state: Callable[[DeviceState], None]) -> None:
        if self._thread is not None or self._stop.is_set():
            raise DeviceError("the finger sensor was started or closed before")
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        self._on_state = on_state
        self._thread = threading.Thread(target=self._run, name="finger-sensor", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()
        if self._ended is not None:
            await asyncio.shield(self._ended)

    async def capture(self, timeout_s: float, on_guidance: Callable[[Guidance], None]) -> FingerImage:
        if not timeout_s >= 0.0:  # refuses NaN
            raise DeviceError("a capture waits a number of seconds")
        if self._state is DeviceState.LOST:
            raise DeviceLost("the finger sensor is not there")
        if self._result is not None:
            raise DeviceError("the finger sensor is being used")
        result: asyncio.Future[FingerImage] = asyncio.get_running_loop().create_future()
        self._result = result

        def advise(guidance: Guidance) -> None:
            if not result.done():
                on_guidance(guidance)

        def taken(image: FingerImage) -> None:
            if not result.done():
                result.set_result(image)

        taken_s = time.monotonic()

        def told(guidance: Guidance) -> None:
            nonlocal taken_s
            if guidance is Guidance.HOLD_STILL:  # the picture was taken just now; it takes seconds to come
                taken_s = time.monotonic()
            self._call_soon(lambda: advise(guidance))

        def carried(content: bytes) -> None:
            image = FingerImage(unpack(content, self._wanted.model), self._dpi, taken_s)
            self._call_soon(lambda: taken(image))

        self._request = Request(told, carried)
        try:
            async with asyncio.timeout(timeout_s):
                return await result
        except TimeoutError:
            raise DeviceTimeout("no usable impression of a finger came in time") from None
        finally:
            result.cancel()
            self._request = self._result = None

    def _call_soon(self, callback: Callable[[], None]) -> None:
        call_soon(self._loop, callback)

    # From here on: the owner thread.

    def _run(self) -> None:
        try:
            attempt = 0
            while not self._stop.is_set():
                contact = self._stay_connected()
                attempt = 0 if contact in (Contact.READY, Contact.MOVED) else min(attempt + 1, len(BACKOFF_S) - 1)
                self._stop.wait(REFUSED_S if contact is Contact.REFUSED else BACKOFF_S[attempt])
        finally:
            self._publish(DeviceState.LOST)
            self._call_soon(self._end)

    def _stay_connected(self) -> Contact:
        """Opens the port and serves the sensor until it is lost. The best contact it had."""
        try:
            link = self._open_ports[self._way]()
        except (LinkLost, ConfigurationError) as error:
            self._health.lost(str(error))
            return Contact.GONE
        self._health.opened()
        session = Session(self._wanted, time.monotonic(), self._health.count, self._health.error)
        was_ready, why = False, ""
        try:
            while not self._stop.is_set() and not session.over:
                self._turn(link, session)
                was_ready |= session.contact is Contact.READY
        except LinkLost as lost:
            why = str(lost)
        finally:
            link.close()
        self._publish(DeviceState.LOST)
        if not self._stop.is_set():
            self._health.lost(why or session.diagnosis)
        if session.contact is Contact.MOVED:
            self._way = 0
        elif session.heard_at is None:
            self._way = (self._way + 1) % len(self._open_ports)
        return Contact.READY if was_ready else session.contact

    def _turn(self, link: Link, session: Session) -> None:
        due, skipped_count = session.next_timer(), session.skipped_count
        wait_s = POLL_S if due is None else min(max(due - time.monotonic(), 0.0), POLL_S)
        data = link.read(READ_SIZE, wait_s)
        now = time.monotonic()
        session.want(self._request, now)
        if data:
            session.receive(data, now)
        session.handle_timer(now)
        if output := session.data_to_send():
            link.write(output)
        if skipped := session.skipped_count - skipped_count:
            self._health.count("skipped_bytes", skipped)
        if session.contact is Contact.READY:
            if session.heard_at is not None:
                self._health.heard(session.heard_at)
            self._health.identify(str(session.parameters or "R30x"))
            self._publish(DeviceState.DEGRADED if session.degraded(now) else DeviceState.ONLINE)

    def _publish(self, state: DeviceState) -> None:
        if state is not self._told:
            self._told = state
            self._call_soon(lambda: self._change_state(state))

    # From here on: the event loop.

    def _change_state(self, state: DeviceState) -> None:
        self._state = state
        if state is DeviceState.LOST and self._result is not None and not self._result.done():
            self._result.set_exception(DeviceLost("the finger sensor went away"))
        self._on_state(state)

    def _end(self) -> None:
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)


def _model(url: DeviceUrl) -> Model:
    name = url.text("model", R30X.name)
    if name not in MODELS:
        raise url.error(f"model is none of {', '.join(MODELS)}")
    return MODELS[name]


def _password(url: DeviceUrl, base: Path) -> bytes:
    if url.flag("default_password"):
        if "password" in url.parameters:
            raise url.error("default_password beside password")
        return PASSWORD_DEFAULT
    password = url.secret("password", base)
    if len(password) != PASSWORD_SIZE:
        raise url.error(f"the password is not {PASSWORD_SIZE} bytes long")
    if password == PASSWORD_DEFAULT:
        raise url.error("the password is the public default; default_password=1 admits it")
    return password


def _address(url: DeviceUrl) -> bytes:
    text = url.text("address", ADDRESS_DEFAULT.hex())
    try:
        address = bytes.fromhex(text)
    except ValueError:
        address = b""
    if len(address) != ADDRESS_SIZE or len(text) != 2 * ADDRESS_SIZE:
        raise url.error(f"address is not {2 * ADDRESS_SIZE} hexadecimal digits")
    return address


def _packet_size(url: DeviceUrl) -> int | None:
    if "packet" not in url.parameters:
        return None
    size = url.integer("packet", None, PACKET_SIZES[0], PACKET_SIZES[-1])
    if size not in PACKET_SIZES:
        raise url.error(f"packet is none of {', '.join(map(str, PACKET_SIZES))}")
    return size
