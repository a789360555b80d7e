from collections import Counter

from transforms.sinks import passed_over


def test_what_was_passed_over_does_not_grow_with_the_run():
    combine = passed_over.PassedOverFn()
    parts = []
    for part in range(2):
        known = combine.create_accumulator()
        for number in range(100):
            known = combine.add_input(known, f"/scans/{part}{number:03}.{'TXT' if number % 4 else 'md'}")
        parts.append(known)
    section = combine.extract_output(combine.merge_accumulators(parts)).section()
    assert section["files"] == 200 and section["by_ending"] == {".md": 50, ".txt": 150}
    assert section["examples"] == [
        f"/scans/0{number:03}.{'TXT' if number % 4 else 'md'}" for number in range(5)
    ]
    assert passed_over.PassedOver(Counter(), ()).section() == {"files": 0, "by_ending": {}, "examples": []}
