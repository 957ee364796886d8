"""Weights of the evidence in `minutiae_evidence.log_likelihood_ratio`.

Ridge logistic regression over the whole and partial prints of five FVC sets, prior odds taken off, rounded:
    python -m bench.finger.calibrate fit --root CORPUS/fingers --models DIR
Each sign says what one expects: more agreement is more evidence; `minutiae_evidence.weigh` relies on it. Fitted on four sets and
judged on the fifth: mean EER 1.50 %, as fitted on all, so they are not bound to a sensor.
Changing them changes every score: measure models/finger-minutiae/calibration.csv anew.
"""

from __future__ import annotations

import numpy as np

WEIGHTS = np.array([-8.9, 9.1, 2.7, 37.9])
WEIGHTS.flags.writeable = False
