"""A trust store of a test, and the files imported into it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from egate.trust.report import ImportReport
from egate.trust.store import import_files, load_trust_store
from tests.trust.authority import NOW, Party


class Site:
    """A store and a folder of files to import."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def take(
        self, *files: bytes, pins: Sequence[Party] = (), now: datetime = NOW, allow_older: bool = False
    ) -> ImportReport:
        paths = [self.file(f"file{index}", data) for index, data in enumerate(files)]
        csca_files = [self.file(f"pin{index}", pin.pem) for index, pin in enumerate(pins)]
        return import_files(self.store, csca_files, paths, now, allow_older=allow_older)

    @property
    def anchors(self) -> set[bytes]:
        return {anchor.certificate.der for anchor in load_trust_store(self.store).anchors}


def codes(report: ImportReport) -> list[str]:
    return [item.code for item in report.items]
