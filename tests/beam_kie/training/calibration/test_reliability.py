import json
import sys

import numpy as np
import pytest
from PIL import Image

from beam_kie.training.calibration.reliability import draw, main, reliability


def test_error_of_overconfident_findings_is_exact():
    found = reliability(np.full(10, 0.9), np.arange(10) < 6)

    assert found.ece == pytest.approx(0.3)
    assert found.counts.tolist() == [10]
    assert (found.mean_confidence, found.share_right) == pytest.approx((0.9, 0.6))


def test_bins_are_averaged_by_how_many_they_hold():
    # Bin ]13/15, 14/15]: 30 with 0.9, all right. Bin ]2/15, 3/15]: 10 with 0.2, half of them right.
    confidences = np.array([0.9] * 30 + [0.2] * 10)
    right = np.array([True] * 30 + [True, False] * 5)

    found = reliability(confidences, right)

    assert found.ece == pytest.approx(0.75 * 0.1 + 0.25 * 0.3)
    assert found.as_dict()["bins"] == [[10, 0.2, 0.5], [30, 0.9, 1.0]]


def test_errors_of_the_two_directions_within_a_bin_make_up_for_each_other():
    assert reliability(np.array([0.94, 0.96]), np.array([True, True]), bins=1).ece == pytest.approx(0.05)
    assert reliability(np.array([0.3, 0.7]), np.array([True, False]), bins=1).ece == pytest.approx(0)


@pytest.mark.parametrize(
    ("confidence", "bins", "counts"), [(0.0, 2, 1), (0.5, 2, 1), (1.0, 2, 1), (0.500001, 2, 1)]
)
def test_every_confidence_has_its_bin(confidence, bins, counts):
    assert reliability(np.array([confidence, 0.6]), np.array([True, True]), bins).counts.sum() == 2


def test_a_border_belongs_to_the_bin_below():
    assert reliability(np.array([0.5, 0.4]), np.array([True, True]), 2).counts.tolist() == [2]
    assert reliability(np.array([0.5, 0.6]), np.array([True, True]), 2).counts.tolist() == [1, 1]


def test_confidences_that_are_probabilities_have_hardly_any_error():
    random = np.random.default_rng(0)
    confidences = random.uniform(size=200_000)

    assert reliability(confidences, random.uniform(size=200_000) < confidences).ece < 0.01


def test_nothing_has_no_error():
    assert reliability(np.zeros(0), np.zeros(0, dtype=bool)).ece == 0


@pytest.fixture
def report(tmp_path):
    before, after = (
        reliability(np.full(8, 0.9), np.arange(8) < 4),
        reliability(np.full(8, 0.5), np.arange(8) < 4),
    )
    groups = [
        {
            "kind": kind,
            "lines": lines,
            "source": source,
            "count": 8,
            "before": before.as_dict(),
            "after": after.as_dict(),
        }
        for kind in ("entities", "relations")
        for lines in ("gold", "OCR")
        for source in (None, "one")
    ]
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"groups": groups}))
    return path


def test_the_plot_has_a_panel_for_each_kind_of_finding_and_of_lines(report, tmp_path):
    pytest.importorskip("matplotlib", reason="the train extra is not installed")
    picture = tmp_path / "plot.png"

    assert main([str(report), "--output", str(picture)]) == 0

    with Image.open(picture) as image:
        width, height = image.size
        assert 0.8 < width / height < 1.2
        assert len(np.unique(np.asarray(image.convert("RGB")).reshape(-1, 3), axis=0)) > 20
    draw(json.loads(report.read_text()), tmp_path / "again.png")
    assert (tmp_path / "again.png").read_bytes() == picture.read_bytes()


def test_what_cannot_be_drawn_is_one_line(report, tmp_path, capsys, monkeypatch):
    assert main([str(tmp_path / "none.json"), "--output", str(tmp_path / "x.png")]) == 2
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([str(report), "--output", str(tmp_path / "x.png")]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "none.json" in first and "pip install matplotlib" in second
    assert not (tmp_path / "x.png").exists()
