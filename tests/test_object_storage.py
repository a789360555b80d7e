"""The real command from bucket to bucket on a Cloud Storage emulator: files of many kinds, some bad."""

# pyright: reportOptionalMemberAccess=false

import functools
import io
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.written_files import written_objects
from transforms.launch import cli
from transforms.runs import paths
from transforms.runs.paths import TABLES
from transforms.storage import files

ROOT = Path(__file__).resolve().parent.parent
FORM = (("Invoice 4711", 30), ("Name:", 80), ("Li Lei", 110), ("Date of birth: 2001-02-03", 150))


def drawn(number: int) -> Image.Image:
    """A small page that is like no other."""
    image = Image.new("L", (320, 400), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(18)
    for text, top in (*FORM, (f"Page {number}", 250)):
        draw.text((20, top), text, fill=0, font=font)
    return image


def file_of(kind: str, pages: int, number: int) -> bytes:
    first, *others = [drawn(1000 * number + page) for page in range(pages)]
    data = io.BytesIO()
    more = {"save_all": True, "append_images": others} if others else {}
    if kind == "tiff":
        more["compression"] = "tiff_lzw"
    first.save(data, kind, **more)
    return data.getvalue()


def encrypted_pdf() -> bytes:
    """A PDF that no password opens."""
    secret = f"/ID[<00><00>]/Encrypt<</Filter/Standard/V 1/R 2/P -1/O<{'5a' * 32}>/U<{'a5' * 32}>>>\n"
    return file_of("pdf", 1, 0).replace(b"/Root", secret.encode() + b"/Root")


@functools.cache
def scans() -> dict[str, tuple[bytes, int]]:
    """Files by name, with their number of pages; those in ocr/ are read by OCR."""
    found = {f"fax/{number}.tif": (file_of("tiff", 12, number), 12) for number in range(2)}
    found |= {f"bundle {number}.pdf": (file_of("pdf", 8, number), 8) for number in range(2)}
    found |= {f"pages/{number}.png": (file_of("png", 1, number), 1) for number in range(9)}
    found |= {f"pages/{number}.jpg": (file_of("jpeg", 1, number), 1) for number in range(9)}
    found |= {f"ocr/{number}.png": (file_of("png", 1, 100 + number), 1) for number in range(2)}
    return found


def page_count() -> int:
    return sum(pages for _, pages in scans().values())


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Files of which no page can be read, with the category of their failure."""
    return {
        "bad/truncated.jpg": (file_of("jpeg", 1, 1)[:900], "FILE_CORRUPT"),
        "bad/encrypted.pdf": (encrypted_pdf(), "FILE_ENCRYPTED"),
        "bad/empty.png": (b"", "FILE_EMPTY"),
        "bad/letter.docx": (b"PK\x03\x04 a letter", "FORMAT_UNSUPPORTED"),
    }


def given_lines(uri: str, page: int) -> str:
    lines = [{"text": text, "confidence": 0.9, "box": [20, top, 200, top + 20]} for text, top in FORM]
    return json.dumps({"uri": uri, "page": page, "lines": lines}) + "\n"


@dataclass
class Job:
    """A bucket with everything that a run needs, and the flags."""

    bucket: str
    flags: list[str]

    def summary(self) -> dict:
        return json.loads(files.read_bytes(paths.summary_path(f"{self.bucket}/out", "r")))


@pytest.fixture
def job(gcs_bucket) -> Job:
    lines = []
    for name, (data, pages) in scans().items():
        uri = f"{gcs_bucket}/scans/{name}"
        files.write_bytes(uri, data)
        if not name.startswith("ocr/"):
            lines += [given_lines(uri, page + 1) for page in range(pages)]
    for name, (data, _) in bad_files().items():
        files.write_bytes(f"{gcs_bucket}/scans/{name}", data)
    files.write_bytes(f"{gcs_bucket}/lines.jsonl", "".join(lines).encode())
    # One that is not there, and one that the pattern finds as well.
    listed = f"uri\n{gcs_bucket}/scans/gone.png\n{gcs_bucket}/scans/pages/0.png\n"
    files.write_bytes(f"{gcs_bucket}/more.csv", listed.encode())
    flags = [f"--input={gcs_bucket}/scans", f"--manifest={gcs_bucket}/more.csv", "--run_id=r"]
    flags += [f"--output={gcs_bucket}/out", f"--ocr_lines={gcs_bucket}/lines.jsonl", "--pdf_dpi=72"]
    return Job(gcs_bucket, [*flags, "--overlay_max_side=400", "--num_shards=2"])


def test_from_a_bucket_to_a_bucket(job, tmp_path, capfd):
    command = [sys.executable, str(ROOT / "run_pipeline.py"), *job.flags]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    every_document_is_accounted_for(job)
    tables_and_pictures_are_whole(job, tmp_path)

    written = written_objects(f"{job.bucket}/out")
    assert cli.main(job.flags) == cli.BAD_OPTIONS
    assert "--overwrite" in capfd.readouterr().err
    assert written_objects(f"{job.bucket}/out") == written

    assert cli.main([*job.flags, "--overwrite"]) == cli.OK
    assert written_objects(f"{job.bucket}/out") == written


def every_document_is_accounted_for(job: Job) -> None:
    documents, pages = job.summary()["documents"], job.summary()["pages"]
    good, bad = len(scans()), len(bad_files()) + 1
    assert documents["counts_add_up"]
    assert documents["in"] == good + bad
    assert (documents["success"], documents["failure"]) == (good, bad)
    # The truncated picture was begun as a page.
    assert (pages["ok"], pages["failed"]) == (page_count(), 1)
    expected = Counter(category for _, category in bad_files().values()) + Counter(["SOURCE_UNAVAILABLE"])
    assert job.summary()["failures"]["by_category"] == expected


def tables_and_pictures_are_whole(job: Job, folder: Path) -> None:
    summary = job.summary()
    pictures = files.list_files(paths.overlay_folder(f"{job.bucket}/out", "r"))
    assert len(pictures) == summary["overlays"]["written"] == page_count()
    for table in TABLES:
        written = files.list_files(paths.table_folder(f"{job.bucket}/out", table, "r"))
        assert len(written) == 2
        for path in written:
            files.write_bytes(f"{folder}/{table}/{path.rsplit('/', 1)[1]}", files.read_bytes(path))
        ((rows,),) = duckdb.sql(f"SELECT count(*) FROM '{folder}/{table}/*.parquet'").fetchall()
        assert rows == summary["tables"][table]["rows"]
    found = duckdb.sql(
        f"SELECT d.uri, d.status, count(DISTINCT p.page) FROM '{folder}/documents/*.parquet' d "
        f"LEFT JOIN '{folder}/pages/*.parquet' p USING (document_id) GROUP BY ALL"
    ).fetchall()
    counts = {uri.removeprefix(f"{job.bucket}/scans/"): (status, pages) for uri, status, pages in found}
    assert all(counts[name] == ("SUCCESS", pages) for name, (_, pages) in scans().items())
    assert all(counts[name] == ("FAILURE", 0) for name in [*bad_files(), "gone.png"])
    ((pairs,),) = duckdb.sql(
        f"SELECT count(*) FROM '{folder}/key_values/*.parquet' WHERE value_text IS NOT NULL"
    ).fetchall()
    assert pairs == summary["found"]["pairs"] > page_count()
