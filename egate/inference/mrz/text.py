"""Reads lines of the MRZ with a text recogniser (connectionist temporal classification) masked to the MRZ's alphabet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from egate.document.zone.check_digit import ALPHABET, FILLER
from egate.document.zone.mrz_format import FieldKind
from egate.domain.biometric import Image
from egate.errors import ModelError
from egate.inference.weights.store import ModelStore

MODEL = "mrz-text"
LINE_HEIGHT_PX = 48
LINE_WIDTH_PX_MAX = 2400  # chosen; a TD3's line is 1300 wide

CHARACTERS = ALPHABET + FILLER
# Chosen between what was seen: a printed N with tilde 0.96 and more, blurred characters of the alphabet up to 0.53.
FOREIGN_MIN = 0.85

_OF_KIND = {
    FieldKind.LETTERS: np.array([character in ALPHABET[10:] + FILLER for character in CHARACTERS]),
    FieldKind.DATE: np.array([character in ALPHABET[:10] + FILLER for character in CHARACTERS]),
    FieldKind.DIGIT: np.array([character in ALPHABET[:10] + FILLER for character in CHARACTERS]),
    FieldKind.MIXED: np.ones(len(CHARACTERS), bool),
}


@dataclass(frozen=True, slots=True, repr=False)
class LineReading:
    """scores: (n, 37) float32, one row per character found, columns as CHARACTERS; each row's largest is the character.

    foreign: steps of the network where the recogniser is sure of a character outside of the alphabet.
    """

    scores: NDArray[np.float32]
    foreign: tuple[int, ...]

    @property
    def text(self) -> str:
        return "".join(CHARACTERS[index] for index in self.scores.argmax(1))

    def typed(self, kinds: Sequence[FieldKind]) -> str:
        """The likeliest character of each place's kind. kinds: one per character."""
        allowed = np.stack([_OF_KIND[kind] for kind in kinds])
        return "".join(CHARACTERS[index] for index in np.where(allowed, self.scores, -1.0).argmax(1))

    def __repr__(self) -> str:
        return f"LineReading({len(self.scores)} characters, redacted)"


class TextReader:
    """Thread-safe: it holds no state but the network."""

    def __init__(self, network: onnxruntime.InferenceSession) -> None:
        """Raises ModelError if the network's characters do not hold the MRZ's alphabet."""
        self._network = network
        self._input = network.get_inputs()[0].name
        # Blank, the characters of the metadata one per line, space: PP-OCR's order.
        table = ["", *network.get_modelmeta().custom_metadata_map.get("character", "").splitlines(), " "]
        try:
            self._columns = np.array([0, *(table.index(character) for character in CHARACTERS)])
        except ValueError:
            raise ModelError(f"model {MODEL} has not all characters of the MRZ") from None
        self._foreign = np.array([character.upper() not in CHARACTERS and character != " " for character in table])

    def read(self, line: Image) -> LineReading:
        """line: (48, w, 3) uint8 BGR, w <= 2400."""
        if line.ndim != 3 or line.shape[0] != LINE_HEIGHT_PX or line.shape[1] > LINE_WIDTH_PX_MAX:
            raise ValueError("not one line of text as the model takes it")
        pixels = (line.astype(np.float32).transpose(2, 0, 1)[None] / 255 - 0.5) / 0.5
        steps: NDArray[np.float32] = self._network.run(None, {self._input: pixels})[0][0]
        foreign = np.flatnonzero(steps[:, self._foreign].max(1) >= FOREIGN_MIN)
        return LineReading(_decoded(steps[:, self._columns]), tuple(foreign.tolist()))


def load_text_reader(store: ModelStore) -> TextReader:
    """Raises ModelError if the model is not installed."""
    return TextReader(store.session(MODEL))


def _decoded(steps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Greedy decoding: a run of steps with the same best class is that character once, blanks separate.

    steps: (t, 38) probabilities, blank first. Returns (n, 37): of each run the step at which it is clearest.
    """
    best = steps.argmax(1)
    ends = [*np.flatnonzero(np.diff(best)) + 1, len(best)]
    rows = []
    start = 0
    for end in ends:
        if best[start] != 0:
            run = steps[start:end, 1:]
            rows.append(run[run.max(1).argmax()])
        start = end
    return np.stack(rows) if rows else np.zeros((0, len(CHARACTERS)), np.float32)
