"""How the review page bears a large run: ``python benchmarks/review.py [--pages 10000] [--pairs 40]``.

Makes the review of a run that never was, opens it in Chromium (Playwright of the dev extra and a browser are
needed) and measures what a person waits for. Not a job's speed: rows are made up, not read.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from beam_kie.review.files import review_files  # noqa: E402
from beam_kie.review.pages import PageRows, Row  # noqa: E402
from beam_kie.review.pictures import Pictures  # noqa: E402

WORDS = ("invoice", "number", "date", "total", "amount", "due", "customer", "name", "street", "order", "tax")
WIDTH, HEIGHT = 1654, 2339
FRAMES = """() => new Promise((resolve) => {
  const scroller = document.querySelector('.scroller'), gaps = [];
  let last = performance.now(), steps = 0, most = 0;
  const step = (now) => {
    gaps.push(now - last); last = now; steps += 1;
    most = Math.max(most, document.querySelectorAll('.documents li').length);
    scroller.scrollTop = (steps / 120) * scroller.scrollHeight;
    if (steps < 120) requestAnimationFrame(step);
    else resolve({ gaps: gaps.slice(1).sort((a, b) => a - b), rows: most });
  };
  requestAnimationFrame(step);
})"""


def made_up_rows(pages: int, pairs: int) -> Iterator[PageRows]:
    """Rows of ``pages`` documents of one page with ``pairs`` pairs each; page 7 of every thousand failed."""
    for number in range(pages):
        document_id = f"{number:032x}"
        document = {
            "document_id": document_id,
            "uri": f"gs://scans/{number // 100:04d}/scan_{number:06d}.jpg",
        }
        failed = number % 1000 == 7
        about = {"format": "jpeg", "page_count": 1, "pages_ok": int(not failed), "result_run_id": None}
        rows = {"documents": [document | about | {"status": "FAILURE" if failed else "SUCCESS"}]}
        failure = {"document_id": document_id, "page": None, "stage": "DECODE", "category": "FILE_CORRUPT"}
        if failed:
            rows["failures"] = [
                failure | {"message": "the file is cut off: copy it again", "retryable": False}
            ]
        yield PageRows(document_id, 0, rows)
        if not failed:
            yield PageRows(document_id, 1, _page(document_id, number, pairs))


def _page(document_id: str, number: int, pairs: int) -> dict[str, list[Row]]:
    geometry = {"page_width_px": WIDTH, "page_height_px": HEIGHT, "rotation_deg": 0, "text_source": "ocr"}
    entities, found = [], []
    for pair in range(pairs):
        word = WORDS[(number + pair) % len(WORDS)]
        confidence = 1 - ((number * 37 + pair * 11) % 60) / 100
        y = 60 + pair * (HEIGHT - 120) // max(1, pairs)
        for side, (label, text) in enumerate(
            (("QUESTION", f"{word.title()}:"), ("ANSWER", f"{word} {number}-{pair}"))
        ):
            x = 100 + side * 700
            entities.append(
                {
                    "entity_id": f"{pair}/{side}",
                    "entity_index": 2 * pair + side,
                    "label": label,
                    "text": text,
                    "confidence": confidence,
                    "polygon": [x, y, x + 400, y, x + 400, y + 36, x, y + 36],
                }
            )
        ends = {"key_entity_id": f"{pair}/0", "value_entity_id": f"{pair}/1", "key_label": "QUESTION"}
        plain = {
            "value_type": None,
            "value_normalised": None,
            "value_currency": None,
            "value_label": "ANSWER",
        }
        found.append(
            {"pair_index": pair, "confidence": confidence, "relation_confidence": 0.9} | ends | plain
        )
    return {
        "pages": [{"document_id": document_id, "page": 1} | geometry],
        "entities": entities,
        "key_values": found,
    }


def write_made_up(folder: Path, pages: int, pairs: int) -> Path:
    """Write the review of a made-up run; the path of its ``index.html``."""
    index = folder
    for file in review_files({"run_id": "large"}, made_up_rows(pages, pairs), Pictures()):
        index = folder / file.name
        index.parent.mkdir(parents=True, exist_ok=True)
        index.write_bytes(file.data)
    return index


def measure(page, index: Path) -> dict[str, float]:
    """What a person waits for, in milliseconds, in an open browser page (Playwright's)."""
    found = {}

    def timed(name: str, work) -> None:
        start = time.perf_counter()
        work()
        found[name] = round((time.perf_counter() - start) * 1000)

    timed(
        "until the list is there",
        lambda: (page.goto(index.as_uri()), page.wait_for_selector("html[data-ready]")),
    )
    frames = page.evaluate(FRAMES)
    found["scrolling: middle frame"] = round(frames["gaps"][len(frames["gaps"]) // 2])
    found["scrolling: slowest of 120 frames"] = round(frames["gaps"][-1])
    found["rows in the document at most"] = frames["rows"]
    searched = "() => document.querySelector('.sums [role=status]').innerText.startsWith('1 document')"
    needle = page.evaluate("`${BeamKieReview.run.pages}`")
    for name in ("first search in all texts", "second search"):
        page.fill("#search", "")
        page.wait_for_function("() => document.querySelectorAll('.documents li').length > 1")
        page.fill("#search", f"{int(needle) - (3 if name.startswith('f') else 5)}-1")
        timed(name, lambda: page.wait_for_function(searched, timeout=120_000))
    timed("opening the page", lambda: (page.click(".document"), page.wait_for_selector(".pair")))
    found["memory of scripts in MB"] = round(page.evaluate("performance.memory.usedJSHeapSize") / 2**20)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        start = time.perf_counter()
        index = write_made_up(Path(folder), arguments.pages, arguments.pairs)
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(f"written in {seconds:.1f} s, {size / 2**20:.0f} MB")
        flags = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=flags)
        print(json.dumps(measure(browser.new_page(), index), indent=1))
        browser.close()


if __name__ == "__main__":
    main()
