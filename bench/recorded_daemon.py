"""A whole daemon whose verifiers replay recorded evidence: `python -m bench.recorded_daemon --config FILE [--marks FILE]`.

Stands outside the package on purpose: nothing that is installed at a border can be told to admit by replay. Refuses every site
whose devices are not simulated. With --marks it writes, when it ends, one JSON line per admitted crossing: seconds of the
monotonic clock at the last evidence, the decision, its durable record and the lock's acknowledgement.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

import uvloop

from bench.crossing_marks import CrossingMarks
from bench.recorded import RecordedVerifiers
from egate import app
from egate.errors import ConfigurationError
from egate.lane.runner import GateLane
from egate.settings import Settings, read_settings
from egate.telemetry.logging import configure
from hw.url import parse


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.recorded_daemon")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--marks", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    settings = read_settings(arguments.config)
    refuse_real_devices(settings)
    configure(settings.log_level)
    marks = CrossingMarks()
    uvloop.run(serve(settings, arguments.config.resolve().parent, marks))
    if arguments.marks:
        lines = [json.dumps(crossing) + "\n" for crossing in marks.crossings]
        arguments.marks.write_text("".join(lines), encoding="utf-8")
    return 0


def refuse_real_devices(settings: Settings) -> None:
    """Raises ConfigurationError."""
    urls = [url for lane in settings.lane for url in (lane.lock, lane.sensors, lane.document_reader) if url]
    if settings.environment != "demo" or not all(parse(url).simulated for url in urls):
        raise ConfigurationError("recorded evidence opens no real gate")


async def serve(settings: Settings, base: Path, marks: CrossingMarks) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)

    async with app.daemon(settings, base, verifiers=lambda own: RecordedVerifiers(own, marks.on_evidence)) as running:
        for lane in running.hall.lanes.values():
            assert isinstance(lane, GateLane)
            lane.on_change(marks.on_change)
        print(f"serving on port {running.port}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
