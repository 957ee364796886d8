"""JSON lines to standard error; `lane` and `crossing` as keys. Never images, templates, MRZ data or keys."""

from __future__ import annotations

import logging
import sys
from traceback import extract_tb
from types import TracebackType

import structlog
from structlog.typing import EventDict

FRAMES_MAX = 12  # chosen: from a lane's turn down to the line
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(level: str) -> None:
    """level: debug, info, warning or error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_its_words,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def _exception_without_its_words(_logger: object, _method: str, event: EventDict) -> EventDict:
    """exc_info becomes the exception's type and where it was raised; its text may hold what a document says."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = given[1]
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, BaseException):
        event["error"], event["at"] = type(error).__name__, _frames(error.__traceback__)
    return event


def _frames(traceback: TracebackType | None) -> list[str]:
    return [f"{frame.name}:{frame.lineno}" for frame in extract_tb(traceback)[-FRAMES_MAX:]]


class _Formatter(logging.Formatter):
    """The same for libraries that log by the standard library."""

    def formatException(
        self, ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
    ) -> str:
        return "" if ei[0] is None else f"{ei[0].__name__} {' '.join(_frames(ei[2]))}"
