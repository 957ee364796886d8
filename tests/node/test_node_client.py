"""A client that shares no code with the daemon: Node, from the .proto files."""

from __future__ import annotations

import asyncio
from pathlib import Path

from egate.domain.biometric import EncodedFinger
from tests.node.client import TIMEOUT_S, needs_node, run_client
from tests.service.lane_double import ADMIT, REFER
from tests.service.site import Site, picture

pytestmark = needs_node


def files(folder: Path) -> list[str]:
    face, finger, zone = folder / "face.png", folder / "finger.png", folder / "mrz.txt"
    face.write_bytes(picture(64))
    finger.write_bytes(picture(65))
    zone.write_text("LINE ONE\nLINE TWO\n")
    document = ["--session", "s-1", "--mrz", str(zone), "--portrait", str(face), "--document-finger", str(finger)]
    return ["--face", str(face), "--finger", str(finger), "--finger-dpi", "500", *document]


async def test_a_traveller_is_admitted(site: Site, tmp_path: Path) -> None:
    arguments = ["--lane", "lane-1", "--request-id", "r-1", *files(tmp_path)]
    client = asyncio.ensure_future(run_client(f"localhost:{site.service.port}", site.pki, "gate-1", *arguments))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    await asyncio.wait_for(site.lane.last.received.wait(), TIMEOUT_S)
    site.lane.last.decide(ADMIT)
    status, answer = await client
    assert (status, answer["decision"]["verdict"], answer["release"]) == (0, "VERDICT_ADMIT", "RELEASE_ACKNOWLEDGED")
    assert answer["decision"]["notPerformed"] == ["PASSIVE_AUTHENTICATION", "LISTS"]
    handle = site.lane.last
    assert (handle.faces, handle.fingers) == ([picture(64)], [EncodedFinger(picture(65), 0, 500.0)])
    assert handle.documents[0].mrz_lines == ("LINE ONE", "LINE TWO")


async def test_a_traveller_is_referred(site: Site, tmp_path: Path) -> None:
    arguments = ["--lane", "lane-1", "--request-id", "r-1", *files(tmp_path)]
    client = asyncio.ensure_future(run_client(f"localhost:{site.service.port}", site.pki, "gate-1", *arguments))
    await asyncio.wait_for(site.lane.started.wait(), TIMEOUT_S)
    site.lane.last.decide(REFER)
    status, answer = await client
    assert (status, answer["release"], answer["caseId"]) == (1, "RELEASE_NONE", "c" * 32)


async def test_another_gates_lane_is_refused_with_its_reason(site: Site, tmp_path: Path) -> None:
    arguments = ["--lane", "lane-2", "--request-id", "r-1", *files(tmp_path)]
    status, answer = await run_client(f"localhost:{site.service.port}", site.pki, "gate-1", *arguments)
    assert (status, answer["code"], answer["reason"]) == (3, "PERMISSION_DENIED", "LANE_DENIED")
