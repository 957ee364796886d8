"""`egate hw key`: gives an OSDP device a new secure channel key."""

from __future__ import annotations

import argparse
from pathlib import Path

from egate.errors import ConfigurationError
from hw.url import parse


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    parser = actions.add_parser("key", help="give an OSDP device a new key and write it to the file its URL names")
    parser.add_argument("url", metavar="URL")
    parser.add_argument(
        "--from-install-key",
        action="store_true",
        help="the device still has the public install key; it becomes a device with a key of its own",
    )
    parser.set_defaults(run=run)
    return parser


def run(arguments: argparse.Namespace) -> int:
    url = parse(arguments.url)
    if url.protocol != "osdp":
        raise ConfigurationError(f"devices of protocol {url.protocol} have no key that can be changed from here")
    from hw.osdp.rotate import Step, rotate_key  # here: it loads libosdp, which no other action needs

    def tell(step: Step) -> None:
        print(step.value, flush=True)

    report = rotate_key(url, Path(arguments.base), from_install_key=arguments.from_install_key, on_step=tell)
    print(f"address {report.address} at {url.target} has a new key; it is in {report.path}")
    print("no other device has this key: one whose URL names the same file does not open any more")
    return 0
