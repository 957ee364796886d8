"""Texts for officers, by language: `<language>.toml`, one table per kind of code.

A code that a table does not know is shown as it is: a console must not fail on a newer daemon's reason.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib import resources

DEFAULT = "en"
Tables = Mapping[str, Mapping[str, str]]


class Texts:
    def __init__(self, tables: Tables, fallback: Tables) -> None:
        self._tables = tables
        self._fallback = fallback

    def __call__(self, kind: str, code: str) -> str:
        """The text of a code; kind is the table, e.g. "reason"."""
        for tables in (self._tables, self._fallback):
            if code in tables.get(kind, {}):
                return tables[kind][code]
        return code


def languages() -> list[str]:
    return sorted(
        file.name.removesuffix(".toml") for file in resources.files(__name__).iterdir() if file.name.endswith(".toml")
    )


def read_tables(language: str) -> Tables:
    return tomllib.loads((resources.files(__name__) / f"{language}.toml").read_text(encoding="utf-8"))


def load_texts(language: str) -> Texts:
    """The language's texts; English for one that is not there."""
    english = read_tables(DEFAULT)
    return Texts(read_tables(language) if language in languages() else english, english)
