"""Runs client.mjs."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PROTO = HERE.parent.parent / "proto"
NODE = shutil.which("node")
TIMEOUT_S = 60.0

needs_node = pytest.mark.skipif(
    NODE is None or not (HERE / "node_modules/@grpc/grpc-js").is_dir(),
    reason="node or its modules are absent (npm ci --prefix tests/node)",
)


async def run_client(server: str, pki: Path, certificate: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and what it printed. pki: folder with ca.pem and the certificate's .pem and .key."""
    assert NODE is not None
    command = [NODE, str(HERE / "client.mjs"), "--proto", str(PROTO), "--server", server]
    command += ["--ca", str(pki / "ca.pem")]
    command += ["--cert", str(pki / f"{certificate}.pem"), "--key", str(pki / f"{certificate}.key"), *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        output, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, json.loads(output)
