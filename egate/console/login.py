"""The officer's login, kept between two commands in a file only its owner can read."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from egate.console.connection import Connection, ConsoleError


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    officer: str
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Login(officer={self.officer!r}, redacted)"


class LoginFile:
    """One file per daemon and certificate: a token is worth nothing elsewhere."""

    def __init__(self, connection: Connection) -> None:
        scope = f"{connection.server}\0{connection.certificate_file.resolve()}"
        self._path = connection.state_dir / f"login-{hashlib.sha256(scope.encode()).hexdigest()[:16]}.json"

    @property
    def path(self) -> Path:
        return self._path

    def load(self, now: datetime | None = None) -> Login:
        """Raises ConsoleError NOT_LOGGED_IN if there is none or it has expired."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            login = Login(told["officer"], told["token"], datetime.fromisoformat(told["expires_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            raise _not_logged_in() from None
        if not (now or datetime.now(UTC)) < login.expires_at:
            self.forget()
            raise _not_logged_in()
        return login

    def save(self, login: Login) -> None:
        told = {"officer": login.officer, "token": login.token, "expires_at": login.expires_at.isoformat()}
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(told, file)
        draft.replace(self._path)

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


def _not_logged_in() -> ConsoleError:
    return ConsoleError("log in first: egate officer login OFFICER", code="NOT_LOGGED_IN")
