"""`egate bench`: accuracy, identification and latency."""

from __future__ import annotations

import argparse

from egate.commands.bench import accuracy, identify, latency
from egate.commands.bench import morph as bench_morph
from egate.commands.bench import pad as bench_pad
from egate.commands.bench import quality as bench_quality


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("bench", help="measure accuracy and latency")
    kinds = parser.add_subparsers(dest="bench", required=True)
    accuracy.register(kinds)
    identify.register(kinds)
    latency.register(kinds)
    bench_morph.register(kinds)
    bench_pad.register(kinds)
    bench_quality.register(kinds)
