"""Each way in which a test set-up could open a real border is refused at start, one test each.

The settings below are complete for production but for one fault, so that it is that fault which refuses.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from egate.app import Models, build_policy, check_lockouts, daemon, load_models, open_gate
from egate.crossing.policy import PRODUCTION_MANDATORY
from egate.document.pki.trust import SIMULATED_ORGANISATION
from egate.errors import ConfigurationError, EgateError
from egate.inference.weights.manifest import CalibrationFile, Manifest
from egate.service import pki
from egate.service.identity import Role
from egate.settings import parse_settings
from egate.trust import files, index
from egate.trust.contents import Contents
from egate.trust.store import import_files
from hw.link import memory, opener
from hw.link.base import LinkType
from hw.osdp.keys import INSTALL_KEY, write_new_key

Data = dict[str, Any]


@pytest.fixture(autouse=True)
def no_models_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EGATE_MODELS", raising=False)


@pytest.fixture
def pseudo_terminal() -> Iterator[str]:
    master, slave = os.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@pytest.fixture
def production(tmp_path: Path) -> Data:
    _certificate(tmp_path / "ca.pem", "Border Authority CA")
    _certificate(tmp_path / "server.pem", "gates")
    write_new_key(tmp_path / "lock.key")
    _trust(tmp_path / "trust", "Ministry of the Interior")
    return {
        "environment": "production",
        "data_dir": "data",
        "documents": {"trust_store": "trust"},
        "service": {
            "certificate_file": "server.pem",
            "key_file": "server.key",
            "client_ca_file": "ca.pem",
            "crl_files": ["ca.crl"],
            "officers_file": "officers.toml",
        },
        "policy": {
            "version": "1",
            "mandatory": sorted(PRODUCTION_MANDATORY),
            "presentation_attack_detection": "enforced",
        },
        "lane": [
            {
                "id": "lane-1",
                "gate": "1",
                "lock": "osdp+serial:///dev/serial/by-id/lock?address=1&key=file:lock.key",
                "sensors": "modbus+serial:///dev/serial/by-id/sensors?unit=1",
                "document_reader": "mrz+serial:///dev/serial/by-id/reader?baud=9600",
            }
        ],
    }


def _check(data: Data, base: Path) -> None:
    check_lockouts(parse_settings(data), base)


def _refused(data: Data, base: Path, code: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        _check(data, base)
    assert refusal.value.code == code, str(refusal.value)


def test_complete_production_settings_pass_the_lock_outs(production: Data, tmp_path: Path) -> None:
    _check(production, tmp_path)


@pytest.mark.parametrize(
    ("device", "url"),
    [
        ("lock", "osdp+sim://lane-1?address=1&key=file:lock.key"),
        ("lock", "osdp+pty:///run/gate/lane-1.lock?address=1&key=file:lock.key"),
        ("sensors", "modbus+file:///tmp/sensors.bin?unit=1"),
        ("document_reader", "mrz+replay:///tmp/reader.trace"),
    ],
    ids=["simulator", "pty", "file", "replay"],
)
def test_simulated_device_is_refused(production: Data, tmp_path: Path, device: str, url: str) -> None:
    production["lane"][0][device] = url
    _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")


def test_pseudo_terminal_named_as_a_serial_port_is_refused(production: Data, tmp_path: Path) -> None:
    (tmp_path / "port").symlink_to("/dev/pts/0")
    production["lane"][0]["lock"] = f"osdp+serial://{tmp_path}/port?address=1&key=file:lock.key"
    _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")


@pytest.mark.parametrize("by_link", [False, True], ids=["path", "symlink"])
def test_pseudo_terminal_as_chip_reader_is_refused(
    production: Data, tmp_path: Path, pseudo_terminal: str, by_link: bool
) -> None:
    """The chip is where the traveller's identity comes from: its port counts like the others."""
    if by_link:
        (tmp_path / "chip").symlink_to(pseudo_terminal)
    production["lane"][0]["document_reader"] += f"&chip={tmp_path / 'chip' if by_link else pseudo_terminal}"
    _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "localhost", "LOCALHOST.", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_tcp_device_on_this_machine_is_refused(production: Data, tmp_path: Path, host: str) -> None:
    production["lane"][0]["sensors"] = f"modbus+tcp://{host}:5020?unit=1"
    _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")


def test_tcp_device_elsewhere_is_admitted(production: Data, tmp_path: Path) -> None:
    production["lane"][0]["sensors"] = "modbus+tcp://192.0.2.7:502?unit=1"
    _check(production, tmp_path)


def test_camera_that_may_stand_still_is_refused(production: Data, tmp_path: Path) -> None:
    for frozen in ("", "?frozen=1", "?frozen=10"):
        production["lane"][0]["camera"] = f"camera+v4l2:///dev/v4l/by-id/none{frozen}"
        _check(production, tmp_path)
    for frozen in ("0", "00", "11", "3600"):
        production["lane"][0]["camera"] = f"camera+v4l2:///dev/v4l/by-id/none?frozen={frozen}"
        _refused(production, tmp_path, "LOCKOUT_CAMERA")


def test_development_ca_is_refused(production: Data, tmp_path: Path) -> None:
    pki.init(tmp_path / "pki", "egate.example", [(Role.GATE, "1")])
    production["service"]["client_ca_file"] = "pki/ca.pem"
    _refused(production, tmp_path, "LOCKOUT_DEVELOPMENT_CA")


def test_development_server_certificate_is_refused(production: Data, tmp_path: Path) -> None:
    pki.init(tmp_path / "pki", "egate.example", [(Role.GATE, "1")])
    production["service"]["certificate_file"] = "pki/server.pem"
    _refused(production, tmp_path, "LOCKOUT_DEVELOPMENT_CA")


def test_plaintext_is_refused(production: Data, tmp_path: Path) -> None:
    production["service"]["plaintext"] = True
    _refused(production, tmp_path, "LOCKOUT_PLAINTEXT")


def test_missing_certificates_are_refused(production: Data, tmp_path: Path) -> None:
    production["service"]["client_ca_file"] = ""
    _refused(production, tmp_path, "LOCKOUT_PLAINTEXT")


def test_default_device_key_is_refused(production: Data, tmp_path: Path) -> None:
    production["lane"][0]["lock"] += "&install_key=1"
    _refused(production, tmp_path, "LOCKOUT_DEFAULT_KEY")


def test_default_password_of_a_finger_sensor_is_refused(production: Data, tmp_path: Path) -> None:
    production["lane"][0]["finger_sensor"] = "r30x+serial:///dev/serial/by-id/finger?baud=57600"
    _check(production, tmp_path)
    production["lane"][0]["finger_sensor"] += "&default_password=1"
    _refused(production, tmp_path, "LOCKOUT_DEFAULT_KEY")


@pytest.mark.parametrize("simulated", [None, True, False])
def test_link_of_another_package_says_itself_that_it_is_not_simulated(
    production: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulated: bool | None
) -> None:
    production["lane"][0]["sensors"] = "modbus+loop://x?unit=1"
    _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")  # not installed
    kind = LinkType(frozenset(), lambda _: memory.pair()[0], simulated=simulated)
    monkeypatch.setattr(opener, "link_type", {"loop": kind}.__getitem__)
    if simulated is False:
        _check(production, tmp_path)
    else:
        _refused(production, tmp_path, "LOCKOUT_SIMULATED_DEVICE")


def test_install_key_in_the_lock_s_key_file_is_refused(production: Data, tmp_path: Path) -> None:
    lane = parse_settings(production).lane[0]
    open_gate(lane, tmp_path)
    (tmp_path / "lock.key").write_text(INSTALL_KEY.hex(), encoding="ascii")
    with pytest.raises(ConfigurationError, match=r"lane-1: .*public install key"):
        open_gate(lane, tmp_path)


@pytest.mark.parametrize("root", ["models", "/srv/models"])
def test_foreign_folder_of_models_is_refused(production: Data, tmp_path: Path, root: str) -> None:
    production["models"] = {"root": root}
    _refused(production, tmp_path, "LOCKOUT_MODELS")


def test_folder_of_models_named_by_the_environment_is_refused(
    production: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EGATE_MODELS", str(tmp_path))
    _refused(production, tmp_path, "LOCKOUT_MODELS")


@pytest.mark.parametrize("key", ["face", "pad"])
def test_local_engine_is_refused_unless_its_calibration_is_named(
    production: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """Whoever may write beside the models could otherwise say what a score means."""
    entry = CalibrationFile("site", ("yunet", "sface"), "a" * 64)
    local = Manifest((), {}, {}, {"site": entry}, {})
    monkeypatch.setattr("egate.inference.weights.store.read_local", lambda path: local)
    production["models"] = {key: "site"}
    _refused(production, tmp_path, "LOCKOUT_MODELS")
    production["models"][f"{key}_sha256"] = "b" * 64
    _refused(production, tmp_path, "LOCKOUT_MODELS")
    production["models"][f"{key}_sha256"] = "a" * 64
    _check(production, tmp_path)


@pytest.mark.parametrize("key", ["face_fmr", "finger_fmr"])
def test_lax_threshold_is_refused(production: Data, tmp_path: Path, key: str) -> None:
    production["policy"][key] = 1e-3
    _check(production, tmp_path)
    production["policy"][key] = 1.1e-3
    _refused(production, tmp_path, "LOCKOUT_POLICY")


def test_attack_detection_off_is_refused(production: Data, tmp_path: Path) -> None:
    for mode in ("off", "silent"):
        production["policy"]["presentation_attack_detection"] = mode
        _refused(production, tmp_path, "LOCKOUT_PAD")


@pytest.mark.parametrize("check", ["CHIP_ACCESS", "PASSIVE_AUTHENTICATION", "PRESENTATION_ATTACK_DETECTION", "LISTS"])
def test_policy_without_a_production_check_is_refused(production: Data, tmp_path: Path, check: str) -> None:
    production["policy"]["mandatory"].remove(check)
    _refused(production, tmp_path, "LOCKOUT_POLICY")


def test_site_without_trusted_authorities_is_refused(production: Data, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "none").mkdir(mode=0o700)
    for documents in ({}, {"trust_store": ""}):
        _refused({**production, "documents": documents}, tmp_path, "LOCKOUT_TRUST_STORE")
    files.replace_state(tmp_path / "none", *index.encode(Contents()))
    _refused({**production, "documents": {"trust_store": "none"}}, tmp_path, "LOCKOUT_TRUST_STORE")
    with pytest.raises(EgateError):  # no store at all
        _check({**production, "documents": {"trust_store": "empty"}}, tmp_path)


def test_simulated_issuer_is_refused(production: Data, tmp_path: Path) -> None:
    _trust(tmp_path / "simulated", SIMULATED_ORGANISATION)
    _refused({**production, "documents": {"trust_store": "simulated"}}, tmp_path, "LOCKOUT_TRUST_STORE")


def test_open_revocation_is_refused(production: Data, tmp_path: Path) -> None:
    changes: tuple[Data, ...] = ({"crl_files": []}, {"on_stale_crl": "accept"})
    for change in changes:
        data = deepcopy(production)
        data["service"] |= change
        _refused(data, tmp_path, "LOCKOUT_REVOCATION")


async def test_the_daemon_itself_asks_the_lock_outs_first(production: Data, tmp_path: Path) -> None:
    """Not only `egate check`: the composition root refuses before it opens or writes anything."""
    production["service"]["plaintext"] = True
    with pytest.raises(ConfigurationError, match="plaintext"):
        async with daemon(parse_settings(production), tmp_path):
            pass
    assert not (tmp_path / "data").exists()


def test_attack_detection_that_does_not_exist_is_not_pretended(production: Data) -> None:
    """enforced without a model must not start as if it were off."""
    section = parse_settings(production).policy
    with pytest.raises(ConfigurationError) as refusal:
        build_policy(section, Models(None, None, {}))  # type: ignore[arg-type]  # refused before the engines are looked at
    assert refusal.value.code == "PAD_MISSING"


@pytest.mark.parametrize("mode", ["silent", "enforced"])
def test_attack_detection_whose_models_are_not_installed_does_not_start(
    production: Data, tmp_path: Path, mode: str
) -> None:
    production["policy"]["presentation_attack_detection"] = mode
    production["models"] = {"root": "models"}
    (tmp_path / "models").mkdir()
    with pytest.raises(ConfigurationError) as refusal:
        load_models(parse_settings(production), tmp_path)
    assert refusal.value.code == "PAD_MISSING"


def test_lax_attack_detection_is_refused(production: Data, tmp_path: Path) -> None:
    production["policy"]["pad_apcer"] = 0.05
    _check(production, tmp_path)
    production["policy"]["pad_apcer"] = 0.051
    _refused(production, tmp_path, "LOCKOUT_POLICY")


def test_demo_admits_what_production_refuses(production: Data, tmp_path: Path) -> None:
    production["environment"] = "demo"
    production["policy"] |= {"presentation_attack_detection": "off", "mandatory": ["MRZ"]}
    production["lane"][0]["lock"] = "osdp+pty:///run/lock?address=1&key=file:lock.key"
    _check(production, tmp_path)


def _trust(store: Path, organisation: str) -> None:
    """A store that trusts one CSCA of that organisation."""
    key = ec.generate_private_key(ec.SECP256R1())
    pairs = {"country_name": "FR", "organization_name": organisation, "common_name": "CSCA"}
    name = x509.Name([x509.NameAttribute(getattr(x509.NameOID, kind.upper()), value) for kind, value in pairs.items()])
    now = datetime.now(UTC)
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"), False)
    usage |= dict.fromkeys(("key_agreement", "encipher_only", "decipher_only"), False)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    file = store.with_suffix(".cer")
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    assert import_files(store, [file], [], now)


def _certificate(path: Path, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    certificate = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
