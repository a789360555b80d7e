"""Long listings are divided into prefixes that together hold every file once."""

import bisect
import random

import pytest

from transforms.storage import files, listings, s3
from transforms.storage.listings import match_below, match_in_parts
from transforms.storage.ranges import NotDivisibleError, Prefix, divide
from transforms.storage.retries import StorageError
from transforms.storage.stored import StoredFile


def names_of(kind):
    chance = random.Random(kind)
    made = {
        "numbers": [f"scan-{number:06d}.pdf" for number in range(5_000)],
        "folders": [f"2026/{number % 12:02d}/{number % 28:02d}/{number}" for number in range(3_000)],
        "hashes": [f"{chance.randrange(16**8):08x}" for _ in range(3_000)],
        "one in another": ["a" * length for length in range(1, 300)],
        "any letters": ["".join(chance.choices("aZ0é中\U0001f600 /%", k=6)) for _ in range(2_000)],
        "one": ["only"],
    }
    return sorted(f"gs://b/scans/{name}" for name in set(made[kind]))


def asked_of(uris):
    def ask(prefix, after):
        place = max(bisect.bisect_right(uris, after), bisect.bisect_left(uris, prefix))
        there = place < len(uris) and uris[place].startswith(prefix)
        return StoredFile(uris[place], 1, 1.0) if there else None

    return ask


@pytest.mark.parametrize("kind", ["numbers", "folders", "hashes", "one in another", "any letters", "one"])
def test_prefixes_and_files_are_the_whole_listing_each_file_once(kind):
    uris = names_of(kind)
    prefixes, beside = divide("gs://b/scans/", StoredFile(uris[0], 1, 1.0), asked_of(uris), enough=40)
    found = [uri for prefix in prefixes for uri in uris if uri.startswith(prefix.uri)]
    assert sorted([*found, *(file.uri for file in beside)]) == uris
    if kind in ("numbers", "folders", "hashes"):
        assert len(prefixes) >= 40
        largest = max(sum(uri.startswith(prefix.uri) for uri in uris) for prefix in prefixes)
        assert largest <= len(uris) / 10


def test_a_storage_that_does_not_tell_what_comes_after_is_not_divided():
    uris = names_of("numbers")
    with pytest.raises(NotDivisibleError):
        divide("gs://b/", StoredFile(uris[0], 1, 1.0), lambda prefix, after: StoredFile(uris[0], 1, 1.0))


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(listings, "_PAGE_FILES", 3)


def in_parts(pattern):
    parts = list(match_in_parts(pattern, 10, enough=4))
    prefixes = [part for part in parts if isinstance(part, Prefix)]
    below = [file for prefix in prefixes for file in match_below(prefix, pattern, 10)]
    return prefixes, sorted(file.uri for file in [*below, *parts] if isinstance(file, StoredFile))


@pytest.mark.parametrize("pattern", ["scans/**", "scans/*/1*", "scans/a/1", "**"])
def test_parts_give_what_the_pattern_matches(s3_bucket, small_pages, pattern):
    for name in ("scans/a/1", "scans/a/11", "scans/a/2", "scans/b/1", "scans/c/d/1", "scans/c/d/2", "scant"):
        files.write_bytes(f"{s3_bucket}/{name}", b"x")
    prefixes, found = in_parts(f"{s3_bucket}/{pattern}")
    assert found == sorted(file.uri for file in files.match(f"{s3_bucket}/{pattern}"))
    assert found and bool(prefixes) == ("*" in pattern)


def test_an_emulator_that_knows_no_offsets_is_listed_in_one_piece(gcs_bucket, small_pages):
    for number in range(7):
        files.write_bytes(f"{gcs_bucket}/scans/{number}", b"x")
    assert len(in_parts(f"{gcs_bucket}/scans/*")[1]) == 7


def test_a_wrong_answer_costs_no_file(s3_bucket, small_pages, monkeypatch):
    for number in range(7):
        files.write_bytes(f"{s3_bucket}/scans/{number}", b"x")
    monkeypatch.setattr(s3, "first_after", lambda *_: None)
    assert len(in_parts(f"{s3_bucket}/scans/*")[1]) == 7


def test_a_pattern_for_buckets_is_refused():
    with pytest.raises(StorageError, match="must not hold"):
        list(match_in_parts("gs://b*/x"))
