"""The `egate` command: one subcommand per module of `egate.commands`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

import egate
from egate.errors import EgateError

# Imported one by one on use: `egate officer` must not wait for models and onnxruntime.
COMMANDS = {
    "serve": "serve",
    "check": "serve",
    "demo": "demo",
    "models": "models",
    "verify": "verify",
    "bench": "bench",
    "journal": "journal",
    "officer": "officer",
    "pki": "pki",
    "document": "document",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 a negative answer or a named error, 2 wrong usage."""
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(prog="egate", description=egate.__doc__)
    parser.add_argument("--version", action="version", version=egate.__version__)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((word for word in words if not word.startswith("-")), "")
    for module in dict.fromkeys([COMMANDS[wanted]] if wanted in COMMANDS else COMMANDS.values()):
        importlib.import_module(f"egate.commands.{module}").register(subparsers)
    arguments = parser.parse_args(words)
    try:
        return int(arguments.run(arguments))
    except EgateError as error:
        print(f"egate: {error.code}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
