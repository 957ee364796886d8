"""`egate bench`: accuracy and latency."""

from __future__ import annotations

import argparse

from egate.commands import accuracy, bench_morph, bench_pad, bench_quality, latency


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("bench", help="measure accuracy and latency")
    kinds = parser.add_subparsers(dest="bench", required=True)
    accuracy.register(kinds)
    latency.register(kinds)
    bench_morph.register(kinds)
    bench_pad.register(kinds)
    bench_quality.register(kinds)
