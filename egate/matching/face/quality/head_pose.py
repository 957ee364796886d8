"""Yaw, pitch and roll of a head from five points, ISO/IEC 29794-5: a rigid face of average shape, seen from far away.

The shape is not taken from anybody's model: it is what explains the points of all faces of pairs_lfw best, each with a pose of its own
(bundle adjustment over 4,554 faces and their mirror images, from several starts to the same end). Its pitch is relative to the
average photograph of that set. Standard deviation of the error with individual shapes, points off by 2.5 % of the distance of the eyes and
a camera at half a metre or more (simulated): 5 degrees of yaw, 7 of pitch, 2 of roll; two looks at one face of pairs_lfw at different sizes
differ by 5, 4 and 2. Limits: nobody has the average face, an opened mouth moves two of five points, and the detector draws
the points of a tilted head too upright (egate.inference.face.tilt).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# x to the image's right, y down, z away from the camera; unit: the distance of the eyes.
NOSE_Y, NOSE_Z, MOUTH_X, MOUTH_Y = 0.545, -0.361, 0.429, 1.0
SHAPE = np.array(
    [(-0.5, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, NOSE_Y, NOSE_Z), (-MOUTH_X, MOUTH_Y, 0.0), (MOUTH_X, MOUTH_Y, 0.0)]
)
CENTRED = SHAPE - SHAPE.mean(axis=0)
STEPS = 6  # of Gauss-Newton; measured: after four the angles of pairs_lfw move by less than 0.1 degrees
STEP_RAD_MAX = 0.5
SPREAD_MIN = 1e-6  # px²: points nearer to each other than that have no pose


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees; NaN if the points have no pose.

    yaw: positive where the nose points to the image's right. pitch: positive where it points up. roll: positive clockwise.
    """

    yaw: float
    pitch: float
    roll: float


NO_POSE = HeadPose(math.nan, math.nan, math.nan)


def head_pose(points: NDArray[np.float32]) -> HeadPose:
    """Pose of (5, 2) points: weak perspective, least squares. Time: about 0.2 ms."""
    seen = points.astype(np.float64)
    seen -= seen.mean(axis=0)
    spread = float((seen * seen).sum())
    if not SPREAD_MIN < spread < math.inf:
        return NO_POSE
    rotation = _fit(seen / math.sqrt(spread))
    # R = Rz(roll) Ry(yaw) Rx(pitch); the nose points along minus the third column.
    yaw = math.degrees(math.asin(min(max(float(rotation[2, 0]), -1.0), 1.0)))
    pitch = -math.degrees(math.atan2(rotation[2, 1], rotation[2, 2]))
    roll = math.degrees(math.atan2(rotation[1, 0], rotation[0, 0]))
    return HeadPose(yaw, pitch, roll)


def _fit(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) rotation of the shape that explains the (5, 2) centred points best, with a scale of its own."""
    rotation, scale = _upright(seen)
    jacobian = np.empty((5, 2, 4))
    for _ in range(STEPS):
        turned = CENTRED @ rotation.T
        x, y, z = turned.T
        residual = seen - scale * turned[:, :2]
        # A small turn w moves p by w x p: (wy z - wz y, wz x - wx z).
        jacobian[:, 0] = np.stack([0.0 * z, scale * z, -scale * y, x], axis=1)
        jacobian[:, 1] = np.stack([-scale * z, 0.0 * z, scale * x, y], axis=1)
        flat = jacobian.reshape(10, 4)
        step = np.linalg.solve(flat.T @ flat + 1e-9 * np.eye(4), flat.T @ residual.ravel())
        rotation = _turn(step[:3]) @ rotation
        scale += float(step[3])
    return rotation


def _upright(seen: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The best rotation in the image's plane and its scale: where the fit starts."""
    z, w = CENTRED[:, 0] + 1j * CENTRED[:, 1], seen[:, 0] + 1j * seen[:, 1]
    factor = complex(np.vdot(z, w) / np.vdot(z, z).real)
    scale = max(abs(factor), 1e-3)
    c, s = factor.real / scale, factor.imag / scale
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]), scale


def _turn(w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rotation about w by its length, at most STEP_RAD_MAX (Rodrigues)."""
    angle = math.sqrt(float(w @ w))
    if angle < 1e-12:
        return np.eye(3)
    x, y, z = w / angle
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = min(angle, STEP_RAD_MAX)
    return np.asarray(np.eye(3) + math.sin(angle) * cross + (1.0 - math.cos(angle)) * (cross @ cross))
