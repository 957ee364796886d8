"""The service the Node client talks to."""

from __future__ import annotations

from tests.service.conftest import all_certificates, certificates, site

__all__ = ["all_certificates", "certificates", "site"]
