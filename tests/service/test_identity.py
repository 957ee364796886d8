"""The strict syntax of a caller's name."""

from __future__ import annotations

import pytest

from egate.service.errors import Unauthenticated
from egate.service.identity import Identifier, Role, is_trust_domain, parse_spiffe_id
from tests.service.site import VirtualClock

DOMAIN = "egate.example"


@pytest.mark.parametrize("role", list(Role))
def test_role_and_id(role: Role) -> None:
    assert parse_spiffe_id(f"spiffe://{DOMAIN}/{role}/a-1.B_2", DOMAIN) == (role, "a-1.B_2")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "gate/1",
        f"SPIFFE://{DOMAIN}/gate/1",
        f"spiffe://{DOMAIN.upper()}/gate/1",
        f"https://{DOMAIN}/gate/1",
        f"spiffe://{DOMAIN}/gate/1\n",
        f"spiffe://{DOMAIN}/gate/1/",
        f"spiffe://{DOMAIN}/gate/1/2",
        f"spiffe://{DOMAIN}//gate/1",
        f"spiffe://{DOMAIN}/gate",
        f"spiffe://{DOMAIN}/gate/",
        f"spiffe://{DOMAIN}/gate/..",
        f"spiffe://{DOMAIN}/gate/.1",
        f"spiffe://{DOMAIN}/GATE/1",
        f"spiffe://{DOMAIN}/admin/1",
        f"spiffe://{DOMAIN}:443/gate/1",
        f"spiffe://gate@{DOMAIN}/gate/1",
        f"spiffe://{DOMAIN}/gate/1?x=1",
        f"spiffe://{DOMAIN}/gate/1#x",
        f"spiffe://{DOMAIN}/gate/%31",
        f"spiffe://{DOMAIN}/gate/١",
        f"spiffe://{DOMAIN}/gate/{'x' * 65}",
        f"spiffe://sub.{DOMAIN}/gate/1",
        f"spiffe://{DOMAIN}.evil/gate/1",
        "spiffe://egatexexample/gate/1",
    ],
)
def test_anything_else_is_nobody(uri: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_spiffe_id(uri, DOMAIN)


@pytest.mark.parametrize("pems", [{}, {"x509_pem_cert": []}, {"x509_pem_cert": [b"a", b"b"]}, {"x509_pem_cert": [b""]}])
def test_no_certificate_or_an_unreadable_one_is_nobody(pems: dict[str, list[bytes]]) -> None:
    identifier = Identifier(DOMAIN, VirtualClock(), None)
    # gRPC's own list of names must not be believed either
    context = {"x509_subject_alternative_name": [f"spiffe://{DOMAIN}/gate/1".encode()], **pems}
    with pytest.raises(Unauthenticated):
        identifier.identify(context, [])


def test_trust_domains() -> None:
    assert is_trust_domain("border.example")
    assert not any(is_trust_domain(text) for text in ("", "Border.example", "a/b", "a:1", "a\n"))
