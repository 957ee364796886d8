"""`egate bench latency`."""

from __future__ import annotations

import argparse
from typing import Any


def register(bench_subparsers: Any) -> None:
    parser = bench_subparsers.add_parser("latency", help="crossings over gRPC on simulated lanes")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    raise NotImplementedError
