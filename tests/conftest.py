"""What all tests share: how hard Hypothesis tries, and which tests must have the machine to themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The machine is shared: a slow or large example is no failure. `make test` takes the same examples every time, so that it fails by
# what was changed and not by chance; `make fuzz` looks for new ones.
UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("egate", deadline=None, derandomize=True, suppress_health_check=UNHURRIED)
settings.register_profile("fuzz", deadline=None, max_examples=20_000, suppress_health_check=UNHURRIED)
settings.load_profile("egate")

# Devices on pseudo terminals keep real time, and so do their deadlines: a device that waits for the processor looks like one that is
# lost. Whole daemons run one after the other, with nothing beside them. Devices alone spend three quarters of their time waiting and a
# quarter of a core: four go side by side, but with nothing that computes: linters beside them made a
# lock secure itself two seconds late. `make test` lets all others use every core before.
IN_REAL_TIME = frozenset({"end_to_end", "node", "console"})
DEVICES = frozenset({"contract", "hw", "fuzz"})
# Of `hw`: chips, codecs and worlds in memory, where no time passes or a clock of their own.
IN_MEMORY = (
    "test_emrtd_",
    "test_forgeries",
    "test_chip_fault",
    "test_eac_peer",
    "test_sim_issuer",
    "test_sim_pki",
    "test_sim_world",
    "test_sim_people",
    "test_sim_hall",
    "test_sim_scenario",
    "test_sensing",
    "test_finger_sensor_frame",
    "test_finger_sensor_transfer",
    "test_finger_sensor_match",
    "test_camera_supervision",
    "test_camera_settings",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    for item in items:
        in_memory = item.path.name.startswith(IN_MEMORY)
        folder = item.path.relative_to(root).parts[0]
        if folder in IN_REAL_TIME:
            item.add_marker(pytest.mark.realtime)
        elif folder in DEVICES and not in_memory:
            item.add_marker(pytest.mark.devices)
