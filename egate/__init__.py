"""egate: biometric e-gate control service."""

__version__ = "0.5.0"
