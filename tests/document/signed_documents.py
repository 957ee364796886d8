"""Documents with a real EF.SOD for the tests of passive authentication: the simulated issuer's writer, or any key at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from egate.document.encoding.tlv import element
from egate.document.lds.structure import DATA_GROUP_TAGS, write_dg1, write_ef_com
from egate.document.pki.certificate import parse_certificate
from egate.document.pki.crl import parse_crl
from egate.document.pki.trust import TrustAnchor, TrustedCrl, TrustStore
from hw.sim.pki import SimulatedState
from hw.sim.pki_certificate import Authority
from hw.sim.security_object_writer import group_hashes, write_sod

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
UTOPIAN = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
FRENCH = (UTOPIAN[0].replace("UTO", "FRA"), UTOPIAN[1].replace("UTO", "FRA"))


def data_groups(lines: Sequence[str] = UTOPIAN, numbers: Sequence[int] = (2, 14)) -> dict[str, bytes]:
    """DG1 with these lines, and others whose content means nothing."""
    others = {
        f"dg{number}": element(DATA_GROUP_TAGS[number], f"content of {number}".encode() * 9) for number in numbers
    }
    return {"dg1": write_dg1(lines)} | others


def signed(
    groups: Mapping[str, bytes],
    signer: Authority,
    *,
    hash_name: str = "sha256",
    lds_version: str = "0107",
    signing_time: datetime | None = None,
    by_key_id: bool = False,
    embedded: bool = True,
) -> dict[str, bytes]:
    """The files of a chip: these data groups, EF.COM and EF.SOD."""
    hashes = group_hashes(groups, hash_name)
    sod = write_sod(
        hashes,
        signer,
        hash_name=hash_name,
        lds_version=lds_version,
        signing_time=signing_time,
        by_key_id=by_key_id,
        embedded=embedded,
    )
    com = write_ef_com(sorted(hashes)).replace(b"0107", lds_version.encode())
    return dict(groups) | {"com": com, "sod": sod}


def store_of(*states: SimulatedState, crls: Sequence[tuple[bytes, Authority]] = ()) -> TrustStore:
    anchors = tuple(TrustAnchor(parse_certificate(each)) for state in states for each in state.anchors())
    lists = tuple(TrustedCrl(parse_crl(crl), parse_certificate(signer.certificate)) for crl, signer in crls)
    return TrustStore(anchors=anchors, crls=lists, updated_at=NOW)
