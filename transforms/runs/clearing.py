"""Deletes the pictures and parts that an earlier run left in object storage: on the workers, in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import apache_beam as beam
from apache_beam.pvalue import AsSingleton, PCollection

from beam_kie.document import SourceFile
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.storage import files
from transforms.storage.patterns import escape_pattern
from transforms.storage.uris import is_local

# Folders of pictures are named by ids of documents in hexadecimal; those of the review lie one level deeper.
_PREFIXES = tuple(f"{number:02x}" for number in range(256))


def clears_on_workers(config: JobConfig) -> bool:
    """Whether the workers delete what ``--overwrite`` replaces, and not the launcher alone.

    On this machine a folder is deleted in no time. In object storage every picture is a request.

    Args:
        config: the job.
    """
    return config.overwrite and not is_local(config.output)


class AfterClearing(Transform):
    """PCollection[SourceFile] to itself, when pictures and parts of an earlier run are deleted.

    Args:
        config: the job.
    """

    def __init__(self, config: JobConfig):
        super().__init__()
        self.config = config

    def expand(self, sources):
        """Wire the listing by prefix, the deletion, and the files behind it."""
        timeout_s = self.config.storage_timeout_s
        deleted = (
            sources.pipeline
            | "Take prefixes" >> beam.Create(_patterns(self.config))
            | "List files" >> beam.FlatMap(_listed, timeout_s).with_output_types(str)
            | "Spread files over workers" >> beam.Reshuffle()
            | "Delete file" >> beam.Map(_delete, timeout_s).with_output_types(int)
            | "Count files" >> beam.CombineGlobally(sum)
        )
        wait = beam.Map(_source, AsSingleton(cast(PCollection, deleted))).with_output_types(SourceFile)
        return sources | "Wait until all are deleted" >> wait


def _source(source: SourceFile, _deleted: int) -> SourceFile:
    return source


def _patterns(config: JobConfig) -> list[str]:
    output, run_id = escape_pattern(config.output), config.run_id
    pictures = paths.overlay_folder(output, run_id)
    review = paths.review_folder(output, run_id)
    folders = (pictures, f"{review}/pictures", f"{review}/thumbnails")
    below = [f"{folder}/{prefix}**" for folder in folders for prefix in _PREFIXES]
    others = [f"{review}/data/**", f"{review}/static/**", f"{paths.parts_folder(output, run_id)}/**"]
    return [*below, f"{review}/index.html", *others]


def _listed(pattern: str, timeout_s: float) -> Iterator[str]:
    return (file.uri for file in files.match(pattern, timeout_s=timeout_s))


def _delete(uri: str, timeout_s: float) -> int:
    files.delete(uri, timeout_s)
    return 1
