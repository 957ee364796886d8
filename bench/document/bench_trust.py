"""How much of the published German master list can be used, and how long does a trust store of its size take?

Budget: list signature verifies; >= 98 % of its certificates load with a usable key; self-signatures of >= 97 % of the self-signed ones
verify; no flipped bit passes; a store of 600 certificates loads in 0.5 s; a look-up is nothing beside the 10 ms of passive
authentication.
Estimate before measuring, one thread: parsing a certificate 0.2 ms (60 elements at 3 us), hash and file 0.05 ms: 0.15 s for 588; opening
the list 5 ms (0.9 MB copied some six times, hashed once, two signatures); a look-up two dictionary reads, below 10 us.

    python -m bench.document.bench_trust [--flips] [--keep]      # --flips: every bit outside the list's content, about two minutes
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from bench.stats import commit, host, write_baseline
from egate.document.pki.certificate import Certificate, is_signed_by, parse_certificate
from egate.document.pki.master_list import MasterList, parse_master_list
from egate.document.pki.signed_list import SignedList, open_signed_list, require_signer
from egate.errors import DocumentError
from egate.trust.store import import_files, load_trust_store

CORPUS = Path(os.environ.get("EGATE_CORPUS", Path(__file__).resolve().parents[2].parent / "shared" / "corpus"))
NOW = datetime(2026, 6, 1, tzinfo=UTC)  # four days after the list was signed
LIST, PIN = "DE_ML_2026-05-28-08-28-45.ml", "DE_ROOT_CA_CSCA07.cer"
REPEATS, LOOKUPS, SAMPLED_FLIPS = 5, 1000, 200


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", action="store_true")
    parser.add_argument("--keep", action="store_true", help="write bench/baseline/trust.json")
    arguments = parser.parse_args()
    folder = CORPUS / "documents" / "pki"
    data, pin = (folder / LIST).read_bytes(), parse_certificate((folder / PIN).read_bytes())
    signed = open_signed_list(data)
    require_signer(signed, [pin], NOW)
    members = parse_master_list(signed.content)
    report = {
        "commit": commit(),
        "host": host(),
        "list": LIST,
        "signed_at": signed.signed_at.isoformat(),
        **usable(members),
        **flips(data, signed, pin, every=arguments.flips),
        **times(folder, data, members),
    }
    for key, value in report.items():
        print(f"{key:34} {value}")
    for one in (*members.unusable, *members.doubtful):
        print(f"{one.sha256[:12]}  {one.reason}: {one.detail}  {one.subject}")
    if arguments.keep:
        write_baseline("trust.json", report)
    return 0


def usable(members: MasterList) -> dict[str, object]:
    own = [one for one in members.usable if one.self_issued and one.authority_key_id in (None, one.subject_key_id)]
    links = [one for one in members.usable if one not in own]
    keys: dict[bytes | None, list[Certificate]] = {}
    for one in members.usable:
        keys.setdefault(one.subject_key_id, []).append(one)
    listed = [one for one in links if one.authority_key_id in keys]
    return {
        "certificates": len(members.usable) + len(members.unusable),
        "usable": len(members.usable),
        "unusable": dict(Counter(one.reason for one in members.unusable)),
        "states": len({one.country for one in members.usable}),
        "keys": dict(Counter(type(one.public_key).__name__ for one in members.usable)),
        "self_signed": len(own),
        "self_signatures_verified": sum(_signed(one, [one]) for one in own),
        "links": len(links),
        "links_of_listed_issuers": len(listed),
        "links_verified": sum(_signed(one, keys[one.authority_key_id]) for one in listed),
    }


def flips(data: bytes, signed: SignedList, pin: Certificate, *, every: bool) -> dict[str, object]:
    """Bits changed one at a time, and how many of the changes passed (must be none)."""
    generator = random.Random(20260528)
    start = data.index(signed.content)
    structure = [*range(start + 8), *range(start + len(signed.content), len(data))]
    places = [(generator.randrange(len(data)), generator.randrange(8)) for _ in range(SAMPLED_FLIPS)]
    if every:
        places += [(position, bit) for position in structure for bit in range(8)]
    passed = sum(_passes(data, position, bit, pin) for position, bit in places)
    return {"structure_octets": len(structure), "bits_flipped": len(places), "flips_passed": passed}


def times(folder: Path, data: bytes, members: MasterList) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch)
        taken = _ms(lambda: import_files(store, [folder / PIN], [folder / LIST], NOW), 1)
        loaded = _ms(lambda: load_trust_store(store), REPEATS)
        trust = load_trust_store(store)
    one = members.usable[0]
    trust.issuers(one)  # makes the indexes
    return {
        "open_list_ms": round(_ms(lambda: open_signed_list(data), REPEATS), 2),
        "parse_certificates_ms": round(
            _ms(lambda: [parse_certificate(each.der) for each in members.usable], REPEATS), 1
        ),
        "import_ms": round(taken, 1),
        "load_ms": round(loaded, 1),
        "issuers_us": round(_ms(lambda: trust.issuers(one), LOOKUPS) * 1000, 1),
        "revocation_us": round(_ms(lambda: trust.revocation(one, one, NOW), LOOKUPS) * 1000, 1),
    }


def _ms(work: Callable[[], object], repeats: int) -> float:
    """The shortest, in milliseconds of processor time: what the machine does besides counts for nothing."""
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best * 1000


def _signed(certificate: Certificate, issuers: Iterable[Certificate]) -> bool:
    for issuer in issuers:
        try:
            if is_signed_by(certificate, issuer):
                return True
        except DocumentError:
            continue
    return False


def _passes(data: bytes, position: int, bit: int, pin: Certificate) -> bool:
    flipped = bytearray(data)
    flipped[position] ^= 1 << bit
    try:
        require_signer(open_signed_list(bytes(flipped)), [pin], NOW)
    except DocumentError:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
