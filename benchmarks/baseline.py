"""The baseline: scans processed as PaddleOCR's scripts do it, one page after the other. Prints JSON.

    python benchmarks/baseline.py --input FOLDER [--model bundled|layoutxlm]

Per page: decode with OpenCV; text by the official PaddleOCR class (engine "onnxruntime", the ONNX files that
the job reads with, pages searched at 960 pixels as in PaddleOCR's KIE scripts); one SER pass; one RE pass
through an encoder of its own. float32, no batches, no overlap between pages; nothing is drawn or written.

``--model bundled`` takes the job's own weights, so that only the processing differs.
``--model layoutxlm`` takes two networks of LayoutXLM-base's size with random weights, as PaddleOCR publishes
them: SER and RE, each with a visual backbone. All networks run in PyTorch and without padding, which is
faster than Paddle's own (docs/performance.md), and pages are cut at 512 tokens, as the scripts do.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MOST_TOKENS = 512
OCR_MAX_SIDE = 960
# Of the lines of the page that PaddleOCR was timed on, a third were keys and half were values.
LABELS = ("QUESTION", "ANSWER", "ANSWER", "QUESTION", "ANSWER", None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--input", nargs="+", required=True, help="folders of scans, one page each")
    parser.add_argument("--model", choices=("bundled", "layoutxlm"), default="bundled")
    arguments = parser.parse_args()
    files = sorted(path for folder in arguments.input for path in Path(folder).iterdir())
    print(json.dumps(measure(files, arguments.model)))
    return 0


def measure(files: Sequence[Path], model: str) -> dict:
    """CPU seconds of every stage, all pages together, without the loading of models."""
    from beam_kie.ocr import Engine, OcrOptions, create_engine

    options = OcrOptions(engine=Engine.PADDLEOCR, device="cpu", max_side=OCR_MAX_SIDE, detect_rotation=False)
    ocr = create_engine(options)
    ser, re = load_bundled() if model == "bundled" else load_full_size()
    cpu = dict.fromkeys(("decode", "ocr", "ser", "re"), 0.0)

    def timed(stage: str, work: Callable, *values):
        started = time.process_time()
        result = work(*values)
        cpu[stage] += time.process_time() - started
        return result

    lines = 0
    for path in files:
        image = timed("decode", read_page, path)
        (text,) = timed("ocr", ocr.read, [image])
        text = pictured(first_tokens(text, ser), image, ser)
        (entities,) = timed("ser", ser.find_entities, [text])
        timed("re", re.relate, [text], [entities if model == "bundled" else labelled(text)])
        lines += len(text.lines)
    return {"pages": len(files), "lines": lines, "cpu_s": {k: round(v, 3) for k, v in cpu.items()}}


def read_page(path: Path):
    """One picture, decoded as the scripts do it."""
    import cv2

    from beam_kie.document import PageImage

    pixels = cv2.imread(str(path))
    if pixels is None:
        raise SystemExit(f"{path} is no image that OpenCV reads: the baseline takes images of single pages")
    return PageImage(path.name, str(path), 1, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def load_bundled():
    """The bundled model in float32, for both passes."""
    from beam_kie.layoutxlm.model import KieModel
    from model_store import resolve

    model = KieModel.load(resolve("bundled"), device="cpu", dtype="float32")
    return model, model


def load_full_size():
    """SER and RE networks of the published size, with random weights and the bundled model's tokenizer."""
    from beam_kie.layoutxlm.inputs.tokenizer import load_tokenizer
    from benchmarks.layoutxlm import load
    from model_store import resolve

    settings = SimpleNamespace(device="cpu", dtype="float32")
    tokenizer = load_tokenizer(resolve("bundled"))
    models = load("ser", settings), load("re", settings)
    for model in models:
        model.tokenizer = tokenizer
    return models


def pictured(text, image, model):
    """The page with what the network looks at, a thumbnail or strips of its lines."""
    from beam_kie.layoutxlm.inputs.images import with_picture

    if model.pictures is None:
        return text
    return with_picture(text, image.pixels, model.pictures)


def first_tokens(text, model):
    """The page's first lines, as many as fit 512 tokens."""
    kept, used = [], 0
    for line in text.lines:
        used += model.count_tokens(replace(text, lines=(line,)))
        if used > MOST_TOKENS:
            break
        kept.append(line)
    return replace(text, lines=tuple(kept))


def labelled(text):
    """Entities for networks that find nothing sensible: every line but each sixth is a key or a value."""
    from beam_kie.document import Entity, LineSpan

    labels = (LABELS[index % len(LABELS)] for index in range(len(text.lines)))
    return [
        Entity(label, line.text, line.polygon, 1.0, (LineSpan(index, 0, len(line.text)),))
        for index, (line, label) in enumerate(zip(text.lines, labels, strict=True))
        if label
    ]


if __name__ == "__main__":
    sys.exit(main())
