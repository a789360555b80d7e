"""The tables as CSV and JSON lines beside Parquet, one file each, for runs that a person looks at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apache_beam as beam

from beam_kie.exports.text_files import WRITERS, TextFormat
from transforms.config import JobConfig
from transforms.ptransform import Transform
from transforms.runs import paths
from transforms.runs.tables import read_batches, schema_of
from transforms.storage import files


class WriteTextFiles(Transform):
    """Write the tables again as text: PCollection[TableFile] to PCollection[str], the paths.

    One worker reads all Parquet files of a table, in their order, so the text depends on their rows alone.

    Args:
        config: of the job.
        formats: at least one.
    """

    def __init__(self, config: JobConfig, formats: Iterable[TextFormat]):
        super().__init__()
        self.config = config
        self.formats = tuple(formats)

    def expand(self, table_files):
        """Wire the shuffle and the writer."""
        write = beam.FlatMap(write_text_files, self.config, self.formats).with_output_types(str)
        return (
            table_files
            | "Key by table" >> beam.Map(_by_table).with_output_types(tuple[str, str])
            | "Gather files of a table" >> beam.GroupByKey()
            | "Write text" >> write
        )


def wanted_formats(config: JobConfig) -> tuple[TextFormat, ...]:
    """The forms that the tables of a run are written in beside Parquet.

    Args:
        config: of the job.
    """
    wanted = {TextFormat.CSV: config.csv, TextFormat.JSONL: config.jsonl}
    return tuple(name for name, on in wanted.items() if on)


def write_text_files(
    gathered: tuple[str, Iterable[str]], config: JobConfig, formats: Iterable[TextFormat]
) -> Iterator[str]:
    """Write one table in every format.

    Args:
        gathered: the table's name and the paths of its Parquet files, in any order.
        config: the job.
        formats: of the files.

    Returns:
        The paths of the text files.

    Raises:
        OSError: a file cannot be written.
        UnreadableRunError: a Parquet file cannot be read.
    """
    table, parts = gathered
    # A replayed bundle names a file twice.
    ordered = sorted(set(parts), key=paths.place_of_table_file)
    schema = schema_of(table, ordered, config.storage_timeout_s)
    for form in formats:
        path = paths.export_path(config.output, config.run_id, f"{table}.{form}")
        with files.writing(path, config.storage_timeout_s) as sink:
            batches = read_batches(table, ordered, config.storage_timeout_s)
            WRITERS[form](schema, batches, sink)
        yield path


def _by_table(file: paths.TableFile) -> tuple[str, str]:
    return file.table, file.path
