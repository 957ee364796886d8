"""What seeds are made of: files of the simulated issuer with keys of this process, and the specimen set where the corpus is there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path

from egate.document.encoding.tlv import element
from egate.document.lds.structure import write_dg1
from egate.document.pki.trust import TrustAnchor, TrustStore
from hw.sim.pki import SimulatedState
from hw.sim.security_object_writer import group_hashes, write_sod

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TODAY = NOW.date()
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
CORPUS = Path(os.environ.get("EGATE_CORPUS") or Path(__file__).parents[2] / ".." / "shared" / "corpus") / "documents"
_SEED_SIZE_MAX = 20_000  # larger samples only make the search slow


def entropy(size: int) -> bytes:
    """Bytes that look random and are always the same."""
    return hashlib.shake_128(size.to_bytes(4, "big")).digest(size)


def stream(label: bytes) -> Callable[[int], bytes]:
    """A source of entropy that gives other bytes at each call, and the same ones in the same order each time it is made."""
    calls = count()
    return lambda size: hashlib.shake_128(label + next(calls).to_bytes(4, "big")).digest(size)


def specimen(*names: str) -> list[bytes]:
    """Files of the BSI reference data set by name, e.g. "DG11"; none where the corpus is absent or the file is large."""
    paths = [CORPUS / "lds_tsemrtd" / f"EF_{name}.bin" for name in names]
    return [path.read_bytes() for path in paths if path.is_file() and path.stat().st_size <= _SEED_SIZE_MAX]


def published(pattern: str, count: int) -> list[bytes]:
    """The first files of the corpus that match."""
    return [path.read_bytes() for path in sorted(CORPUS.glob(pattern))[:count] if path.stat().st_size <= _SEED_SIZE_MAX]


@cache
def state() -> SimulatedState:
    return SimulatedState(NOW)


@cache
def files() -> dict[str, bytes]:
    """A document's data groups and EF.SOD, signed by a signer of the state."""
    groups = {"dg1": write_dg1(TD3), "dg2": element(0x75, b"no portrait")}
    sod = write_sod(group_hashes(groups, "sha256"), state().issue_signer(NOW))
    return {**groups, "sod": sod}


@cache
def store() -> TrustStore:
    """Trusts the state."""
    from egate.document.pki.certificate import parse_certificate

    return TrustStore(anchors=tuple(TrustAnchor(parse_certificate(each)) for each in state().anchors()), updated_at=NOW)
