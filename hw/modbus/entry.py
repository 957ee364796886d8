"""One table of a TOML map, taken apart strictly: every error names the table and the key."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, TypeVar

from egate.errors import ConfigurationError

TEXT_CHARACTERS_MAX = 80  # chosen: a line of a table of devices

_E = TypeVar("_E", bound=StrEnum)


class Entry:
    """Raises ConfigurationError if a required key is missing or one is there that is neither required nor optional."""

    def __init__(self, content: Any, where: str, required: Iterable[str], optional: Iterable[str] = ()) -> None:
        self._where = where
        if not isinstance(content, dict):
            raise self.error("not a table")
        needed = set(required)
        missing, unknown = needed - content.keys(), content.keys() - needed - set(optional)
        if missing:
            raise self.error(f"{', '.join(sorted(missing))} missing")
        if unknown:
            raise self.error(f"{', '.join(sorted(unknown))} unknown")
        self._content: dict[str, Any] = content

    def __contains__(self, key: str) -> bool:
        return key in self._content

    def table(self, key: str, required: Iterable[str], optional: Iterable[str] = ()) -> Entry:
        return Entry(self._content[key], f"{self._where}: {key}", required, optional)

    def tables(self, key: str, count_max: int, required: set[str], optional: set[str]) -> list[Entry]:
        """A list of tables; absent: none."""
        content = self._content.get(key, [])
        if not isinstance(content, list) or len(content) > count_max:
            raise self.error(f"{key} is not a list of up to {count_max} tables")
        return [Entry(one, f"{self._where}: {key} {number}", required, optional) for number, one in enumerate(content)]

    def text(self, key: str) -> str:
        value = self._content[key]
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_CHARACTERS_MAX or not value.isprintable():
            raise self.error(f"{key} is not a line of up to {TEXT_CHARACTERS_MAX} characters")
        return value

    def integer(self, key: str, minimum: int, maximum: int, default: int | None = None) -> int:
        return self._checked(key, self._content.get(key, default), minimum, maximum)

    def integers(self, key: str, maximum: int) -> tuple[int, ...]:
        content = self._content.get(key, [])
        if not isinstance(content, list):
            raise self.error(f"{key} is not a list")
        return tuple(self._checked(key, value, 0, maximum) for value in content)

    def seconds(self, key: str, minimum: float, maximum: float) -> float:
        value = self._content[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not minimum <= value <= maximum:
            raise self.error(f"{key} is not a number from {minimum:g} to {maximum:g}")  # NaN is none, either
        return float(value)

    def flag(self, key: str) -> bool:
        value = self._content.get(key, False)
        if not isinstance(value, bool):
            raise self.error(f"{key} is neither true nor false")
        return value

    def choice(self, key: str, members: type[_E]) -> _E:
        value = self._content[key]
        if not isinstance(value, str) or value not in list(members):
            raise self.error(f"{key} is none of {', '.join(members)}")
        return members(value)

    def error(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self._where}: {what}")

    def _checked(self, key: str, value: Any, minimum: int, maximum: int) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not minimum <= value <= maximum:
            raise self.error(f"{key} is not an integer from {minimum} to {maximum}")
        return value
