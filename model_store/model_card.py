"""``model_card.md``: where a model came from, under which licence, and the checksums of both sides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beam_kie.layoutxlm.config import LayoutXLMConfig

MODEL_CARD = "model_card.md"
_OWN_CHECKSUMS = "## SHA-256 of this model"
LAYOUTXLM_LICENCE = (
    "CC BY-NC-SA 4.0: the licence of the LayoutXLM weights that this model was made from. It forbids "
    "commercial use and asks that derived weights carry the same licence."
)


@dataclass(frozen=True)
class Provenance:
    """``source``: name or address as given; ``kind``: what sort of files; ``files``: SHA-256 of each."""

    source: str
    kind: str
    files: Mapping[str, str]
    licence: str = LAYOUTXLM_LICENCE


def write_card(folder: Path, config: LayoutXLMConfig, provenance: Provenance) -> None:
    """Writes the card of the model in ``folder``, whose other files are all there.

    Args:
        folder: of the model.
        config: of the model.
        provenance: where its files came from.
    """
    heads = [
        *(["token classifier"] if config.architecture.token_classifier else []),
        *(
            [f"{config.architecture.relation_head} relation head"]
            if config.architecture.relation_head != "none"
            else []
        ),
    ]
    pictures = (
        f"visual backbone, pictures normalised the way of {config.architecture.image_normalisation}"
        if config.architecture.use_visual_backbone
        else "none: text and places only"
    )
    made = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != MODEL_CARD}
    lines = [
        f"# {config.name}",
        "",
        "Converted by `python -m model_store import`; the values of the weights were not changed.",
        "",
        f"- Source: {provenance.source}",
        f"- Format of the source: {provenance.kind}",
        f"- Licence: {provenance.licence}",
        f"- Heads: {', '.join(heads) or 'none: a pretrained network, to be fine-tuned before use'}",
        f"- Classes: {', '.join(config.tags) if config.architecture.token_classifier else 'none'}",
        f"- Pictures: {pictures}",
        "",
        "## SHA-256 of the source",
        "",
        *_checksums(provenance.files),
        "",
        _OWN_CHECKSUMS,
        "",
        *_checksums(made),
    ]
    (folder / MODEL_CARD).write_text("\n".join(lines) + "\n", "utf-8")


def changed_files(folder: Path) -> list[str]:
    """Files of a model folder whose checksums are not those in its card; empty where the card has none.

    Args:
        folder: of the model.
    """
    card = folder / MODEL_CARD
    if not card.is_file():
        return []
    _, _, listing = card.read_text("utf-8", errors="replace").partition(f"{_OWN_CHECKSUMS}\n")
    recorded = re.findall(r"^ {4}([0-9a-f]{64})  ([\w.-]+)$", listing, re.MULTILINE)
    return [
        name
        for checksum, name in recorded
        if not (folder / name).is_file() or sha256(folder / name) != checksum
    ]


def sha256(path: Path) -> str:
    """A file's SHA-256, in hex.

    Args:
        path: of the file.
    """
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksums(files: Mapping[str, str]) -> list[str]:
    return [f"    {checksum}  {name}" for name, checksum in sorted(files.items())]
