"""What is known of model folders without loading their networks, and so without PyTorch."""

from __future__ import annotations

import hashlib
from pathlib import Path

from beam_kie.layoutxlm.config import LayoutXLMConfig

WEIGHTS_FILE = "model.safetensors"
MODEL_FILES = ("config.json", WEIGHTS_FILE)


class ModelError(ValueError):
    """A model folder that cannot be used; the message says why and what to do."""


def file_revision(path: Path) -> str:
    """First 12 hex digits of a file's SHA-256.

    Args:
        path: of the file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def check_models(ser: LayoutXLMConfig, re: LayoutXLMConfig | None = None) -> str | None:
    """Checks that a job can be done with one model, or with an SER and an RE model.

    Args:
        ser: the configuration of the model that finds entities.
        re: that of the model that relates them; None: the same model does.

    Returns:
        What pictures the models need (``LayoutXLMConfig.pictures``); None: none.

    Raises:
        ModelError: where the first finds no entities, the second no relations or none between entities that
            the first finds, or where they need pictures made in different ways.
    """
    if not ser.architecture.token_classifier:
        raise ModelError(f"model {ser.name} finds no entities, only relations: give it with --re_model")
    if re is None:
        return ser.pictures
    if re.architecture.relation_head == "none":
        raise ModelError(f"model {re.name} finds no relations: it has no relation head")
    needed = set(re.head_labels + re.tail_labels)
    if not needed <= set(ser.labels):
        raise ModelError(
            f"model {re.name} relates {', '.join(sorted(needed))}, "
            f"but model {ser.name} finds {', '.join(ser.labels)}"
        )
    kinds = sorted({config.pictures for config in (ser, re) if config.pictures is not None})
    if len(kinds) > 1:
        raise ModelError(f"models {ser.name} and {re.name} need pictures made in different ways")
    return kinds[0] if kinds else None
