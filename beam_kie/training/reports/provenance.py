"""What a model was trained on, and what that means for its licence: ``provenance.json`` of a model folder.

Training writes it from its settings and from the folder that it began from; averages and ensembles join those
of their members. The model card states nothing else about data and licence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from beam_kie.labelled.sources import source_name
from beam_kie.layoutxlm.config import ConfigError, LayoutXLMConfig
from beam_kie.training.planning.plan import Plan
from beam_kie.training.planning.sources import SourcePages

PROVENANCE = "provenance.json"
PERMISSIVE = frozenset({"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0"})
"""Licences of labelled pages that ask nothing of the weights."""
_CARD = "model_card.md"
_UNKNOWN = "unknown: no provenance.json and no licence in its model card"
_FORMS = "forms of the project's generator"
_TEXT = "plain text, for masked tokens"
_VECTORS = (
    "what the text encoders multilingual-e5-small (MIT) and Universal Sentence Encoder, multilingual "
    "(Apache-2.0), say of short texts"
)
_READ = "the lines that OCR reads on these pages"


@dataclass(frozen=True)
class Data:
    """Something that weights were made of: what it is, and its licence where that extends to the weights."""

    text: str
    licence: str | None = None


@dataclass(frozen=True)
class Provenance:
    """``data``: everything that went into the weights. ``own``: whether labelled pages without a stated
    licence are among it. ``settings``: the name of the settings file; None: not known."""

    data: tuple[Data, ...] = ()
    own: bool = False
    settings: str | None = None

    @property
    def licences(self) -> list[str]:
        """The licences that extend to the weights, each once."""
        return list(dict.fromkeys(each.licence for each in self.data if each.licence))

    def write(self, folder: Path) -> None:
        """Writes the file.

        Args:
            folder: of the model.
        """
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / PROVENANCE).write_text(text + "\n", "utf-8")


def of_run(plan: Plan, settings_file: str | None = None) -> Provenance:
    """The provenance of what a run makes.

    Args:
        plan: of the run.
        settings_file: name of its settings.
    """
    settings = plan.settings
    parts = [of_folder(Path(folder)) for folder in (settings.start_from, settings.teacher) if folder]
    data = [_of_source(each) for each in plan.sources]
    if any(each.source.ocr_lines for each in plan.sources):
        data.append(Data(_READ))
    data += [Data(_FORMS)] if settings.synthetic_share else []
    data += [Data(_TEXT)] if settings.text_share else []
    data += [Data(_VECTORS)] if settings.line_vectors else []
    own = any(each.source.licence is None for each in plan.sources)
    mine = Provenance(tuple(data), own, settings_file)
    return joined([*parts, mine])


def _of_source(each: SourcePages) -> Data:
    described = each.source.description or f"{len(each.kept)} labelled pages ({source_name(each.source)})"
    return Data(described, None if each.source.licence in PERMISSIVE else each.source.licence)


def joined(parts: Iterable[Provenance]) -> Provenance:
    """What several provenances name, each item once; the settings are those of the last.

    Args:
        parts: in the order of their making.
    """
    parts = list(parts)
    data = dict.fromkeys(each for part in parts for each in part.data)
    return Provenance(tuple(data), any(part.own for part in parts), parts[-1].settings if parts else None)


def read(folder: Path) -> Provenance | None:
    """The provenance in a model folder; None where there is no such file, or it is not readable.

    Args:
        folder: of the model.
    """
    try:
        values = json.loads((folder / PROVENANCE).read_text("utf-8"))
        data = tuple(Data(str(item["text"]), item["licence"]) for item in values["data"])
        return Provenance(data, bool(values["own"]), values["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_folder(folder: Path) -> Provenance:
    """The provenance of a model that others are made of: its file, or what its card says.

    Args:
        folder: of the model.
    """
    known = read(folder)
    if known is not None:
        return known
    try:
        name = LayoutXLMConfig.load(folder / "config.json").name
    except ConfigError:
        name = folder.name
    return Provenance((Data(f"the weights of {name}", _card_licence(folder) or _UNKNOWN),))


def _card_licence(folder: Path) -> str | None:
    """What a card says of the licence: its line "- Licence: ..." or the section of that name."""
    card = folder / _CARD
    text = card.read_text("utf-8", errors="replace") if card.is_file() else ""
    found = re.search(r"^- Licence: (.+)$", text, re.M) or re.search(
        r"^## Licence\n\n(.+?)(?:\n\n|\Z)", text, re.M | re.S
    )
    return " ".join(found[1].split()) if found else None
