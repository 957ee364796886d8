"""URLs of bar code readers, and triggering: when the command goes out and when it is withdrawn."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from egate.domain.device import DeviceRole
from egate.errors import ConfigurationError, DeviceLost, DeviceTimeout
from hw.barcode.adapter import SerialBarcodeReader, open_barcode_reader
from hw.barcode.delimiter import SIZE_MAX, delimiter
from hw.barcode.frame import Framing
from hw.barcode.pd import LOOK_S, ReaderSession
from hw.barcode.setup import framing_of
from hw.barcode.trigger import AGAIN_S, EVERY_S_DEFAULT, UNTRIGGERED, Trigger, TriggerCommands, trigger_commands
from hw.registry import open_device
from hw.url import parse
from tests.hw.barcode_bench import barcode_bench
from tests.hw.lock_bench import until

BASE = "barcode+pty:///run/barcode?baud=115200"
HONEYWELL = TriggerCommands(b"\x16T\r", b"\x16U\r", 2.0)


@pytest.mark.parametrize(
    ("query", "framing"),
    [
        ("&aim=1", Framing(aim=True)),
        ("&aim=1&terminator=CRLF", Framing(terminator=b"\r\n", aim=True)),
        ("&prefix=STX&aim=1&terminator=ETX", Framing(b"\x02", b"\x03", aim=True)),
        ("&prefix=BC:&size_min=4", Framing(b"BC:", size_min=4)),
        ("&prefix=%02B%2C&terminator=%0D%0A", Framing(b"\x02B,", b"\r\n")),
        ("&prefix=hex:fe02&length=5&terminator=hex:0d", Framing(b"\xfe\x02", b"\r", length_digits=5)),
        ("&prefix=hex:4352", Framing(b"CR")),
    ],
)
def test_set_up_is_read_from_the_url(query: str, framing: Framing) -> None:
    assert framing_of(parse(BASE + query)) == framing


@pytest.mark.parametrize(
    "query",
    [
        "",  # neither prefix nor identifier
        "&aim=0",
        "&aim=2",
        "&aim=1&colour=red",
        "&aim=1&terminator=END",
        "&aim=1&terminator=hex:",
        "&aim=1&terminator=hex:0",
        "&aim=1&terminator=hex:zz",
        "&aim=1&prefix=é",
        "&prefix=" + "x" * (SIZE_MAX + 1),
        "&aim=1&length=0",
        "&aim=1&length=7",
        "&aim=1&size_min=0",
        "&aim=1&trigger_off=hex:16550d",
        "&aim=1&trigger_every_s=5",
        "&aim=1&trigger=hex:16540d&trigger_every_s=0",
    ],
)
def test_url_that_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(ConfigurationError):
        open_barcode_reader(parse(BASE + query), Path("/"))


def test_speed_is_asked_for_and_the_registry_knows_the_role() -> None:
    with pytest.raises(ConfigurationError, match="baud"):
        open_barcode_reader(parse("barcode+pty:///run/barcode?aim=1"), Path("/"))
    open_barcode_reader(parse("barcode+tcp://10.0.0.7:4001?aim=1"), Path("/"))  # a port server has its own
    reader = open_device(BASE + "&aim=1", Path("/"), DeviceRole.BARCODE_READER)
    assert isinstance(reader, SerialBarcodeReader)


def test_names_win_over_text() -> None:
    url = parse(BASE + "&prefix=CR")
    assert delimiter(url, "prefix", b"") == b"\r"
    assert delimiter(url, "terminator", b"default") == b"default"


def test_trigger_is_sent_repeated_and_withdrawn() -> None:
    assert trigger_commands(parse(f"{BASE}&trigger=hex:16540d&trigger_off=%16U%0D&trigger_every_s=2")) == HONEYWELL
    trigger = Trigger(HONEYWELL)
    assert trigger.data_to_send(False, 0.0) == b"\x16U\r"  # whoever held the port before may have left it looking
    sent = [trigger.data_to_send(at < 5.0, at) for at in (0.0, 0.1, 1.9, 2.0, 3.9, 4.0, 5.0, 5.1, 9.0)]
    assert sent == [b"\x16T\r", b"", b"", b"\x16T\r", b"", b"\x16T\r", b"\x16U\r", b"", b""]
    assert trigger.data_to_send(True, 9.1) == b"\x16T\r"


def test_trigger_is_sent_again_after_a_read_that_ended_no_scan() -> None:
    """The imager has stopped; a traveller who puts another code there must not wait until the next repetition."""
    trigger = Trigger(HONEYWELL)
    trigger.read(0.0)
    assert trigger.data_to_send(True, 1.0) == b"\x16T\r"
    trigger.read(1.1)
    assert trigger.data_to_send(True, 1.2) == b""
    assert trigger.data_to_send(True, 1.1 + AGAIN_S) == b"\x16T\r"
    assert trigger.data_to_send(True, 1.2 + AGAIN_S) == b""


def test_without_trigger_nothing_is_ever_sent() -> None:
    trigger = Trigger(UNTRIGGERED)
    assert [trigger.data_to_send(wanted, at) for at, wanted in ((0.0, True), (20.0, True), (21.0, False))] == [b""] * 3


def test_simulated_imager_looks_only_when_told() -> None:
    session = ReaderSession(HONEYWELL)
    session.present(b"frame")
    assert session.data_to_send(0.0) == b""
    session.receive(b"\x00\x16", 0.1)
    session.receive(b"T\r", 0.2)
    assert session.data_to_send(0.3) == b"frame"
    assert session.data_to_send(0.4) == b""  # it stops after a read
    session.receive(b"\x16T\r\x16U\r", 0.5)
    assert session.data_to_send(0.6) == b""
    session.receive(b"\x16T\r", 1.0)
    assert session.data_to_send(1.0 + LOOK_S) == b""
    assert (session.trigger_count, session.withdrawn_count) == (3, 1)


async def test_imager_is_triggered_while_a_scan_waits_and_no_longer(tmp_path: Path) -> None:
    async with barcode_bench(tmp_path, "imager") as bench:
        session = bench.imager.session
        await bench.ready()
        bench.show(b"token-that-lies-there")
        with pytest.raises(DeviceTimeout):
            await bench.reader.scan(0.001)
        bench.imager.remove()
        await until(lambda: not session.looking(0.0), 5.0)
        waiting = asyncio.create_task(bench.reader.scan(5.0))
        await until(lambda: session.looking(0.0), 5.0)
        bench.show(b"token-of-somebody-else")
        assert (await waiting).content == b"token-of-somebody-else"
        waiting = asyncio.create_task(bench.reader.scan(EVERY_S_DEFAULT / 2))
        await until(lambda: bench.counted("repeats") >= 1, 5.0)  # it still lies there, and stopped the imager
        bench.show(b"token-of-the-next-one")
        assert (await waiting).content == b"token-of-the-next-one"
        triggered, withdrawn = session.trigger_count, session.withdrawn_count
        waiting = asyncio.create_task(bench.reader.scan(5.0))
        await until(lambda: session.trigger_count == triggered + 1, 5.0)
        bench.imager.remove()
        await until(lambda: session.looking(0.0), 5.0)
        await bench.reader.close()  # it must not go on looking for nobody
        await until(lambda: session.withdrawn_count > withdrawn and not session.looking(0.0), 5.0)
        with pytest.raises(DeviceLost):
            await waiting


def open_handles() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.soak
async def test_port_unplugged_and_replugged_a_hundred_times_leaks_nothing(tmp_path: Path) -> None:
    async with barcode_bench(tmp_path, "imager") as bench:
        await bench.ready()
        handles = open_handles()
        for index in range(100):
            bench.port.unplug()
            await until(lambda: bench.reader.state.name == "LOST", 5.0)
            bench.port.replug()
            await until(lambda: bench.reader.state.name == "ONLINE", 5.0)
            waiting = asyncio.create_task(bench.reader.scan(5.0))
            bench.show(b"token-%08d" % index)
            assert (await waiting).content == b"token-%08d" % index
        assert open_handles() <= handles
        assert bench.reader.health.counters["lost"] == 100
