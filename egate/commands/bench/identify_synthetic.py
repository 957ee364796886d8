"""Synthetic fingers to fill a gallery with: minutiae templates whose statistics follow the FVC corpus, seeded.

A finger is a ridge flow and minutiae along it, at distances like real ones. An impression is what a sensor sees of it: a part, turned,
moved, stretched, with minutiae missed, misplaced and invented. bench/finger/synthetic.py shows how real they are: their false
match rate against real probes is that of real fingers within a factor of 1.5.

It lives with the command that fills galleries, not in egate.matching, because nothing at a gate may need it; and not in bench/, because
that is not installed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egate.commands.bench.identify_flow import F8, Flow, Waves, draw_flow, draw_waves
from egate.commands.bench.identify_scatter import scatter
from egate.domain.biometric import FingerTemplate

TURN = 2.0 * np.pi


@dataclass(frozen=True, slots=True)
class Sensor:
    """What impressions of a sensor look like, after its set of the corpus.

    width, height: pixels. area_width, area_height: axes of the captured ellipse, mean; area_sd: its relative deviation.
    density, density_sd: minutiae per 10,000 px2 of a finger, mean and relative deviation between fingers.
    """

    width: int
    height: int
    area_width: float
    area_height: float
    area_sd: float
    density: float
    density_sd: float


SENSORS = (
    Sensor(388, 374, 252.0, 362.2, 0.15, 6.1, 0.25),  # FVC2002 DB1
    Sensor(300, 300, 204.8, 236.2, 0.18, 5.4, 0.22),  # FVC2002 DB3
    Sensor(288, 384, 199.5, 294.0, 0.16, 6.4, 0.15),  # FVC2002 DB4
    Sensor(328, 364, 257.2, 357.0, 0.16, 4.3, 0.25),  # FVC2004 DB2
    Sensor(288, 384, 227.9, 341.2, 0.12, 6.5, 0.3),  # FVC2004 DB4
)
REACH_PX = 230.0  # of a finger's minutiae from its middle, sideways; HEIGHT_SHARE times that up and down
HEIGHT_SHARE = 1.15
CROWD_PX, CROWD_SD = 300.0, 0.4  # minutiae crowd in some regions
HARD_PX, SOFT_PX = (
    9.0,
    7.0,
)  # none nearer than the one, few than both together; the corpus's nearest are 11 to 16 px off at 5 to 25 %
TRIES = 20  # per minutia wanted
ENDING_SHARE = 0.7  # of a finger; 0.66 of an impression, 0.64 in the corpus
ANGLE_SD_RAD = 0.03  # of a minutia about the flow
RIDGE_PX, RIDGE_SD = 9.0, 0.08  # period of the ridges at 500 dpi, relative deviation between fingers
# How sure a minutia's direction follows from the flow's spreading, per pixel. It is what makes strangers alike: with directions
# against it the FMR is half as large, and so it is with real fingers whose minutiae are turned round.
SPREAD_SD = 0.005
# Of an impression. Chosen: such as FVC volunteers were asked for.
ROTATION_SD_RAD, SHIFT_SD_PX, SHIFT_DOWN_SD_PX = 0.14, 18.0, 22.0
STRETCH_WAVE_PX, STRETCH_PX = 260.0, 3.0
JITTER_PX, JITTER_RAD = 1.0, 0.03
SEEN_SHARE, INVENTED_SHARE, TYPE_FLIPPED_SHARE = 0.9, 0.05, 0.1
QUALITY_BEST, QUALITY_FALL, QUALITY_MIN = 0.965, 0.075, 0.6  # the corpus's quartiles: 0.86, 0.93, 0.95


@dataclass(frozen=True, slots=True)
class Finger:
    """Minutiae of a whole finger: (n,) each, y up about its middle. density: per 10,000 px2."""

    x: F8
    y: F8
    angle: F8
    ending: NDArray[np.bool_]
    density: float
    sensor: Sensor


def synthetic_finger(seed: int, number: int, impressions: int, position: int = 0) -> list[FingerTemplate]:
    """Impressions of finger `number`: the same whatever else is drawn with this seed."""
    rng = np.random.default_rng((seed, number))
    finger = draw_finger(rng, SENSORS[int(rng.integers(len(SENSORS)))])
    return [draw_impression(finger, rng, position) for _ in range(impressions)]


def draw_finger(rng: np.random.Generator, sensor: Sensor) -> Finger:
    flow, crowd = draw_flow(rng), draw_waves(rng, CROWD_PX, CROWD_SD)
    density = sensor.density * np.exp(sensor.density_sd * rng.standard_normal())
    x, y = _scatter(rng, flow, crowd, density)
    angle = _directed(rng, flow, x, y) + ANGLE_SD_RAD * rng.standard_normal(len(x))
    return Finger(x, y, angle, rng.random(len(x)) < ENDING_SHARE, density, sensor)


def draw_impression(finger: Finger, rng: np.random.Generator, position: int = 0) -> FingerTemplate:
    sensor = finger.sensor
    stretch_x, stretch_y = (draw_waves(rng, STRETCH_WAVE_PX, STRETCH_PX) for _ in range(2))
    turn = ROTATION_SD_RAD * rng.standard_normal()
    seen = rng.random(len(finger.x)) < SEEN_SHARE
    x, y, angle, ending = finger.x[seen], finger.y[seen], finger.angle[seen], finger.ending[seen]
    x, y = x + stretch_x.at(x, y), y + stretch_y.at(x, y)
    x, y = x + JITTER_PX * rng.standard_normal(len(x)), y + JITTER_PX * rng.standard_normal(len(x))
    angle = angle + turn + JITTER_RAD * rng.standard_normal(len(x))
    ending = ending ^ (rng.random(len(x)) < TYPE_FLIPPED_SHARE)
    z = (x + 1j * y) * np.exp(1j * turn)
    x, y, angle, ending = _with_invented(rng, z.real, z.imag, angle, ending)
    offset_x, offset_y = SHIFT_SD_PX * rng.standard_normal(), SHIFT_DOWN_SD_PX * rng.standard_normal()
    scale = np.exp(sensor.area_sd * rng.standard_normal(2))
    half_width, half_height = 0.5 * sensor.area_width * scale[0], 0.5 * sensor.area_height * scale[1]
    inside = ((x - offset_x) / half_width) ** 2 + ((y - offset_y) / half_height) ** 2 < 1.0
    column, row = x - offset_x + 0.5 * sensor.width, 0.5 * sensor.height - (y - offset_y)
    inside &= (column >= 0) & (column < sensor.width) & (row >= 0) & (row < sensor.height)
    return _template(rng, column[inside], row[inside], angle[inside], ending[inside], sensor, position)


def _scatter(rng: np.random.Generator, flow: Flow, crowd: Waves, density: float) -> tuple[F8, F8]:
    """Places with a soft distance between them, uniform otherwise, in an ellipse; whole ridges from their neighbours."""
    wanted = round(density * 1e-4 * np.pi * REACH_PX**2 * HEIGHT_SHARE)
    radius, direction = REACH_PX * np.sqrt(rng.random(TRIES * wanted)), rng.uniform(0.0, TURN, TRIES * wanted)
    tried = radius * np.exp(1j * direction)
    tried = tried.real + 1j * HEIGHT_SHARE * tried.imag
    across = 1j * np.exp(1j * flow.at(tried.real, tried.imag))
    period = RIDGE_PX * np.exp(RIDGE_SD * rng.standard_normal())
    luck = rng.random(len(tried)) * np.exp(np.maximum(CROWD_SD - crowd.at(tried.real, tried.imag), 0.0))
    places = scatter(tried, across, luck, period, HARD_PX, SOFT_PX, wanted)
    return np.ascontiguousarray(places.real), np.ascontiguousarray(places.imag)


def _directed(rng: np.random.Generator, flow: Flow, x: F8, y: F8) -> F8:
    """(n,) directions along the flow: mostly the one in which ridges move apart, because a new ridge fills the room."""
    room = flow.spread(x, y) + SPREAD_SD * rng.standard_normal(len(x))
    return flow.at(x, y) + np.pi * (room < 0.0)


def _with_invented(
    rng: np.random.Generator, x: F8, y: F8, angle: F8, ending: NDArray[np.bool_]
) -> tuple[F8, F8, F8, NDArray[np.bool_]]:
    """Invented minutiae lie near true ones, along their flow, as those of scars and wrinkles do not but those of noise do."""
    at = rng.integers(len(x), size=rng.poisson(INVENTED_SHARE * len(x)))
    aside = rng.uniform(12.0, 40.0, len(at)) * np.exp(1j * rng.uniform(0.0, TURN, len(at)))
    turned = angle[at] + np.pi * rng.integers(0, 2, len(at)) + 0.2 * rng.standard_normal(len(at))
    return (
        np.append(x, x[at] + aside.real), np.append(y, y[at] + aside.imag), np.append(angle, turned),
        np.append(ending, rng.random(len(at)) < ENDING_SHARE),
    )  # fmt: skip


def _template(
    rng: np.random.Generator, x: F8, y: F8, angle: F8, ending: NDArray[np.bool_], sensor: Sensor, position: int
) -> FingerTemplate:
    """Whole pixels and qualities like LEADER's, best first."""
    quality = np.sort(np.maximum(QUALITY_BEST - QUALITY_FALL * rng.exponential(size=len(x)), QUALITY_MIN))[::-1]
    wrapped = np.mod(angle.astype(np.float32), np.float32(TURN)) % np.float32(TURN)
    return FingerTemplate(
        x=np.floor(x).astype(np.float32),
        y=np.floor(y).astype(np.float32),
        angle=wrapped,
        ending=ending,
        quality=quality.astype(np.float32),
        width=sensor.width,
        height=sensor.height,
        position=position,
    )
