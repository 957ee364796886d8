"""The random forest of NFIQ 2: features to a score, the share of trees that vote for high quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAF = -1
NODES_MAX = 4096  # of a tree; chosen: three times the largest of NFIQ 2 (1,445)
TREES = 100  # so that the votes are the score

I4 = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """TREES trees one after the other; a node is at most `threshold` of its `feature` -> `left`, else -> `right`.

    feature, left, right: (nodes,), LEAF in leaves; left and right count from the tree's first node. threshold: (nodes,) float32.
    vote: (nodes,) bool, of a leaf. starts: (TREES,) first nodes.

    Raises ValueError unless every child lies after its parent within the same tree: then each walk ends, and stays inside.
    """

    feature: I4
    threshold: NDArray[np.float32]
    left: I4
    right: I4
    vote: NDArray[np.bool_]
    starts: I4
    features: int

    def __post_init__(self) -> None:
        nodes = len(self.feature)
        if any(column.shape != (nodes,) for column in (self.threshold, self.left, self.right, self.vote)):
            raise ValueError("the columns of a forest's nodes differ in length")
        if self.starts.shape != (TREES,) or self.starts[0] != 0:
            raise ValueError(f"a forest has {TREES} trees, the first at node 0")
        sizes = np.diff(np.append(self.starts, nodes))
        if not ((sizes > 0) & (sizes <= NODES_MAX)).all():
            raise ValueError(f"a tree has 1 to {NODES_MAX} nodes")
        inner = self.feature != LEAF
        if (
            not ((self.feature >= LEAF) & (self.feature < self.features)).all()
            or not np.isfinite(self.threshold[inner]).all()
        ):
            raise ValueError("a node asks for a feature there is not, or for a threshold that is no number")
        place, size = np.arange(nodes) - np.repeat(self.starts, sizes), np.repeat(sizes, sizes)
        for child in (self.left, self.right):
            if not ((child > place) & (child < size))[inner].all():
                raise ValueError("a node's child does not come after it in its tree")


def votes(forest: Forest, native: NDArray[np.float64]) -> float:
    """Trees that vote for high quality, 0 to 100; NaN if a feature is not finite. native: (features,)."""
    if native.shape != (forest.features,):
        raise ValueError(f"the forest wants {forest.features} features")
    if not np.isfinite(native).all():
        return float("nan")
    values = native.astype(np.float32)
    at = forest.starts.copy()
    asks = forest.feature[at]
    while (inner := np.flatnonzero(asks != LEAF)).size:
        node = at[inner]
        lower = values[asks[inner]] <= forest.threshold[node]
        at[inner] = forest.starts[inner] + np.where(lower, forest.left[node], forest.right[node])
        asks = forest.feature[at]
    return float(np.count_nonzero(forest.vote[at]))
