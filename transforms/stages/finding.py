"""The files of the input: patterns are listed, manifests read, and every file is found once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import SourceFile
from transforms.config import JobConfig
from transforms.progress import record_files
from transforms.ptransform import Transform, outputs_of
from transforms.stages.inputs import is_no_document, is_system_file, read_manifest
from transforms.storage.files import StorageError, look, match
from transforms.storage.listings import match_below, match_in_parts
from transforms.storage.patterns import fixed_prefix, has_magic
from transforms.storage.ranges import Prefix
from transforms.storage.retries import TIMEOUT_S
from transforms.storage.stored import StoredFile

PASSED_OVER = "passed_over"


class Found(NamedTuple):
    """``sources`` PCollection[SourceFile]; ``passed_over`` PCollection[str], URIs."""

    sources: PCollection
    passed_over: PCollection


class FindSources(Transform):
    """Every file of the input, once: ``Found``, spread over the workers.

    Patterns are matched and manifests read on the workers, so the launcher's memory does not grow with
    their number. A long listing of an object storage is divided into prefixes, which workers list at the same
    time. A file of a manifest is not looked up here: one that does not exist fails when it is read.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, pipeline):
        """Wire matching, listing, manifest and, where inputs may overlap, removal of duplicates.

        Where they cannot, a run on this machine reads the files of a prefix as they are listed. Elsewhere a
        worker would have to read all files of a prefix alone: they are spread once more.
        """
        matched = outputs_of(
            pipeline
            | "Take patterns" >> beam.Create(self.config.input, reshuffle=False)
            | "Match patterns" >> beam.ParDo(MatchFn(self.config)).with_outputs(PASSED_OVER, main="parts")
        )
        below = outputs_of(
            matched["parts"]
            | "Spread parts over workers" >> beam.Reshuffle()
            | "List parts" >> beam.ParDo(ListFn(self.config)).with_outputs(PASSED_OVER, main="sources")
        )
        sources: Any = below["sources"]
        if self.config.manifest is not None or overlap(self.config.input):
            sources = (sources, pipeline | "Find in manifest" >> ListManifest(self.config))
            sources = sources | "Put together" >> beam.Flatten() | "Find each once" >> DropDuplicates()
        elif not is_local_run(pipeline.pipeline):
            sources = sources | "Spread files over workers" >> beam.Reshuffle()
        passed_over: Any = (matched[PASSED_OVER], below[PASSED_OVER])
        passed_over = passed_over | "Put together what is passed over" >> beam.Flatten()
        if len(self.config.input) > 1:
            # Several patterns may find the same file.
            passed_over = passed_over | "Drop what is passed over twice" >> beam.Distinct()
        return Found(sources, passed_over)


def is_local_run(pipeline: beam.Pipeline) -> bool:
    """Whether the launcher runs the job itself.

    Args:
        pipeline: with its options.
    """
    runner = pipeline.options.view_as(StandardOptions).runner
    return runner is None or runner.rpartition(".")[2] in StandardOptions.LOCAL_RUNNERS


def overlap(patterns: Sequence[str]) -> bool:
    """Whether two patterns may match the same file.

    Args:
        patterns: Beam patterns.
    """
    prefixes = sorted(fixed_prefix(pattern) for pattern in patterns)
    # A prefix of others stands right before one of them.
    return any(after.startswith(before) for before, after in pairwise(prefixes))


@with_output_types(tuple[str, Any], passed_over=str)
class MatchFn(beam.DoFn):
    """Finds the files of a pattern, or the parts of its listing where that is long.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._timeout_s = config.storage_timeout_s
        self._scratch = _counted_in(config)

    def process(self, pattern: str) -> Iterator[tuple[str, tuple[Any, ...]] | TaggedOutput]:
        """Yield the pattern with the values of a SourceFile, or of a Prefix.

        Args:
            pattern: a Beam pattern, or one file.
        """
        is_divided = False  # then nobody knows how many files there are, and prefixes come first
        for part in match_parts(pattern, self._timeout_s):
            if isinstance(part, TaggedOutput):
                yield part
            elif isinstance(part, Prefix):
                is_divided = True
                yield pattern, tuple(part)
            else:
                record_files(self._scratch, found=0 if is_divided else 1)
                yield pattern, (part.uri, part.size_bytes, part.updated_at_s, part.source_version)


@with_output_types(SourceFile, passed_over=str)
class ListFn(beam.DoFn):
    """Lists what has a prefix; passes files on.

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        self._timeout_s = config.storage_timeout_s

    def process(self, part: tuple[str, tuple[Any, ...]]) -> Iterator[SourceFile | TaggedOutput]:
        """Yield files as the listing goes on.

        Args:
            part: as MatchFn yields it.
        """
        pattern, values = part
        if len(values) > 1:
            yield SourceFile(*values)
            return
        for file in match_below(Prefix(*values), pattern, self._timeout_s):
            yield from _wanted(file, pattern)


class ListManifest(Transform):
    """The files that the manifest of the run lists, if it has one: a pipeline to PCollection[SourceFile].

    Args:
        config: of the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, pipeline):
        """Wire the reader."""
        manifests = (self.config.manifest,) if self.config.manifest else ()
        return (
            pipeline
            | "Take manifest" >> beam.Create(manifests, reshuffle=False)
            | "List manifest" >> beam.FlatMap(list_manifest).with_output_types(SourceFile)
            | "Count files" >> beam.Map(_counted, _counted_in(self.config)).with_output_types(SourceFile)
        )


class DropDuplicates(Transform):
    """PCollection[SourceFile] to itself, each URI once, spread over the workers."""

    def expand(self, sources):
        """Wire the grouping: to shuffle the files once more would only hold them twice."""
        return (
            sources
            | "Key by URI" >> beam.WithKeys(_uri_of).with_output_types(tuple[str, SourceFile])
            | "Drop duplicates" >> beam.CombinePerKey(most_informed)
            | "Drop keys" >> beam.Values().with_output_types(SourceFile)
        )


def match_pattern(pattern: str, timeout_s: float = TIMEOUT_S) -> Iterator[SourceFile | TaggedOutput]:
    """The files that a Beam pattern matches now, as the listing goes on.

    Hidden and system files are passed over unless they are named one by one, and so are files that their
    ending tells from scans, whose URIs go to the output PASSED_OVER. A pattern may match nothing (the
    launcher has checked that the input as a whole does); a single file that is gone is still a source.

    Args:
        pattern: a Beam pattern, or one file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    if not has_magic(pattern):
        yield look_at(pattern, timeout_s)
        return
    for file in match(pattern, timeout_s=timeout_s, unreadable=True):
        yield from _wanted(file, pattern)


def match_parts(pattern: str, timeout_s: float = TIMEOUT_S) -> Iterator[SourceFile | Prefix | TaggedOutput]:
    """As ``match_pattern``, but where the listing is long, prefixes of it take the place of files.

    Args:
        pattern: a Beam pattern, or one file.
        timeout_s: for how long transient errors are retried, in seconds, above 0.

    Raises:
        StorageError: the storage does not answer, after transient errors were retried.
    """
    if not has_magic(pattern):
        yield look_at(pattern, timeout_s)
        return
    for part in match_in_parts(pattern, timeout_s):
        if isinstance(part, Prefix):
            yield part
        else:
            yield from _wanted(part, pattern)


def _wanted(file: StoredFile, pattern: str) -> Iterator[SourceFile | TaggedOutput]:
    if is_system_file(file.uri):
        return
    if is_no_document(file.uri, pattern):
        yield TaggedOutput(PASSED_OVER, file.uri)
    else:
        yield SourceFile(*file)


def look_at(uri: str, timeout_s: float) -> SourceFile:
    """A file with what its storage says of it; where that is nothing, reading it will say why.

    Args:
        uri: a local path or URI.
        timeout_s: for how long transient errors are retried, in seconds, above 0.
    """
    try:
        found = look(uri, timeout_s)
    except StorageError:
        found = None
    return SourceFile(uri=uri) if found is None else SourceFile(*found)


def list_manifest(path: str) -> Iterator[SourceFile]:
    """The files that a manifest lists, not looked up: size and time are None.

    Args:
        path: of the manifest, a local path or URI.
    """
    return (SourceFile(uri=uri) for uri in read_manifest(path))


def most_informed(sources: Iterable[SourceFile]) -> SourceFile:
    """Of several mentions of one URI the one that knows size and time, whatever their order.

    Args:
        sources: at least one, all with the same URI.
    """
    return max(sources, key=lambda source: (source.updated_at_s or 0.0, source.size_bytes or 0, source.uri))


def _counted_in(config: JobConfig) -> str | None:
    """Where found files are counted for the progress of the run.

    Of files that are left out later, how many are read is not known beforehand.
    """
    filtered = config.skip_done or config.retry_failures or config.resume
    return None if filtered else config.scratch


def _counted(source: SourceFile, scratch: str | None) -> SourceFile:
    """The file, counted; one that is named twice counts twice."""
    record_files(scratch, found=1)
    return source


def _uri_of(source: SourceFile) -> str:
    return source.uri
