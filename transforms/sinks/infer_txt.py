"""PaddleOCR's ``infer.txt`` beside the tables: one file for SER, one for SER+RE.

All lines of a file are gathered on one worker and held in memory there (some 200 bytes for a text line of a
scan), because scripts read one file. That is meant for moderate runs of up to some 10,000 pages; for larger
ones there are the tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.typehints.decorators import with_output_types

from beam_kie.document import Failure, PageResult
from beam_kie.tables.infer_txt import label_ids, ser_line, ser_re_line
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.resuming import Keeping, KeptStream
from transforms.sinks.tables import FAILURES, failure_of_result
from transforms.storage import files

PlacedLine = tuple[str, tuple[str, int, bytes]]
"""The name of a file; the URI, the page and the line in UTF-8, with its end."""


def _uri_of(placed: PlacedLine) -> str:
    return placed[1][0]


def _page_of(placed: PlacedLine) -> int:
    return placed[1][1]


def _line_bytes(placed: PlacedLine) -> bytes:
    name, (_, page, line) = placed
    return f"{name} {page}\n".encode() + line


def _line_of(uri: str, data: bytes) -> PlacedLine:
    place, _, line = data.partition(b"\n")
    name, page = place.decode().split(" ")
    return name, (uri, int(page), line)


LINES = KeptStream("lines", PlacedLine, _uri_of, _line_bytes, _line_of, _page_of)
"""How a run keeps lines."""

_LINES = {"infer_ser": ser_line, "infer_ser_re": ser_re_line}


class WriteInferTxt(Transform):
    """Write infer_ser.txt and infer_ser_re.txt: one or more PCollection[PageResult] to paths and failures.

    ``paths`` of both files, which are written also where there are no pages; ``failures`` of pages that the
    format cannot hold, in as many PCollections. Lines are sorted by URI and page, and duplicates are written
    once, so bundles may be replayed at will.

    Args:
        config: of the job.
        labels: the model's, in its order: they decide ``pred_id``.
        keeping: keeps the lines in parts; None: an interrupted run starts anew.
    """

    def __init__(self, config: JobConfig, labels: Sequence[str], keeping: Keeping | None = None):
        super().__init__()
        self.keeping = keeping
        self.config = config
        self.labels = tuple(labels)

    def expand(self, results):
        """Wire the lines, the shuffle and the writer."""
        make = beam.ParDo(MakeLinesFn(self.labels)).with_outputs(FAILURES, main="lines")
        made = [each | f"Turn into lines {number}" >> make for number, each in enumerate(results)]
        lines = tuple(each.lines for each in made)
        if self.keeping is not None:
            kept = (self.keeping.keep(LINES, each, f"lines {number}") for number, each in enumerate(lines))
            lines = (*kept, *self.keeping.taken_up(LINES))
        # A name without lines makes the file.
        empty = (
            results[0].pipeline
            | "Name both files" >> beam.Create(sorted(_LINES), reshuffle=False)
            | "Begin without lines" >> beam.Map(_no_line).with_output_types(PlacedLine)
        )
        paths = (
            (*lines, empty)
            | "Put lines together" >> beam.Flatten()
            | "Gather lines of a file" >> beam.GroupByKey()
            | "Write file" >> beam.Map(write_lines, self.config).with_output_types(str)
        )
        return {"paths": paths, "failures": tuple(each[FAILURES] for each in made)}


@with_output_types(PlacedLine, failures=Failure)
class MakeLinesFn(beam.DoFn):
    """One page to its line in both files.

    Args:
        labels: the model's, in its order.
    """

    def __init__(self, labels: Sequence[str]):
        self._ids = label_ids(labels)

    def process(self, result: PageResult) -> Iterator[PlacedLine | TaggedOutput]:
        """Yield both lines, or nothing but the page's failure.

        Args:
            result: what was found on one page.
        """
        page = result.page
        try:
            # Half a surrogate pair, which no UTF-8 can hold, becomes a question mark.
            lines = {
                name: f"{make(result, self._ids)}\n".encode("utf-8", "replace")
                for name, make in _LINES.items()
            }
        except Exception as error:
            yield TaggedOutput(FAILURES, failure_of_result(result, error))
            return
        for name, line in lines.items():
            yield name, (page.uri, page.page, line)


def write_lines(gathered: tuple[str, Iterable[tuple[str, int, bytes]]], config: JobConfig) -> str:
    """Write one file, sorted and without repetitions.

    Args:
        gathered: the file's name, and for each line its URI, page and text in UTF-8.
        config: the job.

    Returns:
        The path of the file.

    Raises:
        OSError: it cannot be written.
    """
    name, placed = gathered
    path = paths.infer_txt_path(config.output, config.run_id, name)
    data = b"".join(line for _, _, line in sorted(set(placed)))
    files.write_bytes(path, data, config.storage_timeout_s)
    return path


def _no_line(name: str) -> PlacedLine:
    return name, ("", 0, b"")
