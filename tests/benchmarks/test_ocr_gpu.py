import json

from PIL import Image, ImageDraw, ImageFont

from benchmarks import ocr_gpu


def test_figures_for_each_size_of_batch(tmp_path, monkeypatch, capsys):
    """On the CPU, where the same code runs."""
    image = Image.new("RGB", (320, 64), "white")
    ImageDraw.Draw(image).text((20, 12), "Total 42", fill="black", font=ImageFont.load_default(32))
    for name in ("a.png", "b.png"):
        image.save(tmp_path / name)
    flags = ["--device", "cpu", "--rounds", "2", "--threads", "2", "--batch_pixels", "100000", "--json"]
    monkeypatch.setattr("sys.argv", ["ocr_gpu.py", "--images", str(tmp_path), *flags])

    assert ocr_gpu.main() == 0

    (row,) = json.loads(capsys.readouterr().out)
    assert (row["batch_pixels"], row["lines"], row["busy"], row["peak_mib"]) == (100_000, 1, None, None)
    assert row["pages_s"] > 0
    assert 1 <= row["pages_a_batch"] <= 2
    assert 1 <= row["lines_a_batch"] <= 2
