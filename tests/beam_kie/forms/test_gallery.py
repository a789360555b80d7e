from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from beam_kie.forms import gallery


def test_thumbnails_are_written_side_by_side(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(gallery, "ROWS", 1)
    path = tmp_path / "docs" / "forms.jpg"
    assert gallery.main(["--output", str(path)]) == 0
    assert "forms.jpg" in capsys.readouterr().out
    with Image.open(path) as image:
        assert image.size == (10 * 194 + 8, 258 + 8)
        pixels = np.asarray(image.convert("L")).astype(int)
        places = [pixels[8:258, 8 + n * 194 : 194 + n * 194] for n in range(10)]
        assert all((abs(place - 172) > 20).mean() > 0.2 for place in places)


def test_another_ending_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        gallery.main(["--output", str(tmp_path / "forms.png")])
    assert stopped.value.code == 2
    assert ".jpg" in capsys.readouterr().err


def test_the_picture_in_the_documentation_is_no_large_file():
    path = Path(__file__).parents[3] / "docs" / "forms.jpg"
    assert path.stat().st_size < 600_000
    with Image.open(path) as image:
        assert image.size == (10 * 194 + 8, 5 * 258 + 8)
