"""The steps of the ledger one by one, as the pipeline takes them."""

from collections import defaultdict
from pathlib import Path

from apache_beam.pvalue import TaggedOutput

from tests.earlier import PROVENANCE
from transforms.runs.ledger.compacting import find_task, finish_base, write_partition
from transforms.runs.ledger.plan import make_plan
from transforms.runs.ledger.skipping import DecideFn, LookUpFn, PackFn, recent_files, records_by_partition


def parted(settings, sources, provenance=PROVENANCE):
    """Names of the files that are new, and the skipped documents: the steps of OnlyNew one by one."""
    plan = make_plan(settings.output, settings.run_id, 10)
    joined = defaultdict(lambda: {"files": [], "records": []})
    for place in recent_files(plan, 10):
        for number, records in records_by_partition(place, plan, 10):
            joined[number]["records"].append(records)
    pack = PackFn()
    pack.start_bundle()
    assert not [one for source in sources for one in pack.process(source, plan)]
    for one in pack.finish_bundle():
        joined[one.value[0]]["files"].append(one.value[1])
    look_up, decide, found = LookUpFn(settings, provenance), DecideFn(settings), []
    for one in (one for part in joined.items() for one in look_up.process(part, plan)):
        found += [one] if isinstance(one, TaggedOutput) else decide.process(one)
    return in_two(found)


def in_two(found):
    skipped = [one.value for one in found if isinstance(one, TaggedOutput) and one.tag == "skipped"]
    new = [one for one in found if not isinstance(one, TaggedOutput)]
    return sorted(Path(source.uri).stem for source in new), {Path(one.uri).stem: one for one in skipped}


def compacted(settings, finish=True):
    """The path of the manifest of a new base; nothing where none is made, or where it is left unfinished."""
    for task in find_task("", settings):
        joined = {number: {"records": []} for number in range(task.plan.partitions)}
        for place in recent_files(task.plan, 10):
            for number, records in records_by_partition(place, task.plan, 10):
                joined[number]["records"].append(records)
        written = [write_partition(part, task, 10) for part in joined.items()]
        return list(finish_base(task, written, 10)) if finish else []
    return []
