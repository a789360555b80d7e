"""What the launcher knows of the models before any worker loads them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from beam_kie.infer_txt import STANDARD_LABELS
from beam_kie.key_values import KEY_LABELS
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.model import WEIGHTS_FILE, ModelError, file_revision
from beam_kie.layoutxlm.pair import check_models
from beam_kie.ocr import identify_engine
from beam_kie.tables import Provenance
from transforms.models import model_folder
from transforms.ocr import ocr_options
from transforms.options import JobConfig


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model or a pair of them, not loaded.

    Name, revision, what pictures it looks at, if any, the labels of its entities in their order, and
    those of them that are keys.
    """

    name: str
    revision: str
    pictures: str | None
    labels: tuple[str, ...] = STANDARD_LABELS
    key_labels: tuple[str, ...] = KEY_LABELS


def model_card(reference: str, re_reference: str | None = None) -> ModelCard:
    """What the folder of a model says about it, or those of an SER and an RE model, joined by "+".

    Raises:
        ValueError: there is no such model, its configuration cannot be used, its weights are missing, or the
            two do not go together.
    """
    folder = _checked_folder(reference)
    config, revision = LayoutXLMConfig.load(folder / "config.json"), file_revision(folder / WEIGHTS_FILE)
    second = folder if re_reference is None else _checked_folder(re_reference)
    if second.resolve() == folder.resolve():
        return ModelCard(config.name, revision, check_models(config), config.labels, config.head_labels)
    other = LayoutXLMConfig.load(second / "config.json")
    return ModelCard(
        name=f"{config.name}+{other.name}",
        revision=f"{revision}+{file_revision(second / WEIGHTS_FILE)}",
        pictures=check_models(config, other),
        labels=config.labels,
        key_labels=other.head_labels,
    )


def _checked_folder(reference: str) -> Path:
    folder = model_folder(reference)
    if not (folder / WEIGHTS_FILE).is_file():
        raise ModelError(f"model {reference!r}: there is no {WEIGHTS_FILE} in {folder}")
    return folder


def provenance_of(config: JobConfig, model: ModelCard) -> Provenance:
    """The names and revisions that go on every row of the run.

    Raises:
        ValueError: the options of the OCR engine do not go together.
        FileNotFoundError: a model of the OCR engine is missing.
    """
    engine = revision = None
    if config.ocr_engine != "none":
        engine, revision = identify_engine(config.ocr_engine, ocr_options(config))
    return Provenance(
        ocr_engine=engine, ocr_revision=revision, model=model.name, model_revision=model.revision
    )
