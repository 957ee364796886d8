"""All targets by name, "module.target". One module per group of decoders; its first line states the invariant."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from tests.fuzz.target import Target

MODULES = (
    "zones",
    "apdus",
    "sessions",
    "groups",
    "security_objects",
    "inspections",
    "certificates",
    "lists",
    "card_verifiable",
    "security_infos",
    "chips",
    "reader_frames",
    "lines",
    "mrz_lines",
    "barcodes",
    "finger_sensor",
    "osdp_frames",
    "modbus_frames",
    "seals",
    "images",
    "finger_templates",
    "weights",
)
PLANTED = "planted"  # targets that fail on purpose; no campaign runs them unless named
# What atheris instruments: our decoders, not the libraries below them.
INSTRUMENTED = (
    "egate.document",
    "egate.trust",
    "egate.inference",
    "egate.matching.finger.format",
    "hw.emrtd",
    "hw.pn532",
    "hw.mrz",
    "hw.link",
    "hw.barcode",
    "hw.finger",
    "hw.osdp",
    "hw.modbus",
)
COMPILED = (  # numba compiles no instrumented code
    "egate.inference.image.wsq_kernel",
    "egate.inference.image.tiff_kernel",
    "egate.matching",
)
VECTORS = Path(__file__).with_name("vectors")


def load(name: str) -> Target:
    """Imports the target's module. Raises KeyError if there is no such target."""
    module, _, short = name.partition(".")
    if module not in (*MODULES, PLANTED):
        raise KeyError(name)
    return {target.name: target for target in targets_of(module)}[short]


def targets_of(module: str) -> tuple[Target, ...]:
    targets: tuple[Target, ...] = importlib.import_module(f"tests.fuzz.{module}").TARGETS
    return targets


def all_targets() -> dict[str, Target]:
    return {f"{module}.{target.name}": target for module in MODULES for target in targets_of(module)}


def vectors() -> list[tuple[str, Path]]:
    """Inputs that once failed, "<target>-<hash>.bin", with the target's name."""
    found = []
    for path in sorted(VECTORS.glob("*.bin")):
        match = re.fullmatch(r"([a-z0-9_]+\.[a-z0-9_]+)-[0-9a-f]{12}", path.stem)
        if match is None:
            raise ValueError(f"not the name of a vector: {path.name}")
        found.append((match[1], path))
    return found
