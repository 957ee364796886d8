"""The console's tests talk to the same service as the service's own."""

from __future__ import annotations

from tests.service.conftest import all_certificates, certificates, site

__all__ = ["all_certificates", "certificates", "site"]
