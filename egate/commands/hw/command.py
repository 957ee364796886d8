"""`egate hw`: the devices of a gate at this machine, one by one. No action releases a lock."""

from __future__ import annotations

import argparse
from pathlib import Path

from egate.commands.hw import key, listing, probe, trace, watch
from egate.domain.device import DeviceRole


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser("hw", help="look at ports and devices; no action releases a lock")
    actions = parser.add_subparsers(dest="action", required=True)
    listing.register(actions)
    for module in (probe, watch, trace):
        action = module.register(actions)
        roles = ", ".join(DeviceRole)
        action.add_argument("--role", choices=list(DeviceRole), metavar="ROLE", help=f"what the device is: {roles}")
        add_base_option(action)
    add_base_option(key.register(actions))


def add_base_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--base",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="folder that file: references in URLs start from (default: here)",
    )
