"""The searches of `egate bench identify finger`: who is enrolled, who is searched for, what was found and how long it took."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from egate.commands.bench.face_trials import Progress
from egate.commands.bench.finger_trials import Set
from egate.commands.bench.identify_synthetic import synthetic_finger
from egate.domain.biometric import FingerTemplate
from egate.errors import ConfigurationError, ImageError, TemplateError
from egate.inference.finger.engine import load_finger_engine
from egate.inference.finger.image import finger_image
from egate.inference.finger.resolution import DPI, choose_dpi
from egate.inference.weights.store import ModelStore
from egate.matching.finger.search.gallery import FingerGallery, Snapshot
from egate.matching.finger.search.search import Spread, scan, search

ENROLLED = 3  # impressions of a finger
IMAGES_MIN = ENROLLED + 1  # a finger without a probe says nothing
FINGERS_MIN = 2
SCANS = 20  # timed on one thread
HALVES = 2

# Finger -> its impressions in order of their numbers; None where no print was found.
Fingers = Mapping[str, Sequence[FingerTemplate | None]]


@dataclass(frozen=True, slots=True)
class Searched:
    """One mated search: the finger, its rank among the candidates (0 = not among them) and its score (0 then)."""

    finger: str
    rank: int
    score: float


@dataclass(slots=True)
class Found:
    """mated: searches for enrolled fingers. best_non_mated: best score of each search for one that is not, 0 if nothing was found.

    search_s: of every search. scan_s: of scans of all impressions, on one thread. failures: impressions that could not be enrolled.
    """

    fingers: int
    impressions: int = 0
    impression_bytes: int = 0
    failures: int = 0
    mated: list[Searched] = field(default_factory=list)
    best_non_mated: list[float] = field(default_factory=list)
    search_s: list[float] = field(default_factory=list)
    scan_s: list[float] = field(default_factory=list)


def load_fingers(store: ModelStore, sets: Mapping[str, Set], progress: Progress, dpi: float = DPI) -> Fingers:
    """Fingers of at least IMAGES_MIN images. Raises ConfigurationError if there are fewer than two.

    dpi: of images that state none. Raises ImageError if no image has that.
    """
    choose_dpi(None, dpi)
    engine = load_finger_engine(store)
    fingers: dict[str, list[FingerTemplate | None]] = {}
    images = [(f"{name}/{number}", path) for name, members in sets.items() for number, path in members]
    for finger, path in progress(images):
        try:
            image = finger_image(path.read_bytes(), otherwise=dpi)
            template = engine.capture(image.pixels, dpi=image.dpi).template
        except ImageError:
            template = None
        fingers.setdefault(finger, []).append(template)
    usable = {finger: templates for finger, templates in fingers.items() if len(templates) >= IMAGES_MIN}
    if len(usable) < FINGERS_MIN:
        raise ConfigurationError(f"identification needs {FINGERS_MIN} fingers of {IMAGES_MIN} images each")
    return usable


def identify(
    fingers: Fingers, gallery_fingers: int, seed: int, spread: Spread, progress: Callable[[str], Progress]
) -> Found:
    """Both halves in turn among synthetic fingers. Raises ConfigurationError if gallery_fingers is less than a half."""
    halves = [list(fingers)[half::HALVES] for half in range(HALVES)]
    if gallery_fingers < len(halves[0]):
        raise ConfigurationError(
            f"a gallery of {gallery_fingers} has no place for {len(halves[0])} fingers of the data"
        )
    found = Found(len(fingers))
    gallery = FingerGallery(gallery_fingers * ENROLLED)
    for number in progress("synthetic")(range(gallery_fingers - len(halves[0]))):
        for template in synthetic_finger(seed, number, ENROLLED):
            found.failures += not _enrolled(gallery, f"synthetic/{number}", template)
    for half in range(HALVES):
        enrolled, others = halves[half], halves[1 - half]
        for finger in enrolled:
            for impression in fingers[finger][:ENROLLED]:
                found.failures += not _enrolled(gallery, finger, impression)
        _search_all(found, gallery.snapshot(), fingers, enrolled, others, spread, progress(f"half {half + 1}"))
        found.impressions = len(gallery)
        for finger in enrolled:
            gallery.remove(finger)
    return found


def _search_all(
    found: Found,
    gallery: Snapshot,
    fingers: Fingers,
    enrolled: Sequence[str],
    others: Sequence[str],
    spread: Spread,
    progress: Progress,
) -> None:
    mated = [(finger, probe) for finger in enrolled for probe in fingers[finger][ENROLLED:]]
    non_mated = [("", probe) for finger in others for probe in fingers[finger]]
    for finger, probe in progress([*mated, *non_mated]):
        start = time.perf_counter()
        candidates = () if probe is None else search(gallery, _unknown(probe), spread=spread)
        if probe is not None:
            found.search_s.append(time.perf_counter() - start)
        if finger:
            rank = next((rank for rank, one in enumerate(candidates, 1) if one.identity == finger), 0)
            found.mated.append(Searched(finger, rank, candidates[rank - 1].score if rank else 0.0))
        else:
            found.best_non_mated.append(candidates[0].score if candidates else 0.0)
    wanted = gallery.wanted(0)
    for probe in [probe for _, probe in mated if probe is not None][:SCANS]:
        start = time.perf_counter()
        scan(gallery, probe, wanted)
        found.scan_s.append(time.perf_counter() - start)
    found.impression_bytes = gallery.stored.impression_bytes


def _unknown(probe: FingerTemplate) -> FingerTemplate:
    """All are searched as of unknown position: the harder question."""
    return replace(probe, position=0)


def _enrolled(gallery: FingerGallery, finger: str, template: FingerTemplate | None) -> bool:
    """Whether the impression could be enrolled."""
    try:
        if template is not None:
            gallery.add(finger, _unknown(template))
    except TemplateError:
        return False
    return template is not None
