"""libeac (OpenPACE, GPL) through ctypes: for the peer's own process, nowhere else."""

from __future__ import annotations

import ctypes as c
from typing import Any

ID_PACE, ID_CA = 0, 1


class Buffer(c.Structure):
    """BUF_MEM of OpenSSL."""

    _fields_ = [("length", c.c_size_t), ("data", c.POINTER(c.c_ubyte)), ("max", c.c_size_t), ("flags", c.c_ulong)]


class CaContext(c.Structure):
    """The start of libeac's CA_CTX."""

    _fields_ = [
        ("version", c.c_ubyte),
        ("protocol", c.c_int),
        ("id", c.c_int),
        ("flags", c.c_int),
        ("agreement", c.c_void_p),
    ]


class Context(c.Structure):
    """The start of libeac's EAC_CTX."""

    _fields_ = [
        ("version", c.c_int),
        *((name, c.c_void_p) for name in ("numbers", "digest", "cipher", "pace", "paces", "ri", "ris", "ta")),
        ("ca", c.POINTER(CaContext)),
    ]


_BUFFER, _CONTEXT = c.POINTER(Buffer), c.POINTER(Context)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "EAC_init": (None,),
    "EAC_CTX_new": (_CONTEXT,),
    "EAC_OBJ_txt2nid": (c.c_int, c.c_char_p),
    "EAC_CTX_init_pace": (c.c_int, _CONTEXT, c.c_int, c.c_int),
    "EAC_CTX_init_ca": (c.c_int, _CONTEXT, c.c_int, c.c_int),
    "EAC_CTX_init_ta": (c.c_int, _CONTEXT, c.c_char_p, c.c_size_t, c.c_char_p, c.c_size_t),
    "EAC_CTX_set_encryption_ctx": (c.c_int, _CONTEXT, c.c_int),
    "EAC_increment_ssc": (c.c_int, _CONTEXT),
    "EAC_add_iso_pad": (_BUFFER, _CONTEXT, _BUFFER),
    "EAC_remove_iso_pad": (_BUFFER, _BUFFER),
    "EAC_encrypt": (_BUFFER, _CONTEXT, _BUFFER),
    "EAC_decrypt": (_BUFFER, _CONTEXT, _BUFFER),
    "EAC_authenticate": (_BUFFER, _CONTEXT, _BUFFER),
    "EAC_verify_authentication": (c.c_int, _CONTEXT, _BUFFER, _BUFFER),
    "EAC_Comp": (_BUFFER, _CONTEXT, c.c_int, _BUFFER),
    "BUF_MEM_create_init": (_BUFFER, c.c_char_p, c.c_size_t),
    "PACE_SEC_new": (c.c_void_p, c.c_char_p, c.c_size_t, c.c_int),
    "PACE_STEP1_enc_nonce": (_BUFFER, _CONTEXT, c.c_void_p),
    "PACE_STEP2_dec_nonce": (c.c_int, _CONTEXT, c.c_void_p, _BUFFER),
    "PACE_STEP3A_generate_mapping_data": (_BUFFER, _CONTEXT),
    "PACE_STEP3A_map_generator": (c.c_int, _CONTEXT, _BUFFER),
    "PACE_STEP3B_generate_ephemeral_key": (_BUFFER, _CONTEXT),
    "PACE_STEP3B_compute_shared_secret": (c.c_int, _CONTEXT, _BUFFER),
    "PACE_STEP3C_derive_keys": (c.c_int, _CONTEXT),
    "PACE_STEP3D_compute_authentication_token": (_BUFFER, _CONTEXT, _BUFFER),
    "PACE_STEP3D_verify_authentication_token": (c.c_int, _CONTEXT, _BUFFER),
    "CA_set_key": (c.c_int, _CONTEXT, c.c_char_p, c.c_size_t, c.c_char_p, c.c_size_t),
    "CA_STEP2_get_eph_pubkey": (_BUFFER, _CONTEXT),
    "CA_STEP4_compute_shared_secret": (c.c_int, _CONTEXT, _BUFFER),
    "KA_CTX_derive_keys": (c.c_int, c.c_void_p, c.c_void_p, c.c_void_p),
    "TA_disable_checks": (None, _CONTEXT),
    "TA_STEP2_import_certificate": (c.c_int, _CONTEXT, c.c_char_p, c.c_size_t),
    "TA_STEP3_generate_ephemeral_key": (_BUFFER, _CONTEXT),
    "TA_STEP4_get_nonce": (_BUFFER, _CONTEXT),
    "TA_STEP4_set_nonce": (c.c_int, _CONTEXT, _BUFFER),
    "TA_STEP5_sign": (_BUFFER, _CONTEXT, _BUFFER, _BUFFER, c.c_void_p),
    "TA_STEP6_verify": (c.c_int, _CONTEXT, _BUFFER, _BUFFER, c.c_void_p, _BUFFER),
}


class Refused(Exception):
    """libeac, or the message, said no."""


class Eac:
    """One context of libeac. Calls take and give bytes; what libeac refuses raises Refused."""

    def __init__(self, library: c.CDLL, config: dict[str, Any]) -> None:
        self._library = library
        self._context = library.EAC_CTX_new()
        password = bytes.fromhex(config.get("password", ""))
        self._secret = library.PACE_SEC_new(password, len(password), config.get("kind", 2)) if password else None
        if password and not self._secret:
            raise Refused("password")
        for name, start in (("pace", library.EAC_CTX_init_pace), ("ca", library.EAC_CTX_init_ca)):
            if name in config:
                number = library.EAC_OBJ_txt2nid(config[name]["oid"].encode())
                if start(self._context, number, config[name]["parameter"]) != 1:
                    raise Refused(f"{name} {config[name]['oid']}")
        if key := bytes.fromhex(config.get("ca", {}).get("key", "")):
            public = bytes.fromhex(config["ca"].get("public", ""))
            self.require("CA_set_key", key, len(key), public or None, len(public))
        if cvca := bytes.fromhex(config.get("cvca", "")):
            key = bytes.fromhex(config.get("key", ""))
            self.require("EAC_CTX_init_ta", key or None, len(key), cvca, len(cvca))
            library.TA_disable_checks(self._context)  # the certificates' dates are the project's matter

    def get(self, name: str, *arguments: Any) -> bytes:
        """A function that gives a buffer."""
        found = getattr(self._library, name)(self._context, *map(self._given, arguments))
        if not found:
            raise Refused(name)
        return bytes(found.contents.data[: found.contents.length])

    def require(self, name: str, *arguments: Any) -> None:
        """A function that says 1 for success; buffers as bytes, unless it takes pointers and sizes."""
        raw = len(_FUNCTIONS[name]) > 2 and c.c_char_p in _FUNCTIONS[name]
        given = arguments if raw else tuple(map(self._given, arguments))
        if getattr(self._library, name)(self._context, *given) != 1:
            raise Refused(name)

    def nonce(self) -> bytes:
        return self.get("PACE_STEP1_enc_nonce", c.c_void_p(self._secret))

    def open_nonce(self, encrypted: bytes) -> None:
        self.require("PACE_STEP2_dec_nonce", c.c_void_p(self._secret), encrypted)

    def agree_chip_key(self, public: bytes) -> None:
        """Chip authentication's shared secret and keys of version 1: no nonce in the derivation."""
        self.require("CA_STEP4_compute_shared_secret", public)
        agreement = self._context.contents.ca.contents.agreement
        if self._library.KA_CTX_derive_keys(agreement, None, self._context.contents.digest) != 1:
            raise Refused("KA_CTX_derive_keys")

    def import_certificate(self, certificate: bytes) -> None:
        self.require("TA_STEP2_import_certificate", certificate, len(certificate))

    def unpad(self, data: bytes) -> bytes:
        found = self._library.EAC_remove_iso_pad(self._given(data))
        if not found:
            raise Refused("padding")
        return bytes(found.contents.data[: found.contents.length])

    def _given(self, value: Any) -> Any:
        return self._library.BUF_MEM_create_init(value, len(value)) if isinstance(value, bytes) else value


def load() -> c.CDLL:
    library = c.CDLL("libeac.so.3")
    for name, (result, *arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    library.EAC_init()
    return library
