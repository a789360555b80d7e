"""Key-value pairs as a step of another pipeline: ``transforms.ExtractKeyValues``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput
from apache_beam.typehints.decorators import with_input_types, with_output_types

from beam_kie.document import Failure, PageResult, SourceFile
from beam_kie.options import from_values, options_of
from beam_kie.tables.conventions import ValueOptions
from beam_kie.tables.rows import PAGE_TABLES, failure_row, page_tables
from beam_kie.tables.schema import Provenance, Row
from transforms.config import JobConfig, Overlays
from transforms.pipeline import read_pages
from transforms.ptransform import Transform, outputs_of
from transforms.runs.provenance import model_card, provenance_of
from transforms.sinks.tables import failure_of_result
from transforms.stages.kie import FindEntities
from transforms.stages.reading import GivenFile
from transforms.storage.uris import absolute_uri, uri_of

_GROUPS = ("OCR", "Model", "Values", "Limits")
_FLAGS = ("pdf_dpi", "pdf_text_layer")
FAILURES = "failures"


class Extracted(NamedTuple):
    """PCollections of rows, each a dict with the columns of that table of a run (docs/data-dictionary.md)."""

    key_values: PCollection
    entities: PCollection
    lines: PCollection
    pages: PCollection
    failures: PCollection


class ExtractKeyValues(Transform):
    """Reads documents in somebody else's pipeline: PCollection of files to ``Extracted``.

    A file is a URI (a path of the workers' machines, ``gs://`` or ``s3://``) or a tuple of a name and the
    bytes; one PCollection may hold both. A file or page that cannot be processed is a row in ``failures``
    and does not end the pipeline. Every page is a row in ``pages`` or in ``failures``. Nothing is written.

    Pages are read in child processes, as in the job (SECURITY.md). The models are loaded once per process.

    Args:
        **options: options of the job by the names of their flags (docs/options.md): those of the groups OCR,
            Model, Values and Limits, and ``pdf_dpi`` and ``pdf_text_layer``.

    Raises:
        TypeError: there is no such option.
        ValueError: an option has an impossible value.
    """

    def __init__(self, **options: Any):
        super().__init__()
        known = {
            item.flag for item in options_of(JobConfig) if item.info.group in _GROUPS or item.flag in _FLAGS
        }
        if unknown := sorted(options.keys() - known):
            raise TypeError(f"ExtractKeyValues has no option {', '.join(unknown)}")
        # No run: nothing is written, so output and run id are names that nobody sees.
        # Bytes that are at hand are not to be shuffled: no document is cut.
        fixed = {"output": "none", "run_id": "none", "overlays": Overlays.NONE, "range_pages": 0}
        self.config = from_values(JobConfig, fixed | options)

    def expand(self, files):
        """Wire the job's own steps; the model and the OCR engine are looked up here.

        Args:
            files: PCollection[str | tuple[str, bytes]].

        Returns:
            ``Extracted``.

        Raises:
            ValueError: there is no such model, or the options do not go together.
            FileNotFoundError: a model of the OCR engine is missing.
        """
        model = model_card(self.config.model, self.config.re_model)
        provenance = provenance_of(self.config, model)
        sources = files | "Take files" >> beam.Map(source_of).with_output_types(SourceFile | GivenFile)
        read = read_pages(sources, self.config, model.pictures)
        found = outputs_of(read.pages | "Find entities and relations" >> FindEntities(self.config))
        make_rows = beam.ParDo(MakePlainRowsFn(provenance, model.key_labels, self.config.values))
        rows = outputs_of(found.results | "Make rows" >> make_rows.with_outputs(*PAGE_TABLES, FAILURES))
        failures = (
            (read.failures, found.failures, rows[FAILURES])
            | "Put failures together" >> beam.Flatten()
            | "Turn failures into rows" >> beam.Map(failure_row, provenance).with_output_types(Row)
        )
        return Extracted(**{table: rows[table] for table in PAGE_TABLES}, failures=failures)


def source_of(file: str | tuple[str, bytes]) -> SourceFile | GivenFile:
    """A file as the steps of the job take it.

    Args:
        file: a URI, or a name and the bytes.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(file, str):
        return SourceFile(absolute_uri(file))
    if isinstance(file, tuple) and len(file) == 2 and isinstance(file[0], str) and isinstance(file[1], bytes):
        return GivenFile(uri_of(file[0]), file[1])
    raise TypeError(f"a URI or a tuple (name, bytes) is expected, not {type(file).__name__}")


@with_input_types(PageResult)
@with_output_types(Row, pages=Row, lines=Row, entities=Row, key_values=Row, failures=Failure)
class MakePlainRowsFn(beam.DoFn):
    """One page to its rows, each sent to the output of its table.

    Args:
        provenance: names and revisions that go on every row.
        key_labels: the labels of keys.
        values: how ambiguous values are read.
    """

    def __init__(self, provenance: Provenance, key_labels: Sequence[str], values: ValueOptions):
        self._provenance = provenance
        self._key_labels = key_labels
        self._values = values

    def process(self, result: PageResult) -> Iterator[TaggedOutput]:
        """Yield the rows of the page, or its failure.

        Args:
            result: what was found on one page.
        """
        try:
            tables = page_tables(result, self._provenance, self._key_labels, self._values)
        except Exception as error:
            yield TaggedOutput(FAILURES, failure_of_result(result, error))
            return
        for table, rows in tables.items():
            for row in rows:
                yield TaggedOutput(table, row)
