"""Goal: adding a face embedding is an entry and a calibration run, no code: from the user's file to an engine that tells people apart.

Method: the commands as a user gives them, into a folder of its own. MobileFaceNet and its images come from the corpus; what needs
no third model runs on the four photographs of the samples.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from egate.cli import main
from egate.errors import ModelError
from egate.inference.face.engine import load_face_engine
from egate.inference.image.decoder import decode
from egate.inference.weights.store import PROJECT_MODELS, ModelStore
from egate.matching.rates.calibration import parse_calibration
from tests.corpus import CORPUS

pytestmark = pytest.mark.models

FILE = CORPUS / "models" / "foamliu_MobileFaceNet.onnx"
PAIRS = CORPUS / "faces" / "pairs_lfw.csv"
MATED_ROWS, NON_MATED_ROWS = slice(0, 20), slice(300, 320)  # of its first fold
CARD = PROJECT_MODELS / "mobilefacenet" / "CARD.md"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A models folder without a manifest of its own, with the project's face models and samples."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in ("yunet", "sface", "dlib-resnet29", "samples"):
        (folder / name).symlink_to(ModelStore().root / name)
    return folder


@pytest.fixture
def photographs(root: Path, tmp_path: Path) -> Path:
    """pairs.csv of the samples: every pair of the one person's three photographs, and one of the other."""
    for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"):
        person = tmp_path / "faces" / re.sub(r"\d?\.jpg", "", name)
        person.mkdir(parents=True, exist_ok=True)
        (person / name).symlink_to(ModelStore(root).sample(name))
    one, two, three = ("obama/obama.jpg", "obama/obama2.jpg", "obama/obama3.jpg")
    rows = [(one, two, 1), (one, three, 1), (two, three, 1), (one, "biden/biden.jpg", 0)]
    return write_pairs(tmp_path / "faces" / "pairs.csv", rows)


def write_pairs(path: Path, rows: list[tuple[str, str, int]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("path_a", "path_b", "same"), *rows])
    return path


def calibrate(root: Path, pairs: Path, id: str, models: str, *more: str, faces: Path | None = None) -> int:
    words = ["--id", id, "--pairs", str(pairs), "--root", str(faces or pairs.parent), "--models", str(root), *more]
    return main(["calibrate", "face", *words, *(["--engine-models", models] if models else [])])


def scores(root: Path, id: str) -> tuple[float, float]:
    """Of two photographs of one person, and of two people."""
    store = ModelStore(root)
    engine = load_face_engine(store, id)
    templates = []
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        face = engine.capture(decode(store.sample(name).read_bytes())).face
        assert face is not None
        templates.append(face.template)
    one, again, other = templates
    return engine.compare(one, again).value, engine.compare(one, other).value


def entry_of_the_card() -> str:
    (block,) = re.findall(r"^```toml\n(.*?)^```$", CARD.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(block)


@pytest.mark.corpus
@pytest.mark.skipif(not FILE.is_file(), reason="no corpus: set EGATE_CORPUS")
@pytest.mark.timeout(600)
def test_mobilefacenet_alone_and_as_a_third_without_code(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "entry.toml").write_text(entry_of_the_card(), encoding="utf-8")
    (sha256,) = set(re.findall(r'^member_sha256 = "(.*)"$', entry_of_the_card(), re.MULTILINE))
    words = ["models", "add", str(FILE), "--sha256", sha256, "--entry", str(tmp_path / "entry.toml")]
    assert main([*words, "--models", str(root)]) == 0
    with pytest.raises(ModelError, match="not calibrated"):
        ModelStore(root).calibration("mobilefacenet")
    with PAIRS.open(newline="") as file:
        listed = [(row["path_a"], row["path_b"], int(row["same"])) for row in csv.DictReader(file)]
    pairs = write_pairs(tmp_path / "pairs.csv", listed[MATED_ROWS] + listed[NON_MATED_ROWS])
    engines = {"alone": "yunet,mobilefacenet", "three": "yunet,dlib-resnet29,sface,mobilefacenet"}
    for id, models in engines.items():
        assert calibrate(root, pairs, id, models, faces=PAIRS.parent) == 0
        same, different = scores(root, id)
        assert same >= ModelStore(root).calibration(id).threshold(1e-2) > different
    store = ModelStore(root)
    assert set(store.local.calibrations) == set(engines) and set(store.local.models) == {"mobilefacenet"}
    assert "mobilefacenet" in store.calibration("three").weights
    assert capsys.readouterr().out.count("can be used") == 2


def test_engine_of_the_users_own(root: Path, photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate(root, photographs, "mine", "yunet,sface", "--dataset", "Four photographs") == 0
    store = ModelStore(root)
    said, calibration = capsys.readouterr().out, store.calibration("mine")
    assert store.manifest.calibrations["mine"].sha256 in said and "local.toml" in said
    assert (calibration.mated, calibration.non_mated) == (3, 3)
    assert calibration.dataset.startswith("Four photographs: 4 images") and calibration.date
    assert calibration.command == "egate calibrate face --id mine --engine-models yunet,sface --pairs pairs.csv"
    assert str(root.parent) not in (root / "mine" / "calibration.csv").read_text()
    same, different = scores(root, "mine")
    assert same > different
    assert calibrate(root, photographs, "mine", "") == 0  # again, with the models it has


def test_engine_that_was_never_measured_cannot_be_loaded(root: Path) -> None:
    text = 'format = 1\n[[calibration]]\nid = "mine"\nmodels = ["yunet", "sface"]\nsha256 = ""\n'
    (root / "local.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        load_face_engine(ModelStore(root), "mine")
    assert caught.value.code == "MODEL_UNCALIBRATED"


def test_shipped_engine_is_written_and_its_hash_told(
    root: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(root, photographs, "face-fused", "") == 0
    written = root / "face-fused" / "calibration.csv"
    assert parse_calibration(written.read_text()).id == "face-fused"
    assert "belongs into the manifest" in capsys.readouterr().out
    assert not (root / "local.toml").exists()
    ModelStore(root).calibration("face-fused")  # the project's own is as it was


def test_one_person_under_two_names_is_no_impostor(
    root: Path, photographs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exclude = photographs.with_name("noise.csv")
    exclude.write_text("name_a,name_b\nbiden,obama\n")
    assert calibrate(root, photographs, "mine", "yunet,sface", "--exclude", str(exclude)) == 1
    assert "\negate: CALIBRATION_DATA: " in capsys.readouterr().err
    assert not (root / "mine").exists() and not (root / "local.toml").exists()


@pytest.mark.parametrize(
    ("id", "models", "code"),
    [
        ("../mine", "yunet,sface", "MODEL_MANIFEST"),
        ("mine", "", "MODEL_MANIFEST"),
        ("mine", "yunet,nobody", "MODEL_MANIFEST"),
        ("mine", "yunet,sface,sface", "MODEL_MANIFEST"),
        ("mine", "sface", "MODEL_ROLE"),
        ("mine", "yunet,leader", "MODEL_ROLE"),
        ("face-fused", "yunet,sface", "MODEL_MANIFEST"),
    ],
)
def test_engine_that_is_none(
    root: Path, photographs: Path, id: str, models: str, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(root, photographs, id, models) == 1
    assert capsys.readouterr().err.startswith(f"egate: {code}: ")


def test_name_that_is_no_line_of_text(root: Path, photographs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate(root, photographs, "mine", "yunet,sface", "--dataset", "a\n# weights: none") == 1
    assert capsys.readouterr().err.startswith("egate: CALIBRATION_DATA: ")
