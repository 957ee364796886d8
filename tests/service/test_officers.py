"""Logins and tokens: over the wire where the wire matters, else with a virtual clock and a real journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from egate.api.v1 import lane_service_pb2 as lane_pb
from egate.api.v1 import lane_service_pb2_grpc as lane_grpc
from egate.api.v1 import officer_service_pb2 as pb
from egate.api.v1 import officer_service_pb2_grpc as pb_grpc
from egate.errors import ConfigurationError, EgateError, JournalError
from egate.journal.canonical import decode
from egate.journal.store import SqliteJournal
from egate.service import officer_file, password
from egate.service.errors import Unauthenticated
from egate.service.identity import Identity, Role
from egate.service.officer_file import OfficerFile, add_officer, parse_officers
from egate.service.officers import Officers
from tests.service.site import PASSWORD, TIMEOUT_S, Site, VirtualClock, cheap_hash, reason_of

DESK_1 = Identity(Role.CONSOLE, "1", b"1" * 32)
DESK_2 = Identity(Role.CONSOLE, "2", b"2" * 32)
SECURE = lane_pb.SecureLaneRequest(request_id="r-1", lane="lane-1", hold=True, reason="dog in the lane")
RELEASE = lane_pb.ReleaseLaneRequest(request_id="r-2", lane="lane-1", reason="wheelchair")
U = grpc.StatusCode.UNAUTHENTICATED


class Bench:
    def __init__(self, folder: Path, journal: SqliteJournal) -> None:
        self.path = folder / "officers.toml"
        for name in ("ada", "ben"):
            add_officer(self.path, name, cheap_hash(PASSWORD))
        self.clock = VirtualClock()
        self.journal = journal
        self.officers = Officers(OfficerFile(self.path), journal, self.clock, 900.0)

    async def code(self, identity: Identity = DESK_1, officer: str = "ada", word: str = "wrong password") -> str:
        try:
            await self.officers.login(identity, officer, word)
        except EgateError as error:
            return error.code
        return ""

    def token_code(self, token: str, identity: Identity = DESK_1) -> str:
        try:
            self.officers.officer(token, identity)
        except Unauthenticated as error:
            return error.code
        return ""


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with await SqliteJournal.open(tmp_path / "journal.db") as journal:
        yield Bench(tmp_path, journal)


async def bearer(site: Site, name: str, officer: str) -> tuple[tuple[str, str], ...]:
    request = pb.LoginRequest(officer=officer, password=PASSWORD)
    answer = await site.stub(pb_grpc.OfficerServiceStub, name).Login(request, timeout=TIMEOUT_S)
    return (("authorization", f"Bearer {answer.token}"),)


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        await asyncio.wait_for(call, TIMEOUT_S)
    return reason_of(caught.value)[:2]


async def test_an_officer_acts_through_a_console(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    stub = site.stub(lane_grpc.LaneServiceStub, "console-1")
    assert (await stub.SecureLane(SECURE, metadata=token, timeout=TIMEOUT_S)).confirmed
    assert (await stub.ReleaseLane(RELEASE, metadata=token, timeout=TIMEOUT_S)).crossing_id == "f" * 32
    assert site.lane.secured == [("ada", "console/1 ada", True, "dog in the lane")]
    assert site.lane.released == [("ada", "console/1 ada", "wheelchair")]


async def test_a_console_certificate_alone_changes_nothing(site: Site) -> None:
    stub = site.stub(lane_grpc.LaneServiceStub, "console-1")
    assert await refused(stub.SecureLane(SECURE)) == (U, "TOKEN_MISSING")
    for value in ("", "Bearer ", "Bearer x", "Basic YTpi", "bearer x"):
        code, _ = await refused(stub.ReleaseLane(RELEASE, metadata=(("authorization", value),)))
        assert code == U
    assert not site.lane.secured and not site.lane.released


async def test_two_tokens_are_none(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    stub = site.stub(lane_grpc.LaneServiceStub, "console-1")
    assert await refused(stub.SecureLane(SECURE, metadata=(*token, *token))) == (U, "TOKEN_MISSING")


async def test_an_expired_token_is_refused(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    stub = site.stub(lane_grpc.LaneServiceStub, "console-1")
    site.clock.advance(899.9)
    await stub.SecureLane(SECURE, metadata=token, timeout=TIMEOUT_S)
    site.clock.advance(0.2)
    assert await refused(stub.SecureLane(SECURE, metadata=token)) == (U, "TOKEN_INVALID")


async def test_a_token_works_from_its_own_certificate_only(site: Site) -> None:
    token = await bearer(site, "console-1", "demo")
    for name in ("console-2", "officer-demo"):
        stub = site.stub(lane_grpc.LaneServiceStub, name)
        assert await refused(stub.ReleaseLane(RELEASE, metadata=token)) == (U, "TOKEN_INVALID")
    assert not site.lane.released


async def test_an_officers_certificate_logs_in_that_officer_only(site: Site) -> None:
    await bearer(site, "officer-demo", "demo")
    stub = site.stub(pb_grpc.OfficerServiceStub, "officer-demo")
    other = stub.Login(pb.LoginRequest(officer="ada", password=PASSWORD))
    assert await refused(other) == (grpc.StatusCode.PERMISSION_DENIED, "OFFICER_MISMATCH")


async def test_an_officers_certificate_alone_changes_nothing(site: Site) -> None:
    stub = site.stub(lane_grpc.LaneServiceStub, "officer-demo")
    assert await refused(stub.ReleaseLane(RELEASE)) == (U, "TOKEN_MISSING")


async def test_logout_ends_the_token(site: Site) -> None:
    token = await bearer(site, "console-1", "ada")
    stub = site.stub(pb_grpc.OfficerServiceStub, "console-1")
    await stub.Logout(pb.LogoutRequest(), metadata=token, timeout=TIMEOUT_S)
    assert await refused(stub.Logout(pb.LogoutRequest(), metadata=token)) == (U, "TOKEN_INVALID")


@pytest.mark.parametrize("word", ["", "x" * 257])
async def test_a_password_has_limits(site: Site, word: str) -> None:
    call = site.stub(pb_grpc.OfficerServiceStub, "console-1").Login(pb.LoginRequest(officer="ada", password=word))
    assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")


async def test_wrong_passwords_and_unknown_officers_look_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: nobody learns who is an officer. The work is counted instead of timed: same parameters, same number of hashes."""
    text = bench.path.read_text() + f'\n[[officer]]\nid = "eve"\npassword = "{cheap_hash(PASSWORD)}"\ndisabled = true\n'
    bench.path.write_text(text)
    work: list[tuple[int, int, int]] = []
    derive = password._derive

    def counted(word: str, log2_n: int, r: int, p: int, salt: bytes) -> bytes:
        work.append((log2_n, r, p))
        return derive(word, log2_n, r, p, salt)

    monkeypatch.setattr(password, "_derive", counted)
    codes = [await bench.code(DESK_1, officer, PASSWORD) for officer in ("nobody", "eve")]
    codes.append(await bench.code(DESK_1, "ada", "wrong password"))
    assert codes == ["LOGIN_FAILED"] * 3
    assert work == [(12, 8, 1)] * 3


async def test_five_failures_then_one_in_thirty_seconds(bench: Bench) -> None:
    assert [await bench.code() for _ in range(6)] == ["LOGIN_FAILED"] * 5 + ["LOGIN_RATE"]
    assert await bench.code(word=PASSWORD) == "LOGIN_RATE", "the right password does not help a locked desk"
    assert await bench.code(DESK_2, word=PASSWORD) == "", "another desk is not locked by this one"
    bench.clock.advance(30.1)
    assert await bench.code(word=PASSWORD) == ""


async def test_one_desk_may_not_try_every_officer(bench: Bench) -> None:
    codes = [await bench.code(DESK_1, f"officer-{number}") for number in range(21)]
    assert codes == ["LOGIN_FAILED"] * 20 + ["LOGIN_RATE"]


async def test_attempts_at_once_count_like_attempts_in_turn(bench: Bench) -> None:
    codes = await asyncio.gather(*(bench.code() for _ in range(12)))
    assert sorted(codes) == ["LOGIN_FAILED"] * 5 + ["LOGIN_RATE"] * 7


async def test_successful_logins_are_not_limited(bench: Bench) -> None:
    assert {await bench.code(word=PASSWORD) for _ in range(30)} == {""}


async def test_a_disabled_officer_loses_the_token_at_once(bench: Bench) -> None:
    token = (await bench.officers.login(DESK_1, "ada", PASSWORD)).token
    assert bench.token_code(token) == ""
    bench.path.write_text(bench.path.read_text().replace("[[officer]]", "[[officer]]\ndisabled = true"))
    assert bench.token_code(token) == "TOKEN_INVALID"


async def test_another_password_ends_the_token(bench: Bench) -> None:
    token = (await bench.officers.login(DESK_1, "ada", PASSWORD)).token
    bench.path.unlink()
    add_officer(bench.path, "ada", cheap_hash("another password!"))
    assert bench.token_code(token) == "TOKEN_INVALID"


async def test_a_broken_officers_file_makes_nobody_an_officer(bench: Bench) -> None:
    token = (await bench.officers.login(DESK_1, "ada", PASSWORD)).token
    bench.path.write_text("[[officer]]\nid = 3\n")
    assert bench.token_code(token) == "TOKEN_INVALID"
    assert await bench.code(word=PASSWORD) == "LOGIN_FAILED"


async def test_logins_are_recorded_without_password_or_token(bench: Bench) -> None:
    await bench.code()
    await bench.code(officer="secret typed here")
    login = await bench.officers.login(DESK_1, "ada", PASSWORD)
    await bench.officers.logout(login.token, DESK_1)
    entries = await bench.journal.entries()
    bodies = [decode(entry.body) for entry in entries]
    assert [body["event"] for body in bodies] == ["LOGIN_FAILED", "LOGIN_FAILED", "LOGIN", "LOGOUT"]
    assert [body["officer"] for body in bodies] == ["ada", "", "ada", "ada"]
    assert {entry.kind for entry in entries} == {"OFFICER"}
    assert not any(secret in str(bodies) for secret in (PASSWORD, login.token, "secret typed"))


async def test_no_record_no_token(bench: Bench) -> None:
    await bench.journal.close()
    with pytest.raises(JournalError):
        await bench.officers.login(DESK_1, "ada", PASSWORD)
    assert not bench.officers._sessions


async def test_secrets_have_no_repr(bench: Bench) -> None:
    login = await bench.officers.login(DESK_1, "ada", PASSWORD)
    hashed = cheap_hash(PASSWORD)
    assert login.token not in repr(login)
    assert str(hashed) not in repr(hashed)
    assert str(hashed) not in repr(parse_officers(bench.path.read_text()))


@pytest.mark.parametrize(
    "text",
    [
        "officer = 3",
        "[[officer]]\nid = 'a'",
        "[[officer]]\nid = 'a'\npassword = 'x'",
        "[[officer]]\nid = 'a b'\npassword = 'H'",
        "[[officer]]\nid = 'a'\npassword = 'H'\nadmin = true",
        "[[officer]]\nid = 'a'\npassword = 'H'\ndisabled = 'no'",
        "[[officer]]\nid = 'a'\npassword = 'H'\n[[officer]]\nid = 'a'\npassword = 'H'",
        "[officers]\n",
        "\x00",
    ],
)
def test_the_officers_file_is_read_strictly(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_officers(text.replace("H", str(cheap_hash(PASSWORD))))


@pytest.mark.parametrize(
    "text", ["", "scrypt$4$8$1$AAAA$AAAA", "bcrypt$16$8$1$AAAA$AAAA", "scrypt$30$8$1$AAAA$AAAA", "scrypt$x$8$1$?$?"]
)
def test_weak_or_unreadable_hashes_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        password.parse_password_hash(text)


def test_a_weak_cost_with_a_proper_key_is_refused() -> None:
    weak = password.PasswordHash(8, 8, 1, b"s" * 16, b"k" * 32)
    with pytest.raises(ConfigurationError):
        password.parse_password_hash(str(weak))


def test_a_hash_survives_the_file_and_tells_passwords_apart() -> None:
    hashed = password.parse_password_hash(str(password.hash_password(PASSWORD)))
    assert hashed.matches(PASSWORD)
    assert not hashed.matches(PASSWORD + " ")


def test_scrypt_is_rfc_7914() -> None:
    # RFC 7914, section 12, third vector: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1, 64)
    key = password._derive("pleaseletmein", 14, 8, 1, b"SodiumChloride")
    assert key.hex() == "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"


def test_short_passwords_are_refused() -> None:
    with pytest.raises(ConfigurationError):
        password.hash_password("too short")


def test_an_officer_is_added_once_into_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "officers.toml"
    add_officer(path, "ada", cheap_hash(PASSWORD))
    with pytest.raises(ConfigurationError):
        add_officer(path, "ada", cheap_hash(PASSWORD))
    assert path.stat().st_mode & 0o777 == 0o600
    assert set(officer_file.parse_officers(path.read_text())) == {"ada"}
