"""What the launcher knows of the models before any worker loads them."""

from __future__ import annotations

from dataclasses import dataclass

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.model import WEIGHTS_FILE, ModelError, file_revision
from beam_kie.ocr import identify_engine
from beam_kie.tables import Provenance
from transforms.models import model_folder
from transforms.ocr import ocr_options
from transforms.options import JobConfig


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A model that is not loaded: its name, revision, and the kind of pictures that it looks at, if any."""

    name: str
    revision: str
    pictures: str | None


def model_card(reference: str) -> ModelCard:
    """What the folder of a model says about it.

    Raises:
        ValueError: there is no such model, its configuration cannot be used, or its weights are missing.
    """
    folder = model_folder(reference)
    weights = folder / WEIGHTS_FILE
    if not weights.is_file():
        raise ModelError(f"model {reference!r}: there is no {WEIGHTS_FILE} in {folder}")
    config = LayoutXLMConfig.load(folder / "config.json")
    return ModelCard(name=config.name, revision=file_revision(weights), pictures=config.pictures)


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
