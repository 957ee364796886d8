"""What all tests share: how hard Hypothesis tries."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The machine is shared: a slow example is no failure. `make fuzz` takes the second profile.
settings.register_profile("egate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile(
    "fuzz", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("egate")
