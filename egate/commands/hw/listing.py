"""`egate hw list`: serial ports, installed protocols, links."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hw.link.opener import links
from hw.ports import LATENCY_MS_WANTED, SerialPort, may_open, serial_ports
from hw.registry import installed
from hw.url import SIMULATED_LINKS


def register(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser("list", help="serial ports, and the protocols and links that are installed")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    show(Console(), Path("/"), as_json=arguments.json)
    return 0


def show(console: Console, root: Path, *, as_json: bool) -> None:
    """root: what /sys and /dev lie under."""
    if as_json:
        found = {
            "ports": [asdict(port) | {"may_open": _permitted(port, root)} for port in serial_ports(root)],
            "protocols": [asdict(item) for item in installed()],
            "links": [{"link": link, "simulated": link in SIMULATED_LINKS} for link in links()],
        }
        print(json.dumps(found))
        return
    for table in _tables(root):
        console.print(table)


def _tables(root: Path) -> Iterator[Table]:
    ports = Table("port", "names to use in URLs", "driver", "USB", "latency", "may open", title="serial ports")
    for port in serial_ports(root):
        ports.add_row(
            port.path,
            Text("\n".join(port.names)),
            port.driver,
            Text(f"{port.usb_id} {port.product}".strip()),
            _latency(port),
            "yes" if _permitted(port, root) else Text("no", style="red"),
        )
    yield ports
    protocols = Table("protocol", "roles", "package", title="devices")
    for item in installed():
        protocols.add_row(item.protocol, ", ".join(item.roles), item.package)
    yield protocols
    table = Table("link", "what is behind it", title="links")
    for link in links():
        table.add_row(link, Text("simulated", style="yellow") if link in SIMULATED_LINKS else "a device")
    yield table


def _latency(port: SerialPort) -> Text:
    if port.latency_ms is None:
        return Text()
    slow = port.latency_ms > LATENCY_MS_WANTED
    return Text(f"{port.latency_ms} ms", style="yellow" if slow else "green")


def _permitted(port: SerialPort, root: Path) -> bool:
    return may_open(root / port.path.lstrip("/"))
