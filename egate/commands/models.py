"""egate models install | list | verify."""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from egate.errors import ModelError
from egate.inference.weights.install import install, is_installed
from egate.inference.weights.manifest import Model, Sample
from egate.inference.weights.store import ModelStore


def register(subparsers: Any) -> None:
    parser = subparsers.add_parser("models", help="install, list and verify the models")
    actions = parser.add_subparsers(dest="action", required=True)
    for name, text in (
        ("install", "fetch, convert and verify what is missing"),
        ("list", "show the models and where they come from"),
        ("verify", "hash every installed file; exit 1 if one is missing or differs"),
    ):
        action = actions.add_parser(name, help=text)
        add_models_option(action)
    parser.set_defaults(run=run)


def add_models_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", metavar="DIR", help="models folder (default: EGATE_MODELS, or models/ of the project)"
    )


def run(arguments: argparse.Namespace) -> int:
    store = ModelStore(arguments.models)
    console = Console()
    if arguments.action == "install":
        return _install(store, console)
    if arguments.action == "list":
        return _list(store, console)
    return _verify(store, console)


def _install(store: ModelStore, console: Console) -> int:
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


def _list(store: ModelStore, console: Console) -> int:
    table = Table("id", "role", "licence", "artefact", "installed")
    for model in store.manifest.models.values():
        state = "yes" if is_installed(store, model) else "no"
        source = store.manifest.artefacts[model.artefact].requirement
        table.add_row(model.id, model.role, model.licence, source, state)
    for calibration in store.manifest.calibrations.values():
        table.add_row(calibration.id, f"calibration of {', '.join(calibration.models)}", "", "", "yes")
    console.print(table)
    return 0


def _verify(store: ModelStore, console: Console) -> int:
    failures: list[str] = []
    entries: list[Model | Sample] = [*store.manifest.models.values(), *store.manifest.samples.values()]
    for entry in entries:
        try:
            store.read(entry)
        except ModelError as error:
            failures.append(str(error))
    for id in store.manifest.calibrations:
        try:
            store.calibration(id)
        except ModelError as error:
            failures.append(str(error))
    for failure in failures:
        console.print(failure, style="red", markup=False)
    if not failures:
        console.print("every model, calibration and sample is as the manifest says")
    return 1 if failures else 0
