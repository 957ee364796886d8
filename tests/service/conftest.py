"""Certificates, made once; one fresh service for each test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from egate.commands.pki import callers
from egate.service import pki
from egate.service.identity import Role
from tests.service.site import TRUST_DOMAIN, Site, running

ODD_NAMES: dict[str, list[x509.GeneralName]] = {
    "dns-role": [x509.DNSName(f"spiffe://{TRUST_DOMAIN}/gate/1")],
    "dns-and-engineer": [
        x509.DNSName(f"spiffe://{TRUST_DOMAIN}/gate/1"),
        x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/engineer/2"),
    ],
    "two-uris": [
        x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/gate/1"),
        x509.UniformResourceIdentifier(f"spiffe://{TRUST_DOMAIN}/officer/demo"),
    ],
    "other-domain": [x509.UniformResourceIdentifier("spiffe://elsewhere.example/gate/1")],
    "no-names": [],
}


@pytest.fixture(scope="session")
def all_certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.init(folder, TRUST_DOMAIN, [*callers(2, ["demo"]), (Role.CONSOLE, "2")])
    authority, now = pki.load_authority(folder), datetime.now(UTC)
    for name, names in ODD_NAMES.items():
        pki._write_pair(folder / name, *pki.issue(authority, name, names, ExtendedKeyUsageOID.CLIENT_AUTH, now))
    return folder


@pytest.fixture
def certificates(all_certificates: Path, tmp_path: Path) -> Path:
    """A copy of its own: tests revoke."""
    return Path(shutil.copytree(all_certificates, tmp_path / "pki"))


@pytest.fixture
async def site(certificates: Path, tmp_path: Path) -> AsyncIterator[Site]:
    async with running(tmp_path, certificates) as site:
        yield site


@pytest.fixture
async def narrow_site(certificates: Path, tmp_path: Path) -> AsyncIterator[Site]:
    """One call per caller at a time, so that `idle` can tell when a call that was hung up has ended."""
    async with running(tmp_path, certificates, rpcs_per_caller_max=1) as site:
        yield site
