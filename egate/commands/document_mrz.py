"""`egate document mrz`: the machine readable zone from an image."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from egate.commands.models import add_models_option
from egate.domain.evidence import CheckResult
from egate.errors import EgateError, ImageError
from egate.inference.image import decode
from egate.inference.mrz_image import MrzImage, read_mrz_image
from egate.inference.mrz_tesseract import TESSDATA_VARIABLE, find_tesseract
from egate.inference.mrz_text import load_text_reader
from egate.inference.store import ModelStore

EXIT_PASS, EXIT_OTHER, EXIT_ERROR = 0, 1, 2
FILE_BYTES_MAX = 64 * 1024 * 1024  # chosen: a page at 1200 dpi as PNG


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("mrz", help="read the MRZ of an image; exit 0 PASS, 1 otherwise, 2 error")
    parser.add_argument("image", type=Path, metavar="IMAGE", help="JPEG, PNG or JPEG 2000")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument(
        "--tessdata",
        type=Path,
        metavar="DIR",
        help=f"folder with mrz.traineddata for the second reader (default: {TESSDATA_VARIABLE}); without it no PASS",
    )
    add_models_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    try:
        image = decode(_content(arguments.image))
        second = find_tesseract(arguments.tessdata)
        first = load_text_reader(ModelStore(arguments.models))
        reading = read_mrz_image(image, first, second, date.today())
    except EgateError as error:
        if arguments.json:
            print(json.dumps({"error": error.code, "message": str(error)}))
        else:
            Console(stderr=True).print(f"{error.code}: {error}", style="red", markup=False)
        return EXIT_ERROR
    report = to_json(reading)
    if arguments.json:
        print(json.dumps(report))
    else:
        _show(report)
    return EXIT_PASS if reading.verdict is CheckResult.PASS else EXIT_OTHER


def to_json(reading: MrzImage) -> dict[str, Any]:
    return {
        "verdict": reading.verdict.value,
        "lines": list(reading.lines),
        "checks": {
            name: {"verdict": check.result.value, "reasons": list(check.reasons), "detail": check.detail}
            for name, check in reading.checks.items()
        },
    }


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise ImageError("image file is too long", code="IMAGE_SIZE")
        return path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot read {path.name}: {error.strerror}", code="IMAGE_FILE") from None


def _show(report: Mapping[str, Any]) -> None:
    console = Console()
    for line in report["lines"]:
        console.print(line, markup=False, highlight=False)
    table = Table("check", "verdict", "reasons", "detail")
    for name, check in report["checks"].items():
        table.add_row(name, check["verdict"], " ".join(check["reasons"]), check["detail"])
    console.print(table)
    console.print(f"verdict {report['verdict']}")
