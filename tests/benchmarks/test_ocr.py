import json

from PIL import Image, ImageDraw, ImageFont

from benchmarks import ocr


def test_the_small_recogniser_alone_is_an_engine_to_compare_with(tmp_path, monkeypatch, capsys):
    image = Image.new("RGB", (320, 64), "white")
    ImageDraw.Draw(image).text((20, 12), "Total 42", fill="black", font=ImageFont.load_default(32))
    image.save(tmp_path / "a.png")
    points = [[0, 0], [320, 0], [320, 64], [0, 64]]
    entry = {"transcription": "Total 42", "label": "other", "points": points, "id": 1, "linking": []}
    (tmp_path / "labels.txt").write_text(f"a.png\t{json.dumps([entry])}\n")
    flags = ["--labels", f"{tmp_path}/labels.txt", "--images", str(tmp_path), "--rounds", "1", "--json"]
    monkeypatch.setattr("sys.argv", ["ocr.py", *flags, "--engines", "ppocr_small", "ppocr"])

    assert ocr.main() == 0

    engines = json.loads(capsys.readouterr().out)["engines"]
    assert [engines[name]["accuracy"]["characters"] for name in ("ppocr_small", "ppocr")] == [100, 100]
    assert "tiny" not in engines["ppocr_small"]["cpu_s"]
    assert engines["ppocr_small"]["cpu_s"]["small"] > 0
