"""Damaged inputs without coverage: what runs where atheris is absent, and in every `make test`. The same seed gives the same inputs."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from tests.fuzz.target import INPUT_SIZE_MAX

_INTERESTING = (0x00, 0x01, 0x1F, 0x30, 0x7F, 0x80, 0x81, 0x82, 0x83, 0x84, 0xA0, 0xFF)
_CHANGES_MAX = 6


def inputs(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """The seeds, then without end mutations of them."""
    draw = random.Random(seed)
    pool = [piece[:INPUT_SIZE_MAX] for piece in seeds] or [b""]
    yield from pool
    while True:
        data = bytearray(draw.choice(pool))
        for _ in range(draw.randint(1, _CHANGES_MAX)):
            _change(data, pool, draw)
        yield bytes(data[:INPUT_SIZE_MAX])


def _change(data: bytearray, pool: Sequence[bytes], draw: random.Random) -> None:
    # Structure is at the front: half of the changes go to the first 64 bytes.
    reach = len(data) if draw.random() < 0.5 else min(64, len(data))
    at = draw.randrange(reach) if reach else 0
    kind = draw.randrange(8)
    if kind == 0 and data:
        data[at] ^= 1 << draw.randrange(8)
    elif kind == 1 and data:
        data[at] = draw.choice(_INTERESTING)
    elif kind == 2 and data:
        data[at] = (data[at] + draw.choice((-1, 1))) & 0xFF
    elif kind == 3 and data:
        del data[at : at + draw.choice((1, 1, 2, 4, 16, 256))]
    elif kind == 4:
        data[at:at] = draw.randbytes(draw.choice((1, 1, 2, 4, 16)))
    elif kind == 5:
        data[at:at] = data[at : at + draw.choice((2, 8, 64))]  # an element twice
    elif kind == 6:
        other = draw.choice(pool)
        start = draw.randrange(len(other)) if other else 0
        data[at:] = other[start:]
    elif kind == 7 and data:
        del data[draw.randrange(len(data)) :]
