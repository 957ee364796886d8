"""`egate document mrz`: the machine readable zone from an image."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from egate.commands.answer import check_json, checks_table, status_of, with_named_errors
from egate.commands.input_file import read_image
from egate.commands.models import add_models_option

if TYPE_CHECKING:
    from egate.inference.mrz.page import MrzImage

TESSDATA_VARIABLE = "EGATE_TESSDATA"  # of egate.inference.mrz.tesseract


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("mrz", help="read the MRZ of an image; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="JPEG, PNG, JPEG 2000, WSQ or PGM")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument(
        "--tessdata",
        type=Path,
        metavar="DIR",
        help=f"folder with mrz.traineddata for the second reader (default: {TESSDATA_VARIABLE}); without it no PASS",
    )
    add_models_option(parser)
    parser.set_defaults(run=run)


@with_named_errors
def run(arguments: argparse.Namespace) -> int:
    # Models and kernels take longer to import than the other actions of `egate document` to run.
    from egate.inference.image.decoder import decode_page
    from egate.inference.mrz.page import read_mrz_image
    from egate.inference.mrz.tesseract import find_tesseract
    from egate.inference.mrz.text import load_text_reader
    from egate.inference.weights.store import ModelStore

    image = decode_page(read_image(arguments.image))
    second = find_tesseract(arguments.tessdata)
    first = load_text_reader(ModelStore(arguments.models))
    reading = read_mrz_image(image, first, second, date.today())
    report = to_json(reading)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return status_of(reading.verdict)


def to_json(reading: MrzImage) -> dict[str, Any]:
    return {
        "verdict": reading.verdict.value,
        "lines": list(reading.lines),
        "checks": {name: check_json(check) for name, check in reading.checks.items()},
    }


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    for line in report["lines"]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    console.print(checks_table(report["checks"]))
    console.print(f"verdict {report['verdict']}")
