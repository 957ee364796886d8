"""A finger: its position and its impressions, in whatever form the matcher wants them (templates, or prepared ones)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from egate.domain.biometric import FingerTemplate
from egate.domain.finger import FINGERS_MAX, IMPRESSIONS_MAX, SIDE_IMPRESSIONS_MAX, FingerPosition, finger_position
from egate.errors import TemplateError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Finger(Generic[T]):
    """Impressions of one finger. Raises ValueError without any, TemplateError with code FINGER_IMPRESSIONS beyond IMPRESSIONS_MAX."""

    position: FingerPosition
    impressions: tuple[T, ...]

    def __post_init__(self) -> None:
        if not self.impressions:
            raise ValueError("a finger without impressions")
        if len(self.impressions) > IMPRESSIONS_MAX:
            raise TemplateError(f"more than {IMPRESSIONS_MAX} impressions of one finger", code="FINGER_IMPRESSIONS")

    def __repr__(self) -> str:
        return f"Finger(position={int(self.position)}, impressions={len(self.impressions)}, redacted)"


def fingers_of(templates: Sequence[FingerTemplate], prepare: Callable[[FingerTemplate], T]) -> tuple[Finger[T], ...]:
    """Templates by position, in the order of first appearance; those of unknown position are a finger each.

    Whoever knows that impressions of unknown position are of one finger makes the Finger himself. Raises TemplateError with code
    FINGER_POSITION, FINGER_POSITION_SLAP, FINGER_IMPRESSIONS or FINGER_COUNT before anything is prepared.
    """
    fingers = by_position(templates)
    check(fingers)
    return tuple(Finger(one.position, tuple(prepare(template) for template in one.impressions)) for one in fingers)


def by_position(templates: Sequence[FingerTemplate]) -> list[Finger[FingerTemplate]]:
    """As fingers_of, nothing prepared, and not more of a side's impressions looked at than ten fingers may have."""
    found: list[tuple[FingerPosition, list[FingerTemplate]]] = []
    for template in templates:
        position = finger_position(template.position)
        mine = [impressions for at, impressions in found if at is position and at is not FingerPosition.UNKNOWN]
        if mine:
            mine[0].append(template)
        else:
            found.append((position, [template]))
        if len(found) > FINGERS_MAX:
            raise TemplateError(f"more than {FINGERS_MAX} fingers of one person", code="FINGER_COUNT")
        if mine and len(mine[0]) > IMPRESSIONS_MAX:
            break  # the Finger refuses
    return [Finger(position, tuple(impressions)) for position, impressions in found]


def check(fingers: Sequence[Finger[T]]) -> None:
    """Raises TemplateError with code FINGER_COUNT beyond FINGERS_MAX, FINGER_IMPRESSIONS beyond SIDE_IMPRESSIONS_MAX of all together,
    ValueError if a known position is there twice."""
    if len(fingers) > FINGERS_MAX:
        raise TemplateError(f"more than {FINGERS_MAX} fingers of one person", code="FINGER_COUNT")
    if sum(len(finger.impressions) for finger in fingers) > SIDE_IMPRESSIONS_MAX:
        raise TemplateError(f"more than {SIDE_IMPRESSIONS_MAX} impressions of one person", code="FINGER_IMPRESSIONS")
    known = [finger.position for finger in fingers if finger.position is not FingerPosition.UNKNOWN]
    if len(set(known)) != len(known):
        raise ValueError("a finger position is there twice")
