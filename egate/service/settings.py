"""What the service is built with. The composition root fills it; it refuses development values in production."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from egate.domain.ids import LaneId
from egate.errors import ConfigurationError
from egate.service.identity import is_trust_domain
from egate.service.revocation import OnStale

EXTRACT_IMAGES_MAX = 64  # required; a site may allow fewer
ENVELOPE_BYTES_MAX = 64 * 1024  # lengths and tags of 64 images and all other fields
MESSAGE_BYTES_MAX = (
    16 * 1024 * 1024 + ENVELOPE_BYTES_MAX
)  # 64 images, or 8 frames and 4 impressions of full size; required
# What gRPC lets through, so that a message somewhat too large gets an answer with a name (MESSAGE_SIZE); chosen.
RECEIVED_BYTES_MAX = 18 * 1024 * 1024
ANSWER_BYTES_MAX = 32 * 1024 * 1024  # a dossier with four images of the largest size; chosen
LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. client_ca: the authorities callers' certificates must come from."""

    certificate: Path
    key: Path
    client_ca: Path


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """address: "host:port", port 0 = any free one. tls None only with plaintext_demo, on loopback.

    gates: lanes by gate id; a gate not named here has none. crl_files: empty = revocation is not looked at.
    rpcs_max: calls and streams at once, each may hold a message of 16 MB. rates: per second and caller.
    extract_images_max: images in one ExtractFace or ExtractFinger.
    """

    address: str
    trust_domain: str
    tls: TlsFiles | None
    gates: Mapping[str, frozenset[LaneId]] = field(default_factory=dict)
    crl_files: tuple[Path, ...] = ()
    on_stale_crl: OnStale = "refuse"
    plaintext_demo: bool = False
    rpcs_max: int = 64
    rpcs_per_caller_max: int = 16
    match_rate_per_s: float = 10.0
    match_burst: int = 20
    extract_images_max: int = EXTRACT_IMAGES_MAX
    token_lifetime_s: float = 900.0
    fmr_target: float = 5e-4
    finger_fmr_target: float = 5e-4

    def __post_init__(self) -> None:
        """Raises ConfigurationError on what can't be served safely."""
        if not is_trust_domain(self.trust_domain):
            raise ConfigurationError("trust_domain: lower-case letters, digits, '.', '-' and '_'")
        if (self.tls is None) != self.plaintext_demo:
            raise ConfigurationError("exactly one of tls and plaintext_demo must be given", code="PLAINTEXT")
        if self.plaintext_demo and self.address.rpartition(":")[0] not in LOOPBACK:
            raise ConfigurationError("plaintext is for loopback addresses only", code="PLAINTEXT")
        if not 1 <= self.rpcs_per_caller_max <= self.rpcs_max:
            raise ConfigurationError("rpcs_per_caller_max must be at least 1 and at most rpcs_max")
        if not (self.match_rate_per_s > 0 and self.match_burst >= 1 and 0 < self.token_lifetime_s <= 86400):
            raise ConfigurationError("match_rate_per_s, match_burst and token_lifetime_s must be positive")
        if not 1 <= self.extract_images_max <= EXTRACT_IMAGES_MAX:
            raise ConfigurationError(f"extract_images_max must be 1 to {EXTRACT_IMAGES_MAX}")
        if not (0 < self.fmr_target < 1 and 0 < self.finger_fmr_target < 1):
            raise ConfigurationError("fmr_target must lie between 0 and 1")
