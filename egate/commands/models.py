"""egate models install | add | list | verify."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from egate.commands.input_file import read_regular
from egate.errors import ModelError
from egate.inference.weights.add import add_model, read_entry
from egate.inference.weights.install import install, is_installed
from egate.inference.weights.local import LOCAL_BYTES_MAX
from egate.inference.weights.manifest import FILE, NOT_CALIBRATED, CalibrationFile, Model, Sample
from egate.inference.weights.store import ModelStore

MODEL_BYTES_MAX = 512_000_000  # chosen: 128 million weights in float32, thirteen times the largest of the manifest
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|//|\\\\")  # a scheme or a share; no path of ours starts so


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("models", help="install, add, list and verify the models")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, run, text in (
        ("install", run_install, "fetch, convert and verify what is missing"),
        ("list", run_list, "show the models and engines and where they come from"),
        ("verify", run_verify, "hash every installed file; exit 1 if one is missing or differs"),
    ):
        action = actions.add_parser(name, help=text)
        add_models_option(action)
        action.set_defaults(run=run)
    adder = actions.add_parser("add", help="take in a model file of your own; unusable until it is calibrated")
    adder.add_argument("file", metavar="FILE", help="a local file; nothing is fetched")
    adder.add_argument("--sha256", required=True, metavar="HEX", help="what the file's SHA-256 must be")
    adder.add_argument(
        "--entry", type=Path, metavar="TOML", help="what the model is, where the manifest does not say it"
    )
    add_models_option(adder)
    adder.set_defaults(run=run_add)


def add_models_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", metavar="DIR", help="models folder (default: EGATE_MODELS, or models/ of the project)"
    )


def run_add(arguments: argparse.Namespace) -> int:
    if URL.match(arguments.file):
        raise ModelError("FILE is a local file: nothing is fetched", code="MODEL_FILE")
    store = ModelStore(arguments.models)
    entry = None
    if arguments.entry:
        entry = read_entry(_read(arguments.entry, LOCAL_BYTES_MAX, "MODEL_MANIFEST"), arguments.entry.name)
    data = _read(Path(arguments.file), MODEL_BYTES_MAX, "MODEL_FILE")
    model = add_model(store, data, arguments.sha256, entry)
    print(f"added: {model.id}, {model.role}")
    engines = [item.id for item in store.manifest.calibrations.values() if model.id in item.models and item.sha256]
    print(f"used by: {', '.join(engines)}" if engines else "no engine uses it yet: run `egate calibrate`")
    return 0


def run_install(arguments: argparse.Namespace) -> int:
    store, console = ModelStore(arguments.models), Console()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("verify models", total=None)
        installed = install(
            store, lambda what, done, total: progress.update(task, description=what, completed=done, total=total)
        )
        progress.update(task, description="models verified", total=1, completed=1, visible=bool(installed))
    console.print(f"installed: {', '.join(installed)}" if installed else "models: all installed and verified")
    return 0


def run_list(arguments: argparse.Namespace) -> int:
    store, console = ModelStore(arguments.models), Console()
    models = Table("model", "role", "licence", "source", "installed", "engines")
    for model in store.manifest.models.values():
        models.add_row(*map(Text, _model_row(store, model)))
    console.print(models)
    engines = Table("engine", "models", "where", "calibrated")
    for item in store.manifest.calibrations.values():
        where = "local" if item.id in store.local.calibrations else "shipped"
        engines.add_row(*map(Text, (item.id, ", ".join(item.models), where, _calibrated(store, item))))
    console.print(engines)
    return 0


def run_verify(arguments: argparse.Namespace) -> int:
    store, console = ModelStore(arguments.models), Console()
    failures: list[str] = []
    entries: list[Model | Sample | CalibrationFile] = [
        *(model for model in store.manifest.models.values() if not _is_left_out(store, model)),
        *store.manifest.samples.values(),
    ]
    for entry in entries:
        try:
            store.read(entry)
        except ModelError as error:
            failures.append(str(error))
    for item in store.manifest.calibrations.values():
        try:
            if item.sha256 != NOT_CALIBRATED:
                store.calibration_text(item.id)
        except ModelError as error:
            failures.append(str(error))
    for failure in failures:
        console.print(failure, style="red", markup=False)
    if not failures:
        console.print("every model, calibration and sample is as the manifest says")
    return 1 if failures else 0


def _model_row(store: ModelStore, model: Model) -> tuple[str, ...]:
    """Columns of the table of models."""
    brought = model.artefact == FILE
    where = "local" if model.id in store.local.models else "file"
    source = f"{where}: {model.member}" if brought else store.manifest.artefacts[model.artefact].requirement
    installed = "yes" if is_installed(store, model) else "no"
    if brought and installed == "no":
        installed = "damaged: egate models add" if store.place(model).exists() else "no: egate models add"
    engines = [item.id for item in store.manifest.calibrations.values() if model.id in item.models and item.sha256]
    needs_none = model.network is None and not brought  # a fixed part of the fingerprint, MRZ and face engines
    return (
        model.id,
        model.role,
        model.licence,
        source,
        installed,
        ", ".join(engines) or ("" if needs_none else "none yet"),
    )


def _calibrated(store: ModelStore, item: CalibrationFile) -> str:
    """yes, no, or why the calibration cannot be used."""
    if item.sha256 == NOT_CALIBRATED:
        return "no: egate calibrate"
    try:
        store.calibration_text(item.id)
    except ModelError as error:
        return error.code
    return "yes"


def _is_left_out(store: ModelStore, model: Model) -> bool:
    """True for a model that the user may bring and has not brought."""
    return model.artefact == FILE and not store.place(model).exists()


def _read(path: Path, size_max: int, code: str) -> bytes:
    """Raises ModelError with this code if the file cannot be read or is longer."""
    try:
        data = read_regular(path, size_max)
    except OSError as error:
        raise ModelError(f"cannot read {path.name}: {error.strerror}", code=code) from None
    if len(data) > size_max:
        raise ModelError(f"{path.name} is longer than {size_max} bytes", code=code)
    return data
