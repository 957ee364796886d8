"""Compiles every numba kernel that is not in its cache yet, so that tests in several processes do not each do it.

python -m tests.kernels
"""

from __future__ import annotations

from egate.inference.finger.engine import load_finger_engine
from egate.inference.weights.store import ModelStore
from egate.matching.finger.search import search


def main() -> None:
    load_finger_engine(ModelStore())
    search.warm_up()


if __name__ == "__main__":
    main()
