"""Writes the metadata of Dataflow's flex template, from the declared options: ``make docs``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from beam_kie.options import Option
from transforms.launch.options import groups, help_text

METADATA = Path(__file__).with_name("flex_template.json")

_REQUIRED_OF_BEAM = "sdk_container_image"

# Beam's own flags that a request to launch a template has no field for, or that this job cannot do without.
_BEAMS = {
    "sdk_container_image": ("The image of the workers: the one that this template was built from.", "^.+$"),
    "machine_type": ("Machine type of the workers, for example n2-standard-4.", "^[a-z][a-z0-9-]+$"),
    "disk_size_gb": ("Disk of a worker in GB.", "^[1-9][0-9]*$"),
    "number_of_worker_harness_threads": (
        "Threads of a worker's process, each with a page of its own.",
        "^[1-9][0-9]*$",
    ),
    "dataflow_service_options": ("A service option in Dataflow's own words.", "^.+$"),
}

_URI = "^(gs|s3)://.+$"
_NUMBERS = {int: "^[0-9]+$", float: "^[0-9]*[.]?[0-9]+$"}


def metadata() -> dict[str, Any]:
    """The template's name and every parameter that it takes, as Google's TemplateMetadata has them."""
    options = [item for group in groups().values() for item in group if item.info.in_template]
    return {
        "name": "beam-kie",
        "description": "Scanned documents in, tables of key-value pairs and pictures of what was found out.",
        "parameters": [
            *(_parameter(item) for item in options),
            *(_beams(name, *about) for name, about in _BEAMS.items()),
        ],
    }


def _parameter(item: Option) -> dict[str, Any]:
    about = {
        "name": item.flag,
        "label": _label(item.flag),
        "helpText": help_text(item),
        "isOptional": not item.info.required,
        "groupName": item.info.group,
    }
    if item.kind is bool:
        return about | {"paramType": "BOOLEAN", "regexes": ["^(true|false)$"]}
    if item.choices:
        options = [{"value": value, "label": value} for value in item.choices]
        pattern = f"^({'|'.join(item.choices)})$"
        return about | {"paramType": "ENUM", "enumOptions": options, "regexes": [pattern]}
    if item.kind in _NUMBERS:
        return about | {"paramType": "NUMBER", "regexes": [_NUMBERS[item.kind]]}
    return about | {"paramType": "TEXT", "regexes": [_text_pattern(item)]}


def _text_pattern(item: Option) -> str:
    if item.info.is_uri:
        return _URI
    return "^.+$" if item.info.pattern is None else f"^{item.info.pattern.pattern}$"


def _beams(name: str, text: str, pattern: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": _label(name),
        "helpText": text,
        "isOptional": name != _REQUIRED_OF_BEAM,
        "groupName": "Beam",
        "paramType": "TEXT",
        "regexes": [pattern],
    }


def _label(name: str) -> str:
    words = name.replace("_", " ")
    for short in ("ocr", "pdf", "dpi", "gpu", "ram", "gb", "sdk", "id"):
        words = " ".join(short.upper() if word == short else word for word in words.split())
    return words[0].upper() + words[1:]


def render() -> str:
    """The file's text."""
    return json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    METADATA.write_text(render(), encoding="utf-8")
