import json
import subprocess
import sys
from pathlib import Path

import pytest

from beam_kie.document import PageText, TextLine
from benchmarks import baseline, emulator, throughput
from benchmarks.watching import Usage, watch

ROOT = Path(__file__).resolve().parents[2]
SCAN = ROOT / "samples" / "es_registration.webp"
# Works for two seconds in a process that outlives its parent.
ORPHAN = "import time; held = bytearray(90 << 20)\nwhile time.process_time() < 2: pass"
PARENT = (
    f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {ORPHAN!r}]); time.sleep(1.5)"
)


def usage(wall_s, cpu_s, peak_mib=100):
    return Usage(wall_s, cpu_s, peak_mib, "")


def rounds(*walls):
    """Rounds of 2 and of 12 pages, which took these seconds; every page takes half a second of CPU time."""
    return [[(usage(few, 1.0), {"pages": 2}), (usage(all_, 6.0), {"pages": 12})] for few, all_ in walls]


def test_files_are_repeated_as_documents_of_their_own(tmp_path):
    files = [tmp_path / "a.png", tmp_path / "b.png"]
    for path in files:
        path.write_text(path.name)
    folder = throughput.link(files, 5, tmp_path / "scans")
    assert [path.read_text() for path in sorted(folder.iterdir())] == ["a.png", "b.png"] * 2 + ["a.png"]
    assert list(throughput.files_below([str(folder)])) == sorted(folder.iterdir())


def test_figures_are_of_the_pages_alone():
    figures = throughput.figures(rounds((7, 12), (6, 11), (90, 13)))
    assert figures.pages_per_s == 2.0  # 10 pages in 12 - 7 seconds, the medians
    assert figures.cpu_s_per_page == 0.5
    assert figures.start_s == 6.0
    assert throughput.figures(rounds((7, 6))).pages_per_s is None


def test_table_answers_what_the_rows_are_for():
    rows = {
        name: {
            "pages_per_s": rate,
            "cpu_s_per_page": 1.0,
            "start_s": 5.0,
            "peak_mib": 9,
            "baseline_cpu_s": None,
        }
        for name, rate in {"threads": 2.0, "one": 1.0, "baseline": 0.5, "processes": None}.items()
    }
    rows["baseline"]["baseline_cpu_s"] = {"ocr": 1.5, "re": 0.5}
    stages = {"ocr": 0.8, "model": 0.1, "decode": 0.06, "rest": 0.04}
    text = throughput.table({"scans": 12, "cores": 2, "rows": rows, "stages": stages})
    assert "4.00  job (2 threads) / baseline with the same weights" in text
    assert "2.00  2 threads / 1 worker" in text
    assert "2 processes / 1 worker" not in text
    assert "outside OCR and model: 10.0%" in text
    assert "75.0%" in text


def test_a_program_is_watched_with_the_processes_that_outlive_it():
    seen = watch([sys.executable, "-c", PARENT])
    assert seen.cpu_s >= 2
    assert seen.peak_mib >= 90
    with pytest.raises(RuntimeError, match="no such thing"):
        watch([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_scans_are_taken_to_the_emulator_and_back(tmp_path):
    (tmp_path / "a.png").write_bytes(b"pixels")
    with emulator.cloud_storage(tmp_path):
        assert emulator.upload([tmp_path / "a.png"], "scans-2") == "gs://benchmark/scans-2"
        assert emulator.download("scans-2/a.png") == b"pixels"


class Words:
    """Counts a token for each word."""

    def count_tokens(self, page):
        return sum(len(line.text.split()) for line in page.lines)


def test_baseline_reads_no_further_than_512_tokens_and_relates_lines():
    line = TextLine("word " * 100, (0, 0, 9, 0, 9, 9, 0, 9))
    page = baseline.first_tokens(PageText("d", "u", 1, 100, 100, lines=(line,) * 9), Words())
    assert len(page.lines) == 5
    assert [entity.label for entity in baseline.labelled(page)] == list(baseline.LABELS[:5])


@pytest.mark.slow
def test_the_job_is_measured_and_its_flags_are_passed_on():
    command = [sys.executable, "benchmarks/throughput.py", "--input", str(SCAN), "--limit=3", "--json"]
    # Without OCR every page fails, but it goes through the job and counts.
    flags = ["--rows=one", "--ocr_engine=none", "--pdf_text_layer=always", "--overlays=none"]
    done = subprocess.run([*command, *flags], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rows"].keys() == {"one"} and "stages" not in report
    assert report["rows"]["one"]["pages"] == 3
    assert report["rows"]["one"]["peak_mib"] > 100
    assert report["rows"]["one"]["start_s"] > 0


@pytest.mark.slow
def test_the_baseline_is_measured_on_a_real_scan(tmp_path):
    scans = throughput.link([SCAN], 1, tmp_path / "one")
    row = throughput.ROWS["baseline"]
    used, found = throughput.measure(row, scans, [])
    assert found["pages"] == 1 and found["lines"] > 10
    assert found["cpu_s"].keys() == {"decode", "ocr", "ser", "re"}
    assert 0 < sum(found["cpu_s"].values()) < used.cpu_s
