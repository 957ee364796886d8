"""What a document reader's URL says of its chip reader, and the folder that opens fingerprints."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import ecdsa
import pytest
from cryptography.hazmat.primitives import serialization

from egate.errors import ConfigurationError
from hw.emrtd.terminal_files import read_terminal_chain
from hw.mrz.adapter import open_reader
from hw.mrz.chip_url import chip_source
from hw.sim.pki_terminal import TerminalPki, make_terminal_pki
from hw.url import parse

PKI = make_terminal_pki(date(2026, 6, 1))


def write(directory: Path, pki: TerminalPki = PKI, *, pem: bool = False) -> None:
    directory.mkdir(exist_ok=True)
    for index, certificate in enumerate(pki.certificates):
        (directory / f"{index}.cvcert").write_bytes(certificate)
    key = directory / "terminal.key"
    loaded = serialization.load_der_private_key(pki.key, None)
    encoding = serialization.Encoding.PEM if pem else serialization.Encoding.DER
    key.write_bytes(loaded.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    key.chmod(0o640)


@pytest.mark.parametrize("pem", [True, False])
def test_chain_is_read_from_its_folder(tmp_path: Path, pem: bool) -> None:
    write(tmp_path / "eac", pem=pem)
    source = chip_source(parse("mrz+pty:///run/mrz?baud=9600&chip=/run/chip&terminal=file:eac"), tmp_path)
    assert source is not None
    assert source.terminal is not None
    assert source.terminal.rights == {3}
    assert "UTGATE" not in repr(source)


def test_chain_with_something_wrong_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cvcert"):
        read_terminal_chain(tmp_path)
    write(tmp_path)
    (tmp_path / "terminal.key").chmod(0o644)
    with pytest.raises(ConfigurationError, match="accessible to everyone"):
        read_terminal_chain(tmp_path)
    write(tmp_path)
    (tmp_path / "1.cvcert").unlink()
    with pytest.raises(ConfigurationError, match="TERMINAL_CHAIN_INCOMPLETE"):
        read_terminal_chain(tmp_path)
    write(tmp_path)
    write(tmp_path, TerminalPki(PKI.certificates, make_terminal_pki(date(2026, 6, 1)).key))
    with pytest.raises(ConfigurationError, match="TERMINAL_KEY_MISMATCH"):
        read_terminal_chain(tmp_path)
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\nnothing", b"\x30\x03\x02\x01\x00", bytes(20_000)):
        (tmp_path / "terminal.key").write_bytes(content)
        with pytest.raises(ConfigurationError):
            read_terminal_chain(tmp_path)
    (tmp_path / "terminal.key").unlink()
    os.mkfifo(tmp_path / "terminal.key", 0o600)
    with pytest.raises(ConfigurationError, match="not a regular file"):
        read_terminal_chain(tmp_path)
    (tmp_path / "terminal.key").unlink()
    write(tmp_path)
    (tmp_path / "2.cvcert").write_bytes(b"\x7f\x21\x00")
    with pytest.raises(ConfigurationError):
        read_terminal_chain(tmp_path)


@pytest.mark.parametrize("curve", [ecdsa.BRAINPOOLP320r1, ecdsa.BRAINPOOLP256r1, ecdsa.NIST192p])
def test_key_in_pem_on_any_curve_is_understood(curve: ecdsa.curves.Curve, tmp_path: Path) -> None:
    """Understood, and another one than the chain's."""
    write(tmp_path)
    key = ecdsa.SigningKey.generate(curve)
    (tmp_path / "terminal.key").write_bytes(key.to_pem(format="pkcs8"))
    with pytest.raises(ConfigurationError, match="TERMINAL_KEY_MISMATCH"):
        read_terminal_chain(tmp_path)


def test_key_in_pem_on_a_curve_of_no_terminal_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "terminal.key").write_bytes(ecdsa.SigningKey.generate(ecdsa.SECP256k1).to_pem(format="pkcs8"))
    with pytest.raises(ConfigurationError, match="PRIVATE_KEY_MALFORMED"):
        read_terminal_chain(tmp_path)


def test_key_with_a_password_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    loaded = serialization.load_der_private_key(PKI.key, None)
    (tmp_path / "terminal.key").write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(ConfigurationError, match="without password"):
        read_terminal_chain(tmp_path)


@pytest.mark.parametrize(
    "parameters",
    [
        "chip_protocol=pn532",
        "terminal=file:eac",
        "chip=/run/chip&chip_protocol=smoke",
        "chip=/run/chip&chip_protocol=pn532&chip_baud=12345",
        "chip=/run/chip&chip_pcsc=Reader",
        "chip_pcsc=Reader&chip_baud=9600",
        "chip_pcsc=Reader&chip_protocol=apdu",
        "chip=/run/chip&terminal=eac",
        "chip=/run/chip&terminal=file:",
        "chip=/run/chip&terminal=file:nowhere",
        "chip=run",
        "can=123456",
    ],
)
def test_url_that_is_not_understood_is_refused(parameters: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        open_reader(parse(f"mrz+pty:///run/mrz?baud=9600&{parameters}"), tmp_path)


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ("chip=/run/chip", "/run/chip"),
        ("chip=/run/chip&chip_protocol=apdu&chip_baud=921600", "/run/chip"),
        ("chip=/run/chip&chip_protocol=pn532&chip_baud=921600", "/run/chip"),
    ],
)
def test_url_names_the_reader_of_the_chip(parameters: str, name: str, tmp_path: Path) -> None:
    source = chip_source(parse(f"mrz+pty:///run/mrz?baud=9600&{parameters}"), tmp_path)
    assert source is not None
    assert (source.name, source.terminal) == (name, None)
    assert chip_source(parse("mrz+pty:///run/mrz?baud=9600"), tmp_path) is None


def test_pcsc_reader_is_named_as_the_service_names_it(tmp_path: Path) -> None:
    pytest.importorskip("smartcard", reason="pyscard is not there (extra pcsc)")
    source = chip_source(parse("mrz+pty:///run/mrz?baud=9600&chip_pcsc=ACS%20ACR122U%2000%2000"), tmp_path)
    assert source is not None
    assert source.name == "ACS ACR122U 00 00"
