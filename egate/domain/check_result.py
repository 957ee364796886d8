"""Result values of a check, in the words of BSI TR-03135-1."""

from __future__ import annotations

from enum import StrEnum


class CheckResult(StrEnum):
    """Only PASS satisfies a mandatory check. Members are journal format: never rename one."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNDETERMINED = "UNDETERMINED"
    NOT_PERFORMED = "NOT_PERFORMED"
    ABORTED = "ABORTED"
