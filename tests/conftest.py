"""What all tests share: how hard Hypothesis tries."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The machine is shared: a slow or large example is no failure. `make test` takes the same examples every time, so that it fails by
# what was changed and not by chance; `make fuzz` looks for new ones.
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("egate", deadline=None, derandomize=True, suppress_health_check=UNHURRIED)
settings.register_profile("fuzz", deadline=None, max_examples=20_000, suppress_health_check=UNHURRIED)
settings.load_profile("egate")
