"""Ridge flow of a synthetic finger: the zero-pole model of Sherlock and Monro (Pattern Recognition 26(7), 1993) with smooth waves.

Each core turns the flow by half a turn along a path around it, each delta turns it back. Pixels at 500 dpi, y up, the origin at the
finger's middle; orientations in radians, modulo half a turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]

# Wilson, Candela, Watson: Neural network fingerprint classification (J. of Artificial Neural Networks 1(2), 1994): natural frequencies.
CLASSES = ("left loop", "right loop", "whorl", "arch", "tented arch")
CLASS_SHARES = (0.338, 0.317, 0.279, 0.037, 0.029)
# Where cores and deltas lie and how much they vary; chosen: 60 to 150 px (7 to 17 ridges) between core and delta.
DELTA_ASIDE_PX, DELTA_BELOW_PX, PLACE_SD_PX = 85.0, 95.0, 20.0
WHORL_CORES_PX = 35.0
TENT_PX = 70.0
# Ridges slope down to both sides, more than poles make them (Vizcaya, Gerhardt: Pattern Recognition 29(7), 1996). 0.8 would meet the
# corpus's directions better, but bends the flow more than the corpus's is (bench/finger/synthetic.py prints both).
TILT_RAD, TILT_PX = 0.3, 60.0
STEP_PX = 4.0  # for derivatives
WAVES = 6  # per field, chosen: enough for no direction to stand out
FLOW_WAVE_PX, FLOW_WAVE_RAD = 220.0, 0.18  # chosen: the corpus's flow keeps cos 2a = 0.84 within 25 px, 0.45 at 65 px


@dataclass(frozen=True, slots=True)
class Waves:
    """A smooth random field of mean 0 and variance amplitude^2: a sum of plane waves. k: (WAVES, 2); phase: (WAVES,)."""

    k: F8
    phase: F8
    amplitude: float

    def at(self, x: F8, y: F8) -> F8:
        """(n,) values."""
        phases = self.k[:, :1] * x + self.k[:, 1:] * y + self.phase[:, None]
        values: F8 = self.amplitude * np.sqrt(2.0 / WAVES) * np.cos(phases).sum(axis=0)
        return values


@dataclass(frozen=True, slots=True)
class Flow:
    """cores, deltas: (c,) complex places."""

    cores: NDArray[np.complex128]
    deltas: NDArray[np.complex128]
    waves: Waves

    def at(self, x: F8, y: F8) -> F8:
        """(n,) orientation of the ridges, modulo half a turn."""
        z = (x + 1j * y)[:, None]
        turned: F8 = 0.5 * (np.angle(z - self.cores).sum(axis=1) - np.angle(z - self.deltas).sum(axis=1))
        return turned - TILT_RAD * np.tanh(x / TILT_PX) + self.waves.at(x, y)

    def spread(self, x: F8, y: F8) -> F8:
        """(n,) divergence, per pixel, of the unit field that points as `at` says: where it is positive, ridges move apart that way."""
        h = STEP_PX
        turn_x = _half_turn(self.at(x + h, y) - self.at(x - h, y)) / (2.0 * h)
        turn_y = _half_turn(self.at(x, y + h) - self.at(x, y - h)) / (2.0 * h)
        along = self.at(x, y)
        return np.cos(along) * turn_y - np.sin(along) * turn_x


def draw_waves(rng: np.random.Generator, length_px: float, amplitude: float) -> Waves:
    """Waves of about that length in all directions."""
    direction = rng.uniform(0.0, 2.0 * np.pi, WAVES)
    k = 2.0 * np.pi / (length_px * rng.uniform(0.7, 1.6, WAVES))
    return Waves(
        np.column_stack([k * np.cos(direction), k * np.sin(direction)]), rng.uniform(0, 2 * np.pi, WAVES), amplitude
    )


def draw_flow(rng: np.random.Generator) -> Flow:
    kind = CLASSES[int(rng.choice(len(CLASSES), p=CLASS_SHARES))]
    waves = draw_waves(rng, FLOW_WAVE_PX, FLOW_WAVE_RAD)
    left, right = -DELTA_ASIDE_PX - 1j * DELTA_BELOW_PX, DELTA_ASIDE_PX - 1j * DELTA_BELOW_PX
    places: dict[str, tuple[list[complex], list[complex]]] = {
        "left loop": ([0j], [right]),
        "right loop": ([0j], [left]),
        "whorl": ([0.5j * WHORL_CORES_PX, -0.5j * WHORL_CORES_PX], [left, right]),
        "arch": ([], []),
        "tented arch": ([0j], [-1j * TENT_PX]),
    }
    cores, deltas = (_moved(np.array(of, np.complex128), rng) for of in places[kind])
    if kind == "arch":
        waves = draw_waves(rng, 1.5 * FLOW_WAVE_PX, 2.0 * FLOW_WAVE_RAD)
    return Flow(cores, deltas, waves)


def _moved(places: NDArray[np.complex128], rng: np.random.Generator) -> NDArray[np.complex128]:
    return places + PLACE_SD_PX * (rng.standard_normal(len(places)) + 1j * rng.standard_normal(len(places)))


def _half_turn(angle: F8) -> F8:
    """Difference of orientations, in [-pi/2, pi/2]."""
    wrapped: F8 = angle - np.pi * np.rint(angle / np.pi)
    return wrapped
