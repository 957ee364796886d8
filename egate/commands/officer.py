"""`egate officer`: the manual lane's work on a terminal, and the officers' file."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path

from google.protobuf.json_format import MessageToJson
from rich.console import Console

from egate.api.v1 import values_pb2
from egate.console import show
from egate.console.connection import Connection, ConsoleError, resolve_connection
from egate.console.desk import Desk
from egate.console.login import LoginFile
from egate.console.texts import Texts, languages, load_texts

RESOLUTIONS = ("admitted", "refused", "forwarded", "no-show")
Action = Callable[[argparse.Namespace, Desk, Texts, Console], int]


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    officer = subparsers.add_parser("officer", help="the manual lane: cases and lanes")
    actions = officer.add_subparsers(dest="action", required=True)
    _register_login(actions)
    _register_cases(actions)
    _register_lanes(actions)
    _register_file(actions)


def _register_login(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    login = _client(actions, "login", "log in; the token is kept for the following commands")
    login.add_argument("officer")
    login.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    login.set_defaults(run=run_login)
    _client(actions, "logout", "end the login").set_defaults(run=run_logout)


def _register_cases(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    cases = _client(actions, "cases", "unresolved cases")
    cases.add_argument("--resolved", action="store_true", help="the resolved ones instead")
    cases.add_argument("--watch", action="store_true", help="go on with each change until interrupted")
    cases.add_argument("--json", action="store_true", help="one JSON object a line")
    cases.set_defaults(run=_at_desk(run_cases))
    shown = _client(actions, "show", "a case with scores, reasons and document data")
    shown.add_argument("case", help="id, or its first characters")
    shown.add_argument("--save", type=Path, metavar="DIR", help="write the images there")
    shown.add_argument("--json", action="store_true", help="as JSON, without the images")
    shown.set_defaults(run=_at_desk(run_show))
    claim = _client(actions, "claim", "make a case yours for a while")
    claim.add_argument("case", help="id, or its first characters")
    claim.set_defaults(run=_at_desk(run_claim))
    resolve = _client(actions, "resolve", "end your case; its images are destroyed")
    resolve.add_argument("case", help="id, or its first characters")
    resolve.add_argument("resolution", choices=RESOLUTIONS)
    resolve.add_argument("--reason", required=True)
    resolve.set_defaults(run=_at_desk(run_resolve))


def _register_lanes(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (
        ("hold", "secure a lane and take it out of service"),
        ("secure", "secure a lane now; ends a hold"),
        ("release", "release a lane's exit for a traveller, by your own decision"),
    ):
        action = _client(actions, name, text)
        action.add_argument("lane")
        action.add_argument("--reason", required=name == "release", default="")
        action.set_defaults(run=_at_desk(run_release if name == "release" else run_secure))


def _register_file(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    add = actions.add_parser("add", help="add an officer to the daemon's officers' file")
    add.add_argument("officer")
    add.add_argument("--file", type=Path, required=True)
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add.set_defaults(run=run_add)
    hashing = actions.add_parser("hash-password", help="print the hash of a password, for the officers' file")
    hashing.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    hashing.set_defaults(run=run_hash_password)


def _client(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text)
    group = parser.add_argument_group("connection", "or EGATE_SERVER, EGATE_CA_FILE, … or a TOML file with these keys")
    group.add_argument("--server", metavar="HOST:PORT")
    group.add_argument("--ca", dest="ca_file", metavar="PEM", help="the daemon's authority")
    group.add_argument("--cert", dest="certificate_file", metavar="PEM", help="of this console or officer")
    group.add_argument("--key", dest="key_file", metavar="PEM")
    group.add_argument("--state-dir", metavar="DIR", help="where the login is kept (default: the XDG state folder)")
    group.add_argument("--config", type=Path, metavar="TOML")
    group.add_argument("--language", choices=languages())
    return parser


def _connection(arguments: argparse.Namespace) -> Connection:
    keys = ("server", "ca_file", "certificate_file", "key_file", "state_dir", "language")
    return resolve_connection({key: getattr(arguments, key) for key in keys}, arguments.config, os.environ)


def _at_desk(action: Action) -> Callable[[argparse.Namespace], int]:
    """The action with a logged-in desk; what the daemon refuses is said in the officer's language."""

    def run(arguments: argparse.Namespace) -> int:
        connection = _connection(arguments)
        texts = load_texts(connection.language)
        with _translated(texts):
            login = LoginFile(connection).load()
            with connection.open() as channel:
                return action(arguments, Desk(channel, login), texts, Console())

    return run


class _translated:
    """A refusal with a text in the officer's language keeps its code and gets that text."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ConsoleError) and (text := self._texts("error", error.code)) != error.code:
            raise ConsoleError(text, code=error.code) from None


def run_login(arguments: argparse.Namespace) -> int:
    connection = _connection(arguments)
    texts = load_texts(connection.language)
    with _translated(texts), connection.open() as channel:
        login = Desk(channel).login(arguments.officer, _password(arguments.password_stdin))
    LoginFile(connection).save(login)
    print(f"{texts('label', 'logged_in')} {login.expires_at.astimezone():%H:%M:%S}")
    return 0


def run_logout(arguments: argparse.Namespace) -> int:
    connection = _connection(arguments)
    file, texts = LoginFile(connection), load_texts(connection.language)
    with _translated(texts):
        login = file.load()
        file.forget()  # also if the daemon can't be told: the token then ends by its time
        with connection.open() as channel:
            Desk(channel, login).logout()
    print(texts("label", "logged_out"))
    return 0


def run_cases(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    cases = desk.watch() if arguments.watch else desk.cases(resolved=arguments.resolved)
    if arguments.json:
        for case in cases:
            print(MessageToJson(case, indent=None), flush=True)
    elif arguments.watch:
        for case in cases:
            console.print(show.case_line(case, texts))
    else:
        found = list(cases)
        console.print(show.case_table(found, texts) if found else texts("label", "no_cases"))
    return 0


def run_show(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    answer = desk.show(desk.find(arguments.case))
    saved = show.save_images(answer, arguments.save) if arguments.save else []
    if arguments.json:
        answer.dossier.ClearField("images")
        print(MessageToJson(answer, indent=None))
    else:
        console.print(show.case_view(answer, texts, saved))
    return 0


def run_claim(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    case = desk.claim(desk.find(arguments.case))
    until = case.claim_expires_at.ToJsonString()
    console.print(f"{texts('label', 'claimed')} {until}")
    return 0


def run_resolve(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    resolution = arguments.resolution.replace("-", "_").upper()
    desk.resolve(desk.find(arguments.case), resolution, arguments.reason)
    console.print(texts("label", "resolved"))
    return 0


def run_secure(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    """Exit status 1 if the lock did not confirm: a script must not take that for secured."""
    hold = arguments.action == "hold"
    confirmed = desk.secure(arguments.lane, arguments.reason, hold=hold)
    console.print(texts("label", ("held" if hold else "secured") if confirmed else "secure_unconfirmed"))
    return 0 if confirmed else 1


def run_release(arguments: argparse.Namespace, desk: Desk, texts: Texts, console: Console) -> int:
    """Exit status 1 unless the lock acknowledged."""
    answer = desk.release(arguments.lane, arguments.reason)
    name = values_pb2.Release.Name(answer.release).removeprefix("RELEASE_")
    console.print(texts("release", name))
    return 0 if answer.release == values_pb2.RELEASE_ACKNOWLEDGED else 1


def run_add(arguments: argparse.Namespace) -> int:
    from egate.service.officer_file import add_officer
    from egate.service.password import hash_password

    add_officer(arguments.file, arguments.officer, hash_password(_new_password(arguments.password_stdin)))
    print(f"officer {arguments.officer} added to {arguments.file}")
    return 0


def run_hash_password(arguments: argparse.Namespace) -> int:
    from egate.service.password import hash_password

    print(hash_password(_new_password(arguments.password_stdin)))
    return 0


def _password(from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else getpass.getpass()


def _new_password(from_stdin: bool) -> str:
    password = _password(from_stdin)
    if not from_stdin and getpass.getpass("Again: ") != password:
        raise ConsoleError("the two passwords differ", code="PASSWORD")
    return password
