"""Subcommands of `egate`: each module has register(subparsers) and a run function returning the exit status."""
