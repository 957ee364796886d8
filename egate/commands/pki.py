"""`egate pki`: a development certificate authority."""

from __future__ import annotations

import argparse
from pathlib import Path

from egate.service import pki
from egate.service.identity import Role

TRUST_DOMAIN = "egate.example"  # .example is never anybody's, RFC 2606
LANES_MAX = 64


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("pki", help="make a development CA and certificates")
    actions = parser.add_subparsers(dest="action", required=True)
    init = actions.add_parser("init", help="development CA, server and caller certificates; never for production")
    init.add_argument("--dir", type=Path, required=True)
    init.add_argument("--lanes", type=int, default=2, metavar="N", help="gates gate/1 to gate/N (default 2)")
    init.add_argument("--officer", action="append", metavar="ID", help="an officer's own certificate; repeatable")
    init.add_argument("--trust-domain", default=TRUST_DOMAIN)
    init.set_defaults(run=run_init)
    revoke = actions.add_parser("revoke", help="add a certificate to the revocation list")
    revoke.add_argument("certificate", type=Path)
    revoke.add_argument("--dir", type=Path, help="of the CA (default: the certificate's)")
    revoke.set_defaults(run=run_revoke)


def run_init(arguments: argparse.Namespace) -> int:
    if not 1 <= arguments.lanes <= LANES_MAX:
        print(f"--lanes: 1 to {LANES_MAX}")
        return 2
    paths = pki.init(arguments.dir, arguments.trust_domain, callers(arguments.lanes, arguments.officer or ["demo"]))
    print(f"{len(paths)} files in {arguments.dir}: a development CA, which egate refuses outside the demo environment")
    return 0


def run_revoke(arguments: argparse.Namespace) -> int:
    count = pki.revoke(arguments.dir or arguments.certificate.parent, arguments.certificate)
    print(f"revoked; the list names {count}")
    return 0


def callers(lanes: int, officers: list[str]) -> list[tuple[Role, str]]:
    """Gates 1 to lanes, a console, the officers, an engineer, a matcher and an enroller."""
    gates = [(Role.GATE, str(number)) for number in range(1, lanes + 1)]
    desks = [(Role.CONSOLE, "1"), *((Role.OFFICER, officer) for officer in dict.fromkeys(officers))]
    return [*gates, *desks, (Role.ENGINEER, "1"), (Role.MATCHER, "1"), (Role.ENROLLER, "1")]
