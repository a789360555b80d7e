"""The compacted part of the ledger: it says what the tables say, whatever happens to it."""

from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest

from beam_kie.options import from_values
from tests.earlier import PROVENANCE, tally_of, write_run
from tests.ledgers import compacted, parted
from transforms.config import JobConfig
from transforms.runs import folders, paths
from transforms.runs.ledger import compacting, plan, records
from transforms.runs.ledger.compacting import KeepLedger
from transforms.runs.ledger.plan import make_plan, read_manifest
from transforms.stages.finding import look_at
from transforms.storage import files

OTHER = replace(PROVENANCE, options_digest="other")


def config(output, **changes) -> JobConfig:
    return from_values(JobConfig, {"output": str(output), "run_id": "now", "list_skipped": True, **changes})


@pytest.fixture
def scans(tmp_path):
    made = {}
    for name in "abcdef":
        made[name] = tmp_path / "scans" / f"{name}.png"
        made[name].parent.mkdir(exist_ok=True)
        made[name].write_bytes(f"scan {name}".encode())
    return made


@pytest.fixture
def out(tmp_path, scans):
    """Three runs: one of everything, one with other options, and one with changes and failures."""
    folder = tmp_path / "out"
    write_run(folder, "mon", [tally_of(path) for path in scans.values()])
    write_run(folder, "tue", [tally_of(scans["a"]), tally_of(scans["b"])], OTHER)
    scans["c"].write_bytes(b"scan C")
    wednesday = [
        tally_of(scans["c"]),
        tally_of(scans["d"], failures=[True], pages_ok=0),
        tally_of(scans["e"]),
    ]
    write_run(folder, "wed", wednesday)
    scans["f"].write_bytes(b"scan F")
    return folder


def said(out, scans, provenance=PROVENANCE):
    return parted(config(out), [look_at(str(path), 10) for path in scans.values()], provenance)


def in_many_partitions(monkeypatch):
    monkeypatch.setattr(records, "_ROWS_A_PARTITION", 2)
    monkeypatch.setattr(plan, "_rows_of", lambda summary: 6)


@pytest.mark.parametrize("provenance", [PROVENANCE, OTHER], ids=["these options", "other options"])
def test_the_base_says_what_the_tables_say(out, scans, provenance, monkeypatch):
    in_many_partitions(monkeypatch)
    expected = said(out, scans, provenance)
    assert expected[0] and expected[1]
    assert compacted(config(out)) == [paths.ledger_manifest_path(str(out))]
    found = make_plan(str(out), None, 10)
    assert (found.others, found.partitions) == ([], 16)
    assert said(out, scans, provenance) == expected
    # Runs after it are read beside it, and compacted into it, with more partitions too.
    monkeypatch.setattr(records, "_ROWS_A_PARTITION", 0.5)
    write_run(out, "thu", [tally_of(scans["f"])], started_at="2026-01-05T00:00:00Z")
    assert said(out, scans)[1]["f"].result_run_id == "thu"
    expected = said(out, scans, provenance)
    assert compacted(config(out)) and make_plan(str(out), None, 10).partitions == 32
    assert said(out, scans, provenance) == expected


def test_tables_in_the_base_are_not_read_again(out, scans, monkeypatch):
    assert compacted(config(out))
    read, original = [], files.read_bytes

    def noted(path, *args, **kwargs):
        read.append(path)
        return original(path, *args, **kwargs)

    monkeypatch.setattr(files, "read_bytes", noted)
    assert said(out, scans)[1]
    assert not [path for path in read if "run_id=" in path]


def test_a_run_compacts_what_has_come_in_its_pipeline(gcs_bucket):
    output = f"{gcs_bucket}/kie"
    uris = [f"{gcs_bucket}/scans/{name}.png" for name in "abc"]
    for uri in uris:
        files.write_bytes(uri, uri.encode())
    write_run(output, "mon", [tally_of(uri) for uri in uris])
    settings = config(output)
    sources = [look_at(uri, 10) for uri in uris]
    expected = parted(settings, sources)
    for _ in range(2):  # the second time there is nothing to do
        with beam.Pipeline("FnApiRunner") as pipeline:
            _ = pipeline | beam.Create(["summary.json"], reshuffle=False) | KeepLedger(settings)
        base = read_manifest(output, 10)
        assert base is not None and (base.rows, [run.run_id for run in base.runs]) == (3, ["mon"])
        assert make_plan(output, None, 10).generation == base.generation
    assert parted(settings, sources) == expected and sorted(expected[1]) == ["a", "b", "c"]


def test_runs_that_are_deleted_or_replaced_leave_the_ledger(out, scans):
    assert compacted(config(out))
    folders.clear_run(str(out), "wed")
    new, skipped = said(out, scans)
    assert (new, skipped["e"].result_run_id) == (["c", "f"], "mon")
    write_run(out, "mon", [tally_of(scans["f"])], started_at="2026-01-01T03:00:00Z")
    assert said(out, scans)[0] == ["a", "b", "c", "d", "e"]


def test_a_run_whose_tables_alone_are_deleted_leaves_it_too(out, scans):
    assert compacted(config(out))
    files.delete_folder(paths.table_folder(str(out), "documents", "mon"))
    assert said(out, scans)[0] == ["a", "b", "d", "f"]


def test_what_a_deleted_run_had_replaced_counts_again(out, scans):
    """Its records took the place of older ones, which the tables still have."""
    write_run(out, "thu", [tally_of(scans["a"])], OTHER, started_at="2026-01-05T00:00:00Z")
    assert compacted(config(out))
    assert said(out, scans, OTHER)[1]["a"].result_run_id == "thu"
    folders.clear_run(str(out), "thu")
    assert said(out, scans, OTHER)[1]["a"].result_run_id == "tue"


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x55
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink], ids=["cut", "flipped", "gone"])
@pytest.mark.parametrize("which", ["manifest.json", "base-*/*.parquet"])
def test_a_damaged_ledger_is_read_from_the_tables_and_made_anew(out, scans, which, damage, monkeypatch):
    monkeypatch.setattr(plan, "_rows_of", lambda summary: 6)
    expected = said(out, scans)
    assert compacted(config(out))
    before = read_manifest(str(out), 10)
    (path,) = (out / "ledger").glob(which)
    damage(path)
    assert said(out, scans) == expected
    write_run(out, "thu", [tally_of(scans["f"])], started_at="2026-01-05T00:00:00Z")
    assert compacted(config(out))
    after = read_manifest(str(out), 10)
    assert before is not None and after is not None and after.generation != before.generation
    assert said(out, scans)[0] == [name for name in expected[0] if name != "f"]


def test_a_crash_before_the_manifest_leaves_the_ledger_as_it_was(out, scans):
    compacted(config(out), finish=False)
    assert read_manifest(str(out), 10) is None
    expected = said(out, scans)
    assert compacted(config(out))
    first = read_manifest(str(out), 10)
    write_run(out, "thu", [tally_of(scans["f"])], started_at="2026-01-05T00:00:00Z")
    compacted(config(out), finish=False)
    assert read_manifest(str(out), 10) == first
    assert said(out, scans)[0] == [name for name in expected[0] if name != "f"]


def test_what_cannot_be_written_costs_a_warning(out, scans, monkeypatch, caplog):
    expected = said(out, scans)

    def full(*_args):
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(files, "write_bytes", full)
        assert compacted(config(out)) == []
    assert "no space left" in caplog.text
    assert said(out, scans) == expected


def test_few_new_rows_wait_for_more(out, scans, monkeypatch):
    monkeypatch.setattr(plan, "_rows_of", lambda summary: 6)
    monkeypatch.setattr(compacting, "_MOST_RUNS", 1)
    monkeypatch.setattr(compacting, "_MOST_SHARE", 10)
    assert compacted(config(out))
    write_run(out, "thu", [tally_of(scans["f"])], started_at="2026-01-05T00:00:00Z")
    assert not compacted(config(out))
    assert said(out, scans)[1]["f"].result_run_id == "thu"
    write_run(out, "fri", [tally_of(scans["f"])], started_at="2026-01-06T00:00:00Z")
    assert compacted(config(out))


def test_bases_that_nobody_reads_are_deleted(out, scans, monkeypatch):
    monkeypatch.setattr(plan, "_rows_of", lambda summary: 6)
    for number in range(4):
        started_at = f"2026-02-0{number + 1}T00:00:00Z"
        write_run(out, f"later-{number}", [tally_of(scans["f"])], started_at=started_at)
        assert compacted(config(out))
    assert len(list((out / "ledger").glob("base-*"))) == 4
    monkeypatch.setattr(compacting, "_KEPT_S", -1.0)
    write_run(out, "last", [tally_of(scans["f"])], started_at="2026-03-01T00:00:00Z")
    assert compacted(config(out))
    # The new one, and the one that a run which has begun before may read.
    assert len(list((out / "ledger").glob("base-*"))) == 2
    assert said(out, scans)[1]["f"].result_run_id == "last"
