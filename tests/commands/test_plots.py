"""Goal: plots say what the numbers say, the same bytes each time, and their absence is a named error."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from egate.commands.bench.plots import Series, curve_plot, det_plot, histogram_plot
from egate.errors import ConfigurationError
from egate.inference.image.decoder import decode

RATES = np.array([0.5, 0.1, 0.01, 0.001, 0.0])


def draw_det(path: Path) -> None:
    det_plot([Series("engine A", RATES, RATES[::-1]), Series("point", [0.01], [0.02])], path, title="a title")


def draw_histogram(path: Path) -> None:
    rng = np.random.default_rng(1)
    groups = {"mated": rng.normal(3, 1, 1_000), "non-mated": np.append(rng.normal(0, 1, 5_000), [np.nan, np.inf])}
    histogram_plot(groups, path, marks={"FMR 0.001": 2.5})


def draw_curve(path: Path) -> None:
    line = Series("with a band", [1, 10, 100], [0.1, np.nan, 0.3], low=[0.05, 0.1, 0.2], high=[0.2, 0.3, 0.4])
    curve_plot([line], path, xlabel="trials", ylabel="rate", x_log=True, y_log=True)


PLOTS = pytest.mark.parametrize("draw", [draw_det, draw_histogram, draw_curve])


@PLOTS
@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_same_numbers_same_bytes(draw: Callable[[Path], None], suffix: str, tmp_path: Path) -> None:
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    draw(first)
    draw(second)
    assert first.read_bytes() == second.read_bytes()


def test_same_bytes_from_another_process_with_its_own_hash_seed_and_settings(tmp_path: Path) -> None:
    here, there = tmp_path / "here.svg", tmp_path / "there.svg"
    draw_det(here)
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\n")
    code = "from pathlib import Path; from tests.commands.test_plots import draw_det; draw_det(Path('there.svg'))"
    project = str(Path(__file__).parents[2])
    environment = {"PYTHONHASHSEED": "3", "PYTHONPATH": project, "MPLCONFIGDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)
    assert here.read_bytes() == there.read_bytes()


@PLOTS
def test_png_is_an_image_with_something_on_it(draw: Callable[[Path], None], tmp_path: Path) -> None:
    draw(tmp_path / "plot.png")
    pixels = decode((tmp_path / "plot.png").read_bytes())
    assert pixels.shape == (600, 840, 3)
    assert len(np.unique(pixels)) > 20


def test_svg_keeps_its_words_and_no_date(tmp_path: Path) -> None:
    draw_det(tmp_path / "plot.svg")
    text = (tmp_path / "plot.svg").read_text()
    for words in ("engine A", "a title", "false match rate (%)", "false non-match rate (%)", ">0.01<"):
        assert words in text
    assert "dc:date" not in text


def test_changed_numbers_change_the_plot(tmp_path: Path) -> None:
    draw_det(tmp_path / "a.svg")
    det_plot([Series("engine A", RATES, RATES[::-1] * 0.9), Series("point", [0.01], [0.02])], tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() != (tmp_path / "b.svg").read_bytes()


def test_nothing_to_draw_is_an_empty_plot(tmp_path: Path) -> None:
    det_plot([], tmp_path / "det.svg")
    histogram_plot({"mated": [np.nan]}, tmp_path / "histogram.svg")
    assert (tmp_path / "det.svg").is_file()
    assert (tmp_path / "histogram.svg").is_file()


def test_other_suffix_or_absent_folder_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="png or"):
        draw_det(tmp_path / "plot.pdf")
    with pytest.raises(ConfigurationError, match=r"cannot write plot\.svg"):
        draw_det(tmp_path / "absent" / "plot.svg")


def test_absent_matplotlib_is_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # what Python itself does where an import must fail
    with pytest.raises(ConfigurationError, match=r"install egate\[lab\]"):
        draw_det(tmp_path / "plot.svg")


def test_matplotlib_is_imported_on_first_use_only() -> None:
    code = "import sys, egate.commands.bench.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
