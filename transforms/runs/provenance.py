"""The provenance of a run: models, OCR and options, known before any worker loads them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from beam_kie.imaging.page_source import PdfTextLayer
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.folders import WEIGHTS_FILE, ModelError, check_models, file_revision
from beam_kie.ocr import Engine, identify_engine
from beam_kie.ocr.devices import chosen
from beam_kie.options import values_of
from beam_kie.tables.infer_txt import STANDARD_LABELS
from beam_kie.tables.key_values import KEY_LABELS
from beam_kie.tables.schema import Provenance
from transforms.config import RESULT_OPTIONS, JobConfig
from transforms.runs.field_files import load_fields
from transforms.stages.models import model_folder
from transforms.storage import files


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model or a pair of them, not loaded.

    Name, revision, the kind of line pictures that it takes, if any, the labels of its entities in their
    order, and those of them that are keys. ``settings`` is a digest of the files beside the weights.
    """

    name: str
    revision: str
    pictures: str | None
    labels: tuple[str, ...] = STANDARD_LABELS
    key_labels: tuple[str, ...] = KEY_LABELS
    settings: str = field(default="", compare=False)


def model_card(reference: str, re_reference: str | None = None) -> ModelCard:
    """The description of a model from its folder, or of an SER and an RE model, joined by "+".

    Args:
        reference: of the model, as in ``--model``.
        re_reference: of the model for relations, as in ``--re_model``; None: the same.

    Raises:
        ValueError: there is no such model, its configuration cannot be used, its weights are missing, or the
            two do not go together.
    """
    folder = _checked_folder(reference)
    config, revision = LayoutXLMConfig.load(folder / "config.json"), file_revision(folder / WEIGHTS_FILE)
    second = folder if re_reference is None else _checked_folder(re_reference)
    if second.resolve() == folder.resolve():
        pictures, settings = check_models(config), _settings_of(folder)
        return ModelCard(config.name, revision, pictures, config.labels, config.head_labels, settings)
    other = LayoutXLMConfig.load(second / "config.json")
    return ModelCard(
        name=f"{config.name}+{other.name}",
        revision=f"{revision}+{file_revision(second / WEIGHTS_FILE)}",
        pictures=check_models(config, other),
        labels=config.labels,
        key_labels=other.head_labels,
        settings=f"{_settings_of(folder)}+{_settings_of(second)}",
    )


# Options that older versions did not have: unset, they are not in the digest, so that their runs still count.
_ADDED_LATER = ("ocr_languages", "date_order", "currency", "fields", "table_cells")
# What older versions called the same.
_FORMER_TEXT_LAYER = {PdfTextLayer.OFF: False, PdfTextLayer.ALWAYS: True}


def _checked_folder(reference: str) -> Path:
    folder = model_folder(reference)
    if not (folder / WEIGHTS_FILE).is_file():
        raise ModelError(f"model {reference!r}: there is no {WEIGHTS_FILE} in {folder}")
    return folder


def _settings_of(folder: Path) -> str:
    """A digest of configuration and vocabulary, which the revision of the weights does not cover."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".md" and path.name != WEIGHTS_FILE:
            digest.update(f"{path.name}\n{file_revision(path)}\n".encode())
    return digest.hexdigest()


def provenance_of(config: JobConfig, model: ModelCard) -> Provenance:
    """The names and revisions that go on every row of the run.

    Args:
        config: the job.
        model: the card of the job's model.

    Raises:
        ValueError: the options of the OCR engine do not go together.
        FileNotFoundError: a model of the OCR engine is missing.
        DocumentError: the file of OCR lines cannot be read.
        FieldFileError: the file of fields cannot be used.
    """
    engine = revision = None
    if config.ocr.engine is not Engine.NONE:
        engine, revision = identify_engine(config.ocr)
    return Provenance(
        ocr_engine=engine,
        ocr_revision=revision,
        model=model.name,
        model_revision=model.revision,
        options_digest=options_digest(config, model),
    )


def options_digest(config: JobConfig, model: ModelCard) -> str:
    """16 hex digits that change with every option that results depend on, beside the revisions.

    Args:
        config: the job.
        model: the card of the job's model.

    Raises:
        DocumentError: the file of OCR lines cannot be read.
        FieldFileError: the file of fields cannot be used.
    """
    values = {name: value for name, value in values_of(config).items() if name in RESULT_OPTIONS}
    for name in _ADDED_LATER:
        if values[name] is None:
            del values[name]
    values["ocr_engine"] = chosen(config.ocr).engine
    layer = values["pdf_text_layer"]
    values["pdf_text_layer"] = _FORMER_TEXT_LAYER.get(layer, layer)
    if config.ocr_lines:
        # The same lines under another name are the same lines.
        lines = files.read_bytes(config.ocr_lines, timeout_s=config.storage_timeout_s)
        values["ocr_lines"] = hashlib.sha256(lines).hexdigest()
    if config.records.fields:
        values["fields"] = load_fields(config.records.fields, config.storage_timeout_s).digest
    values["model_settings"] = model.settings
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
