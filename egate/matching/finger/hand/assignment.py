"""Which finger of unknown position is which: the one-to-one assignment with the largest sum."""

from __future__ import annotations

import math
from collections.abc import Sequence


def assign(table: Sequence[Sequence[float]]) -> tuple[int, ...]:
    """The column of each row, all different, so that the sum of (n, m) table over them is largest; n <= m <= 10.

    -inf is allowed and taken only where there is nothing else. The sum does not depend on the order of rows or columns. Exact: over the
    sets of columns used so far, 2^m of them (10 x 10 in 10 ms).
    """
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for row in table:
        grown: dict[int, tuple[float, tuple[int, ...]]] = {}
        for used, (total, columns) in best.items():
            for column, value in enumerate(row):
                after = used | 1 << column
                if after != used and total + value >= grown.get(after, (-math.inf,))[0]:
                    grown[after] = (total + value, (*columns, column))
        best = grown
    return max(best.values())[1]
