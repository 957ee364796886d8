"""One table of a scenario, taken apart strictly: every error names the table and the key."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

from egate.errors import ConfigurationError

TEXT_CHARACTERS_MAX = 1024  # chosen: a boarding pass of four legs has some 600
LIST_COUNT_MAX = 64

_E = TypeVar("_E", bound=StrEnum)


class Entry:
    """Raises ConfigurationError if content is no table, a required key is missing, or one is neither required nor optional."""

    def __init__(self, content: Any, where: str, required: Collection[str], optional: Collection[str] = ()) -> None:
        self._where = where
        if not isinstance(content, dict):
            raise self.error("not a table")
        missing, unknown = set(required) - content.keys(), content.keys() - {*required, *optional}
        if missing:
            raise self.error(f"{', '.join(sorted(missing))} missing")
        if unknown:
            raise self.error(f"{', '.join(sorted(unknown))} unknown")
        self._content: dict[str, Any] = content

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def table(self, key: str, optional: Collection[str]) -> Entry:
        """Absent: an empty one."""
        return Entry(self._content.get(key, {}), f"{self._where}: {key}", (), optional)

    def tables(self, key: str, count_max: int, required: Collection[str], optional: Collection[str]) -> list[Entry]:
        """Absent: none."""
        content = self._content.get(key, [])
        if not isinstance(content, list) or len(content) > count_max:
            raise self.error(f"{key} is not a list of up to {count_max} tables")
        return [
            Entry(one, f"{self._where}: {key} {number}", required, optional) for number, one in enumerate(content, 1)
        ]

    def text(self, key: str, default: str = "") -> str:
        value = self._content.get(key, default)
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARACTERS_MAX or not value.isprintable():
            raise self.error(f"{key} is not a line of up to {TEXT_CHARACTERS_MAX} characters")
        return value

    def texts(self, key: str, default: Collection[str]) -> tuple[str, ...]:
        value = self._content.get(key, list(default))
        if not isinstance(value, list) or len(value) > LIST_COUNT_MAX or not all(isinstance(one, str) for one in value):
            raise self.error(f"{key} is not a list of up to {LIST_COUNT_MAX} texts")
        return tuple(value)

    def integer(self, key: str, minimum: int, maximum: int, default: int) -> int:
        value = self._content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise self.error(f"{key} is not an integer from {minimum} to {maximum}")
        return value

    def number(self, key: str, minimum: float, maximum: float, default: float = math.nan) -> float:
        value = self._content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            raise self.error(f"{key} is not a number from {minimum:g} to {maximum:g}")  # NaN is none, either
        return float(value)

    def numbers(self, key: str) -> Mapping[str, float | int | bool]:
        """A table of numbers and truth values by name; absent: empty."""
        value = self._content.get(key, {})
        if not isinstance(value, dict) or not all(
            isinstance(one, bool | int | float) and math.isfinite(one) for one in value.values()
        ):
            raise self.error(f"{key} is not a table of numbers")
        return value

    def flag(self, key: str, default: bool) -> bool:
        value = self._content.get(key, default)
        if not isinstance(value, bool):
            raise self.error(f"{key} is neither true nor false")
        return value

    def choice(self, key: str, members: type[_E], default: _E | None = None) -> _E:
        return members(self.one_of(key, list(members), "" if default is None else default))

    def one_of(self, key: str, names: Collection[str], default: str = "") -> str:
        value = self._content.get(key, default)
        if not isinstance(value, str) or value not in names:
            raise self.error(f"{key} is none of {', '.join(names)}")
        return value

    def error(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._where}: {what}")
