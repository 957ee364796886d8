"""A whole daemon on one simulated lane: real models, journal, serial protocols. The gate reads documents itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from egate.demo.chip_reader import read_chip
from egate.demo.client import Stubs, channel
from egate.demo.journey import wait_lane, wait_ready
from egate.demo.site import DaemonProcess, Site, device_urls, make_site, running
from egate.demo.travellers import People, Traveller, demo_travellers
from egate.demo.utopia import Utopia
from egate.domain.evidence import CheckResult
from egate.inference.weights.store import ModelStore
from hw.sim.client import Simulator, spawn

LANE = "lane-1"


@dataclass(frozen=True, slots=True)
class Whole:
    site: Site
    daemon: DaemonProcess
    simulator: Simulator
    travellers: list[Traveller]

    async def stand_in(self) -> None:
        """One person stands in the empty lane."""
        async with channel(self.daemon.address, self.site.pki, "engineer-1") as connection:
            engineer = Stubs(connection)
            await wait_ready(engineer, LANE)
            self.simulator.enter(LANE)
            await wait_lane(engineer, LANE, lambda state: state.person_count == 1)

    async def empty(self) -> None:
        """The referred traveller has gone, and the lane is ready again."""
        self.simulator.leave(LANE)
        await self.ready()

    async def ready(self) -> None:
        async with channel(self.daemon.address, self.site.pki, "engineer-1") as connection:
            await wait_ready(Stubs(connection), LANE)


@contextlib.contextmanager
def whole_daemon(directory: Path) -> Iterator[Whole]:
    state = Utopia(date.today())
    travellers = demo_travellers(People.load(ModelStore()), date.today(), state)
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(spawn(directory / "gate", lanes=1, seed=1))
        site = make_site(directory / "site", device_urls(simulator), request_lanes=frozenset({LANE}), state=state)
        yield Whole(site, stack.enter_context(running(site)), simulator, travellers)


def write_traveller(traveller: Traveller, folder: Path) -> list[str]:
    """The traveller's files, and the Node client's arguments that name them. The gate's reader has opened the chip by PACE."""
    chip = read_chip(traveller.document)
    assert chip.chip_authentication is not None and chip.chip_authentication.result is CheckResult.PASS
    (folder / "chip").mkdir(parents=True, exist_ok=True)
    for name, content in chip.files.items():
        (folder / "chip" / f"{name}.bin").write_bytes(content)
    files = {
        "--face": traveller.faces[0],
        "--finger": traveller.fingers[0],
        "--chip-key": chip.chip_authentication.public_key,
        "--mrz": "\n".join(traveller.document.mrz_lines).encode(),
    }
    arguments = ["--session", "s-1", "--finger-dpi", "500", "--chip", str(folder / "chip"), "--access", chip.access]
    for option, data in files.items():
        path = folder / option.removeprefix("--")
        path.write_bytes(data)
        arguments += [option, str(path)]
    return arguments
