"""Key derivation, padding and MACs against published and recorded values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.emrtd.protocol import cipher
from hw.emrtd.protocol.cipher import Suite
from tests.hw.emrtd_vectors import published, recorded, values

DERIVATIONS = [
    (1, Suite.TDES),
    (2, Suite.TDES),
    (1, Suite.AES128),
    (2, Suite.AES128),
    (3, Suite.AES128),
    (3, Suite.AES192),
    (3, Suite.AES256),
]


@pytest.mark.corpus
def test_recorded_derivations() -> None:
    pairs = values(recorded("gmrtd_kdf.json")["TestKDF"])
    found = [bytes(cipher.derive_key(secret, *how)) for secret, how in zip(pairs[::2], DERIVATIONS, strict=True)]
    assert found == pairs[1::2]


@pytest.mark.parametrize("index", [0, 1])
def test_password_keys_of_the_worked_examples(index: int) -> None:
    password = published("icao9303_11_GHI.json")["vectors"][index]["password"]
    secret = bytes.fromhex(password["K"])
    assert cipher.derive_key(secret, 1, Suite.TDES).hex().upper() == password["K_enc"]
    assert cipher.derive_key(secret, 2, Suite.TDES).hex().upper() == password["K_mac"]
    assert cipher.derive_key(secret, 3, Suite.AES128).hex().upper() == password["K_pi_aes128"]


@pytest.mark.corpus
def test_recorded_paddings() -> None:
    tests = recorded("gmrtd_iso9797.json")
    a, padded_a, b, padded_b, padded_nothing, c, padded_c = values(tests["TestISO9797Method2Pad"])
    assert [cipher.pad(data, 8) for data in (a, b, b"", c)] == [padded_a, padded_b, padded_nothing, padded_c]
    a, plain_a, b, plain_b, nothing = values(tests["TestISO9797Method2Unpad"])
    assert [cipher.unpad(data) for data in (a, b, nothing)] == [plain_a, plain_b, b""]


@pytest.mark.corpus
def test_recorded_retail_macs() -> None:
    found = values(recorded("gmrtd_iso9797.json")["TestISO9797RetailMacDes"])
    assert len(found) == 12
    for key, data, expected in zip(found[::3], found[1::3], found[2::3], strict=True):
        assert cipher.mac(Suite.TDES, key, data) == expected


@pytest.mark.corpus
def test_recorded_misuse_of_the_retail_mac_is_refused() -> None:
    found = values(recorded("gmrtd_iso9797.json")["TestISO9797RetailMacDesErrors"])
    assert len(found) == 6
    for key, data in zip(found[::2], found[1::2], strict=True):
        with pytest.raises(ValueError, match=r"size|block"):
            cipher.mac(Suite.TDES, key, data)


def test_cmac_of_rfc_4493_is_cut_to_its_first_half() -> None:
    key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
    assert cipher.mac(Suite.AES128, key, b"").hex() == "bb1d6929e9593728"  # RFC 4493, 4, example 1
    data = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert cipher.mac(Suite.AES128, key, data).hex() == "070a16b46b4d4144"  # example 2


@given(st.binary(max_size=100), st.sampled_from([8, 16]))
def test_padding_fills_blocks_and_comes_off(data: bytes, block_size: int) -> None:
    padded = cipher.pad(data, block_size)
    assert len(padded) % block_size == 0
    assert 1 <= len(padded) - len(data) <= block_size
    assert cipher.unpad(padded) == data


@pytest.mark.parametrize("data", [b"", bytes(16), b"\x01" * 16, b"\x80" + bytes(7) + b"\x01"])
def test_what_is_no_padding_is_none(data: bytes) -> None:
    assert cipher.unpad(data) is None


@given(st.sampled_from(Suite), st.data())
def test_decryption_undoes_encryption(suite: Suite, data: st.DataObject) -> None:
    key = data.draw(st.binary(min_size=suite.key_size, max_size=suite.key_size))
    plain = data.draw(st.integers(0, 5)) * bytes(range(suite.block_size))
    iv = bytes(suite.block_size)
    assert cipher.decrypt(suite, key, iv, cipher.encrypt(suite, key, iv, plain)) == plain


@given(st.binary(min_size=16, max_size=24))
def test_parity_is_odd_and_touches_only_the_lowest_bits(key: bytes) -> None:
    adjusted = cipher.adjust_parity(key)
    assert all(octet.bit_count() % 2 == 1 for octet in adjusted)
    assert [octet & 0xFE for octet in adjusted] == [octet & 0xFE for octet in key]


def test_wiped_keys_are_zeros() -> None:
    key = cipher.derive_key(b"secret", 1, Suite.AES256)
    cipher.wipe(key)
    assert key == bytes(32)
