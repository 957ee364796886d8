"""`egate calibrate`: what an engine's scores mean, measured over a data set, put where the engine is loaded from."""

from __future__ import annotations

import argparse

from egate.commands.calibrate import face as calibrate_face
from egate.commands.calibrate import pad as calibrate_pad


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("calibrate", help="measure what an engine's scores mean, so that it can be used")
    kinds = parser.add_subparsers(dest="calibrate", required=True)
    calibrate_face.register(kinds)
    calibrate_pad.register(kinds)
