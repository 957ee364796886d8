"""Weights of the evidence in `minutiae_kernels.log_likelihood_ratio`.

Logistic regression over 1,400 mated and 14,400 non-mated comparisons of five FVC sets, prior odds taken off, rounded:
    python -m bench.calibrate_finger fit --root CORPUS/fingers --models DIR
Each sign says what one expects: more agreement is more evidence, larger errors and unpaired minutiae are less. Fitted on
four sets and judged on the fifth: mean EER 1.21 % (fitted on all: 1.21 %), so they are not bound to a sensor.
Changing them changes every score: measure models/finger-minutiae/calibration.csv anew.
"""

from __future__ import annotations

import numpy as np

WEIGHTS = np.array([-9.4, 18.7, 3.6, -15.9, 3.5, 13.0, -2.1])
WEIGHTS.flags.writeable = False
