"""Officers' logins: password in, short-lived token out.

A token is a random text, kept here only as its hash, bound to the certificate it was given to. Nothing of it outlives
the process. An attempt is counted before the password is looked at, so that many at once can't outrun the limit.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from egate.domain.ids import OfficerId
from egate.errors import JournalError
from egate.ports import Clock, Journal, Record
from egate.service.errors import Denied, Exhausted, Unauthenticated
from egate.service.identity import Identity, Role
from egate.service.officer_file import Officer, OfficerFile
from egate.service.rate import RateLimit

TOKEN_BYTES = 32
SESSIONS_MAX = 1024  # tokens at once; far more than desks
ATTEMPTS_AT_DESK = 5  # failures of one officer at one desk, then one in 30 s; chosen
ATTEMPTS_OF_CALLER = 20  # failures at one desk whoever is named, then one in 10 s; chosen
HASHES_AT_ONCE = 1  # each takes 64 MiB and a core for 0.4 s, which lanes need more

_log = structlog.get_logger("egate.service.officers")


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return "Login(redacted)"


@dataclass(frozen=True, slots=True)
class _Session:
    officer: Officer
    fingerprint: bytes
    expires_s: float


class Officers:
    """Implements interceptor.Tokens. Owned by one event loop."""

    def __init__(self, file: OfficerFile, journal: Journal, clock: Clock, lifetime_s: float = 900.0) -> None:
        self._file = file
        self._journal = journal
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._at_desk = RateLimit(clock, 1 / 30, ATTEMPTS_AT_DESK)
        self._of_caller = RateLimit(clock, 1 / 10, ATTEMPTS_OF_CALLER)
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._sessions: dict[bytes, _Session] = {}

    async def login(self, identity: Identity, officer: str, password: str) -> Login:
        """Raises Exhausted LOGIN_RATE, Denied OFFICER_MISMATCH, Unauthenticated LOGIN_FAILED, JournalError.

        A login that can't be recorded gives no token.
        """
        if identity.role is Role.OFFICER and identity.id != officer:
            raise Denied("an officer's certificate logs in that officer only", code="OFFICER_MISMATCH")
        desk = (identity, officer)
        if not self._of_caller.take(identity) or not self._at_desk.take(desk):
            raise Exhausted("too many failed logins; wait", code="LOGIN_RATE")
        known = self._file.get(officer)
        expected = self._file.decoy() if known is None else known.password
        async with self._hashing:
            matches = await asyncio.to_thread(expected.matches, password)
        if known is None or not matches:
            await self._record_failure(identity, known)
            raise Unauthenticated("officer or password is wrong", code="LOGIN_FAILED")
        self._of_caller.give_back(identity)
        self._at_desk.give_back(desk)
        await self._record("LOGIN", identity, known.id)
        return self._open(known, identity)

    async def logout(self, token: str, identity: Identity) -> None:
        """Ends the token, then records it. Raises Unauthenticated, JournalError."""
        officer = self.officer(token, identity)
        del self._sessions[_digest(token)]
        await self._record("LOGOUT", identity, officer)

    def officer(self, token: str, identity: Identity) -> OfficerId:
        """Whose token it is. Raises Unauthenticated TOKEN_INVALID, the same for unknown, expired and foreign tokens."""
        digest = _digest(token)
        session = self._sessions.get(digest)
        if session is None or session.fingerprint != identity.fingerprint:
            raise _invalid()
        # Disabled meanwhile, or another password: the officer in the file is no longer the one who logged in.
        if not self._clock.monotonic() < session.expires_s or self._file.get(session.officer.id) != session.officer:
            del self._sessions[digest]
            raise _invalid()
        return session.officer.id

    def _open(self, officer: Officer, identity: Identity) -> Login:
        now = self._clock.monotonic()
        self._sessions = {digest: session for digest, session in self._sessions.items() if now < session.expires_s}
        if len(self._sessions) >= SESSIONS_MAX:
            raise Exhausted("too many officers are logged in", code="SESSIONS_FULL")
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._sessions[_digest(token)] = _Session(officer, identity.fingerprint, now + self._lifetime_s)
        return Login(token, self._clock.now() + timedelta(seconds=self._lifetime_s))

    async def _record_failure(self, identity: Identity, known: Officer | None) -> None:
        # An unknown name is not recorded: it may be a password typed into the wrong field.
        try:
            await self._record("LOGIN_FAILED", identity, known.id if known else OfficerId(""))
        except JournalError as error:
            _log.error("login_failure_not_recorded", reason=error.code)

    async def _record(self, event: str, identity: Identity, officer: OfficerId) -> None:
        body = {"event": event, "officer": officer, "caller": str(identity)}
        await self._journal.append([Record(kind="OFFICER", lane="", crossing="", body=body)])


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _invalid() -> Unauthenticated:
    return Unauthenticated("the officer's token is not valid", code="TOKEN_INVALID")
