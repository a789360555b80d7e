"""A finished run made by hand, on disk: four documents, one of them hostile, one that failed."""

import json
from pathlib import Path

from beam_kie.document import Category, Stage
from beam_kie.overlays.page import draw_overlay
from beam_kie.review.pictures import thumbnail
from beam_kie.tables.rows import count_rows, document_row, failure_row, page_tables
from beam_kie.tables.schema import SCHEMAS
from beam_kie.tables.tallies import DocumentTally
from tests import pages
from tests.parquet_files import write_parquet
from transforms.runs import paths
from transforms.sinks.tables import shard_of

RUN_ID = "small"
MARKUP = "<img src=x onerror='window.hacked = 1'></script><script>window.hacked = 2</script>"
HOSTILE_FORM = [
    ("QUESTION", "</script><b>Bold?</b>", (100, 200, 420, 240)),
    ("ANSWER", MARKUP, (460, 200, 960, 240)),
    ("QUESTION", "Ticked", (100, 300, 220, 340)),
    ("ANSWER", "☐", (260, 300, 300, 340)),
    ("ANSWER", "on its own", (100, 400, 300, 440)),
]
TURNED = {"width_px": 1400, "height_px": 1000, "rotation_deg": 90, "preview": pages.preview(700, 500)}


def results():
    """Name of the file -> its pages. Of three.pdf the second page failed."""
    return {
        "form.jpg": [pages.result("form.jpg")],
        "<b>hostile.png": [
            pages.result("<b>hostile.png", form=HOSTILE_FORM, links=[(0, 1, 0.4), (2, 3, 0.3)])
        ],
        "three.pdf": [
            pages.result("three.pdf", 1, form=pages.FORM[1:3], links=[(0, 1, 0.99)]),
            pages.result("three.pdf", 3, form=pages.FORM[:5], links=[(1, 2, 0.95), (3, 4, 0.6)], **TURNED),
        ],
    }


def failures():
    return [
        pages.failure("three.pdf", 2, Stage.MODEL, Category.MODEL_FAILED),
        pages.failure("broken.jpg", None, Stage.DECODE, Category.FILE_CORRUPT),
    ]


def write_run(
    output: Path, shards: int = 1, clean: bool = True, run_id: str = RUN_ID, missing: str | None = None
) -> Path:
    """Tables, summary, overlays and (``clean``) pictures for the review; the folder of the output.

    ``missing`` names the file that lacks a required field.
    """
    rows = {table: [] for table in SCHEMAS}
    tallies = {name: DocumentTally() for name in (*results(), "broken.jpg")}
    for name, found in results().items():
        tallies[name].add_document(pages.document(name, 3 if name == "three.pdf" else 1))
        for result in found:
            made = page_tables(result, pages.PROVENANCE)
            tallies[name].add_page(pages.document(name), result.page.page, count_rows(made))
            for table, own in made.items():
                rows[table] += own
            _write_pictures(str(output), run_id, result, clean)
    tallies["broken.jpg"].add_document(pages.document("broken.jpg", None))
    warnings = [pages.failure(missing, None, Stage.FIELDS, Category.FIELD_MISSING)] if missing else []
    for failure in failures() + warnings:
        tallies[failure.uri.rsplit("/", 1)[-1]].add_failure(failure)
        rows["failures"].append(failure_row(failure, pages.PROVENANCE))
    rows["documents"] = [document_row(tally, pages.PROVENANCE) for tally in tallies.values()]
    for table, own in rows.items():
        for shard in range(shards):
            here = [row for row in own if shard_of(row["document_id"], shards) == shard]
            _write(paths.table_path(str(output), table, run_id, shard, shards), write_parquet(table, here))
    summary = {"schema_version": "1.1", "run_id": run_id, "options": {"overlay_max_side": 1600}}
    _write(paths.summary_path(str(output), run_id), json.dumps(summary).encode())
    return output


def _write_pictures(output: str, run_id: str, result, clean: bool) -> None:
    place = (result.page.document_id, result.page.page)
    _write(paths.overlay_path(output, run_id, *place), draw_overlay(result, 1600))
    if clean:
        _write(paths.review_picture_path(output, run_id, *place), result.page.preview)
        _write(paths.review_thumbnail_path(output, run_id, *place), thumbnail(result.page.preview))


def _write(path: str, data: bytes) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(data)
