"""`python -m tests.end_to_end.daemon --config FILE`: the whole daemon with recorded evidence at its verifier port."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from egate import app
from egate.settings import read_settings
from egate.telemetry.logging import configure
from tests.end_to_end.evidence import RecordedEvidence

PROGRAM = ("tests.end_to_end.daemon",)


async def _serve(config: Path) -> None:
    settings = read_settings(config)
    configure(settings.log_level)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with app.daemon(settings, config.parent, verifiers=RecordedEvidence) as running:
        print(f"serving on port {running.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    uvloop.run(_serve(parser.parse_args().config.resolve()))
    sys.exit(0)
