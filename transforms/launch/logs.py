"""Logging of the launcher: plain lines, or JSON for a log collector."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime

from apache_beam.options.pipeline_options import PipelineOptions, WorkerOptions

from beam_kie.escaping import printable

_OURS = ("beam_kie", "model_store", "transforms")
# They set a level of their own, which the root logger's does not reach.
_SELF_WILLED = ("RapidOCR", "paddlex", "ppocr")
# At DEBUG it logs every element: "Processing [...] in ...".
_LOGS_ELEMENTS = "apache_beam"


def never_log_elements(options: PipelineOptions) -> None:
    """Holds Beam in worker processes and services at INFO, whatever their default level is set to.

    Args:
        options: of the pipeline; its overrides of log levels are changed.
    """
    workers = options.view_as(WorkerOptions)
    given: dict[str, str] = workers.sdk_harness_log_level_overrides or {}
    others = {name: level for name, level in given.items() if name.partition(".")[0] != _LOGS_ELEMENTS}
    workers.sdk_harness_log_level_overrides = others | {_LOGS_ELEMENTS: "INFO"}


class TextFormatter(logging.Formatter):
    """Plain lines, in which names from elsewhere can neither move the cursor nor turn text round."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text; a line that is not the first of its record is indented.

        Args:
            record: of the log.
        """
        return printable(super().format(record), keep="\n\t").replace("\n", "\n    ")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the field names that Google Cloud Logging understands."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON.

        Args:
            record: A log record.

        Returns:
            One line with time (UTC), severity, logger, message, and exception where there is one.
        """
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "severity": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False)


class LogStream:
    """A stream whose lines become log lines, so that everything on stderr is JSON.

    Args:
        logger: where the lines go.
    """

    def __init__(self, logger: logging.Logger):
        self._logger = logger

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def write(self, text: str) -> None:
        """Log a text, unless it is blank.

        Args:
            text: One or more lines.
        """
        if text.strip():
            self._logger.info(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


def set_up(level: str, log_format: str) -> None:
    """Send log lines to stderr; other libraries than this project only warn.

    At DEBUG they all log, but for Beam: there it logs the elements that it processes, recognised text
    among them.

    Args:
        level: Least level that is shown.
        log_format: "text" or "json".
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if log_format == "json" else TextFormatter("%(levelname)s %(message)s")
    )
    others = level if level == "DEBUG" else max(logging.WARNING, logging.getLevelName(level))
    logging.basicConfig(level=others, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    if level == "DEBUG":
        logging.getLogger(_LOGS_ELEMENTS).setLevel(logging.INFO)
    else:
        logging.getLogger(_LOGS_ELEMENTS).setLevel(logging.NOTSET)
        for name in _SELF_WILLED:
            logging.getLogger(name).setLevel(others)
        # It passes on what worker processes of this machine warn of: that they are not in a container.
        logging.getLogger("apache_beam.runners.portability.local_job_service").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", message="Possible nested set", category=FutureWarning)
