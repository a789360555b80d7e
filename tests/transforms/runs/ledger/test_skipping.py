"""Which documents are left out without a row, and which keep one for the readers of the tables."""

from dataclasses import replace

import pytest

from beam_kie.document import SourceFile
from beam_kie.options import from_values
from tests.earlier import PROVENANCE, tally_of, write_run
from tests.ledgers import compacted, parted
from transforms.config import JobConfig
from transforms.runs.ledger.plan import make_plan
from transforms.runs.ledger.skipping import PackFn
from transforms.stages.finding import look_at

OTHER = replace(PROVENANCE, options_digest="other")


@pytest.fixture(params=[False, True], ids=["tables", "base"])
def skipped(request, tmp_path):
    """New documents and those with a row SKIPPED, from tables alone and with a base."""

    def decide(*scans, **changes):
        settings = from_values(JobConfig, {"output": str(tmp_path), "run_id": "now", **changes})
        if request.param:
            compacted(settings)
            assert not make_plan(settings.output, None, 10).others
        new, with_row = parted(settings, [look_at(str(path), 10) for path in scans])
        return new, {name: document.result_run_id for name, document in with_row.items()}

    return decide


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scans" / "a.png"
    path.parent.mkdir()
    path.write_bytes(b"scan a")
    return path


def test_a_document_whose_rows_are_found_needs_none(tmp_path, scan, skipped):
    write_run(tmp_path, "mon", [tally_of(scan)])
    assert skipped(scan) == ([], {})
    assert skipped(scan, list_skipped=True) == ([], {"a": "mon"})


@pytest.mark.parametrize("provenance", [PROVENANCE, OTHER], ids=["other bytes", "other options"])
def test_a_document_needs_a_row_where_those_of_another_run_would_be_found(
    tmp_path, scan, skipped, provenance
):
    first = tally_of(scan)
    write_run(tmp_path, "mon", [first])
    if provenance is PROVENANCE:
        scan.write_bytes(b"scan A")
    write_run(tmp_path, "tue", [tally_of(scan)], provenance)
    scan.write_bytes(b"scan a")
    assert skipped(scan) == ([], {"a": "mon"})


def test_one_such_row_is_enough(tmp_path, scan, skipped):
    write_run(tmp_path, "mon", [tally_of(scan)])
    write_run(tmp_path, "tue", [tally_of(scan)], OTHER)
    write_run(tmp_path, "wed", [tally_of(scan, skipped="mon")])
    assert skipped(scan) == ([], {})


def test_a_failure_that_came_after_needs_one_too(tmp_path, scan, skipped):
    write_run(tmp_path, "mon", [tally_of(scan)])
    write_run(tmp_path, "tue", [tally_of(scan, failures=[True], pages_ok=0)])
    assert skipped(scan) == ([], {"a": "mon"})


def test_full_packs_do_not_wait_for_the_end_of_the_bundle(monkeypatch):
    from transforms.runs.ledger import plan, skipping

    monkeypatch.setattr(skipping, "_PACKED_FILES", 3)
    pack = PackFn()
    pack.start_bundle()
    empty = plan.Plan("out", {}, frozenset(), None, 1)
    packs = [one for number in range(7) for one in pack.process(SourceFile(f"/{number}"), empty)]
    found = [source for _, data in packs for source in skipping._unpacked(data)]
    assert (len(packs), [source.uri for source in found]) == (2, [f"/{number}" for number in range(6)])
    assert len(list(pack.finish_bundle())) == 1
