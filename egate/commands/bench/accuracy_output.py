"""What `egate bench accuracy` writes, and whether it can be written before minutes are spent on measuring."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from egate.commands.bench.face_trials import Progress
from egate.commands.bench.plots import require_matplotlib
from egate.errors import ConfigurationError
from egate.matching.rates.calibration import Calibration, format_calibration


def check_outputs(arguments: argparse.Namespace) -> None:
    """Makes the folder of the plots. Raises ConfigurationError if a folder is missing or plots cannot be drawn."""
    for path in (arguments.json, arguments.calibration):
        if path and not path.parent.is_dir():
            raise ConfigurationError(f"cannot write {path.name}: its folder does not exist")
    if arguments.plots:
        require_matplotlib()
        try:
            arguments.plots.mkdir(exist_ok=True)
        except OSError:
            raise ConfigurationError(f"cannot make the folder {arguments.plots.name}") from None


def progress(what: str) -> Progress:
    """A bar on standard error."""
    console = Console(stderr=True)

    def shown(items: Sequence[Any]) -> Iterable[Any]:
        return track(items, description=what, console=console)

    return shown


def write_report(path: Path, report: Mapping[str, object]) -> None:
    text = json.dumps(report, indent=2, allow_nan=False) + "\n"
    try:
        path.write_text(text, encoding="utf-8")
    except OSError:
        raise ConfigurationError(f"cannot write {path.name}") from None


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Prints the SHA-256 that the manifest needs."""
    text = format_calibration(calibration)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError:
        raise ConfigurationError(f"cannot write {path.name}") from None
    print(f"{path.name}: sha256 = {hashlib.sha256(text.encode()).hexdigest()}")
