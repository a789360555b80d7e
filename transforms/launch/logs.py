"""Log lines of the launcher: few and plain, or JSON for a log collector."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from datetime import UTC, datetime

_OURS = ("beam_kie", "model_store", "transforms")
# They set a level of their own, which the root logger's does not reach.
_SELF_WILLED = ("RapidOCR", "paddlex", "ppocr")


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with the field names that Google Cloud Logging understands."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON: time (UTC), severity, logger, message, and exception where there is one."""
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
    """A stream whose lines become log lines; for what would otherwise break a stream of JSON."""

    def __init__(self, logger: logging.Logger):
        self._logger = logger

    def isatty(self) -> bool:
        """Never a terminal."""
        return False

    def write(self, text: str) -> None:
        """Log the text, unless it is blank."""
        if text.strip():
            self._logger.info(text.strip())

    def flush(self) -> None:
        """Nothing is held back."""


def set_up(level: str, log_format: str) -> None:
    """Send log lines of ``level`` and above to stderr, "text" or "json"; other libraries only warn.

    DEBUG silences nobody.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if log_format == "json" else logging.Formatter("%(levelname)s %(message)s")
    )
    others = level if level == "DEBUG" else max(logging.WARNING, logging.getLevelName(level))
    logging.basicConfig(level=others, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    if level != "DEBUG":
        for name in _SELF_WILLED:
            logging.getLogger(name).setLevel(others)
        # It passes on what worker processes of this machine warn of: that they are not in a container.
        logging.getLogger("apache_beam.runners.portability.local_job_service").setLevel(logging.ERROR)
        warnings.filterwarnings("ignore", message="Possible nested set", category=FutureWarning)
