"""What all of `egate calibrate` asks and tells about the engine."""

from __future__ import annotations

import argparse

from egate.inference.weights.engine_entry import is_shipped
from egate.inference.weights.manifest import CalibrationFile
from egate.inference.weights.store import ModelStore


def add_engine_options(parser: argparse.ArgumentParser, models: str) -> None:
    """models: what the engine consists of, for the help."""
    parser.add_argument("--id", required=True, help="the engine: one that there is, or a new one")
    parser.add_argument(
        "--engine-models",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="ID,ID[,…]",
        help=f"{models}; may be left out where the engine exists",
    )


def tell_hash(store: ModelStore, calibrated: CalibrationFile) -> None:
    """Where the calibration stands now, and what is left to do."""
    print(f"{calibrated.id}/calibration.csv: sha256 = {calibrated.sha256}")
    shipped = is_shipped(store, calibrated.id)
    print(
        "this hash belongs into the manifest" if shipped else f"engine {calibrated.id} can be used: it is in local.toml"
    )
