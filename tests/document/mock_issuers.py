"""The mock issuers of the corpus (selfxyz/self, MIT): one per folder, named hash_scheme_parameters, all under one CSCA name."""

from __future__ import annotations

import functools
from pathlib import Path

from asn1crypto import pem, x509

from hw.sim.issuer import Issuer
from tests.document.corpus import ROOT, corpus_file

FOLDER = "mock_pki"
COUNT = 40  # combinations with a document signer's key, counted in the corpus


def names() -> list[str]:
    """Of the combinations, for parametrisation; [] where the corpus is absent."""
    folder = ROOT / "documents" / FOLDER
    return sorted(item.parent.name for item in folder.glob("*/mock_dsc.key")) if folder.is_dir() else []


@functools.cache
def mock_issuer(name: str) -> Issuer:
    """Issues as the combination says, e.g. "sha256_rsapss_32_65537_2048": data group hash and signature alike."""
    folder = corpus_file(FOLDER, name)
    certificate = (folder / "mock_dsc.pem").read_bytes()
    csca = authorities(folder.parent)[_authority_key_id(certificate)]
    key = (folder / "mock_dsc.key").read_bytes()
    return Issuer.from_files(csca, certificate, key, name.split("_")[0], pss="rsapss" in name)


@functools.cache
def authorities(folder: Path) -> dict[bytes, bytes]:
    """PEM by subject key identifier. Some signers have no CSCA in their own folder: another one's issued them."""
    found = {}
    for path in sorted(folder.glob("*/mock_csca.pem")):
        content = path.read_bytes()
        found[bytes(x509.Certificate.load(pem.unarmor(content)[2]).key_identifier)] = content
    return found


def _authority_key_id(certificate: bytes) -> bytes:
    return bytes(x509.Certificate.load(pem.unarmor(certificate)[2]).authority_key_identifier)
