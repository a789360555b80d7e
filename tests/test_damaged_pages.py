"""A scan that is cut off inside a PDF, alone and among other files, through the real command."""

import io
import json
import subprocess
import sys
from pathlib import Path

import duckdb
from PIL import Image

from tests.beam_kie.imaging.test_pdf import HELLO, make_pdf, picture_page

ROOT = Path(__file__).resolve().parent.parent


def photo() -> bytes:
    buffer = io.BytesIO()
    Image.open(ROOT / "samples" / "en_patient_fax.tif").convert("L").resize((850, 1100)).save(buffer, "JPEG")
    return buffer.getvalue()


def run(scans: Path, output: Path, *flags: str) -> dict:
    command = [sys.executable, "run_pipeline.py", "--input", f"{scans}/*", "--output", str(output)]
    command += ["--run_id", "r", "--overlays", "none", "--review", "false", "--num_shards", "1", *flags]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((output / "runs" / "run_id=r" / "summary.json").read_text("utf-8"))


def rows(output: Path, table: str, uri: Path) -> list:
    return duckdb.sql(
        f"SELECT * FROM '{output}/{table}/*/*.parquet' WHERE uri = '{uri}' ORDER BY ALL"
    ).fetchall()


def columns(output: Path, table: str, uri: Path, names: str) -> list:
    return duckdb.sql(
        f"SELECT {names} FROM '{output}/{table}/*/*.parquet' WHERE uri = '{uri}' ORDER BY ALL"
    ).fetchall()


def test_a_cut_scan_in_a_pdf_is_partial_and_the_same_whatever_stands_beside_it(tmp_path):
    scans, jpeg = tmp_path / "scans", photo()
    scans.mkdir()
    good, objects = picture_page(jpeg, 850, 1100)
    cut, more = picture_page(jpeg[: len(jpeg) // 2], 850, 1100, number=91)
    pdf = scans / "m.pdf"
    pdf.write_bytes(make_pdf(good, cut, HELLO, objects=objects | more))
    alone = run(scans, tmp_path / "alone", "--page_isolation", "on")
    # Others before and behind it, damaged and whole.
    (scans / "a.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    (scans / "b.pdf").write_bytes(make_pdf(cut, objects=more))
    (scans / "z.pdf").write_bytes(make_pdf(good, objects=objects))
    together = run(scans, tmp_path / "together", "--page_isolation", "off")

    for table in ("documents", "pages", "lines", "entities", "key_values", "failures"):
        assert rows(tmp_path / "alone", table, pdf) == rows(tmp_path / "together", table, pdf), table
    output = tmp_path / "together"
    assert columns(output, "pages", pdf, "page, status") == [(1, "SUCCESS"), (2, "PARTIAL"), (3, "SUCCESS")]
    assert columns(output, "failures", pdf, "page, stage, category") == [(2, "DECODE", "FILE_CORRUPT")]
    counts = "status, page_count, pages_ok, pages_failed, failure_count"
    assert columns(output, "documents", pdf, counts) == [("PARTIAL", 3, 3, 0, 1)]
    assert columns(output, "documents", scans / "a.jpg", counts) == [("FAILURE", 1, 0, 1, 1)]
    assert columns(output, "documents", scans / "z.pdf", counts) == [("SUCCESS", 1, 1, 0, 0)]
    lines = dict(columns(output, "pages", pdf, "page, line_count"))
    assert 0 < lines[2] < lines[1]
    assert (alone["documents"]["in"], alone["documents"]["partial"]) == (1, 1)
    assert alone["documents"]["counts_add_up"] and together["documents"]["counts_add_up"]
    documents = together["documents"]
    assert (documents["in"], documents["success"], documents["partial"], documents["failure"]) == (4, 1, 2, 1)
    assert (together["pages"]["ok"], together["pages"]["failed"]) == (5, 1)
