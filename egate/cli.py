"""The `egate` command: one subcommand per module of `egate.commands`."""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
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
    "bench": "bench.command",
    "calibrate": "calibrate.command",
    "journal": "journal",
    "officer": "officer",
    "pki": "pki",
    "document": "document.command",
    "hw": "hw.command",
}
EXIT_ERROR, EXIT_INTERRUPTED, EXIT_BROKEN_PIPE = 1, 130, 141  # the latter two as shells count signals
# What writing alone runs into. Any other OSError that gets here is a fault of ours: its traceback says where.
_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit status: 0 done, 1 a negative answer or a named error, 2 wrong usage; 130 interrupted, 141 nobody reads.

    `egate document …` and `egate verify` tell a negative answer, 1, from an error, 2.
    """
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without our letters still gets every line
        try:
            return _run(list(sys.argv[1:] if argv is None else argv))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can be told, not at the interpreter's end
    except BrokenPipeError:
        _discard_output()
        return EXIT_BROKEN_PIPE
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # rich's tables end so, with status 1
            return EXIT_BROKEN_PIPE
        raise
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        _discard_output()
        print(f"egate: OUTPUT: {error.strerror}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(words: Sequence[str]) -> int:
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
        return EXIT_ERROR


def _discard_output() -> None:
    """What is still buffered would fail once more, at the interpreter's end and with a traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
