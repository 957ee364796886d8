"""`egate document`: travel documents from files, readers and images, and whom to trust for them. One module per action."""

from __future__ import annotations

import argparse

from egate.commands.document import mrz as document_mrz
from egate.commands.document import read as document_read
from egate.commands.document import seal as document_seal
from egate.commands.document import trust as document_trust
from egate.commands.document import verify as document_verify

# Each module's register(actions) adds its parser and sets `run`.
ACTIONS = (document_verify, document_trust, document_mrz, document_read, document_seal)


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "document", help="verify a travel document, read its chip or its MRZ, keep the trust store"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action in ACTIONS:
        action.register(actions)
