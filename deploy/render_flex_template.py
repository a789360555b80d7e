"""Writes the metadata of Dataflow's flex template, from the flags themselves: ``make docs``."""

from __future__ import annotations

import argparse
import json
import sys
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from transforms.config import RUN_ID, JobConfig
from transforms.launch.arguments import argument_parser, own_groups

METADATA = Path(__file__).with_name("flex_template.json")

LEFT_OUT = {"wait", "validate_only"}
"""Flags for whoever sits at the launcher: that of a template must neither wait nor stop before launch."""

REQUIRED = {"output", "sdk_container_image"}

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

_PLACES = {
    "input": "^(gs|s3)://.+$",
    "manifest": "^(gs|s3)://.+$",
    "output": "^(gs|s3)://.+$",
    "ocr_lines": "^(gs|s3)://.+$",
    "run_id": f"^{RUN_ID.pattern}$",
    "retry_failures": f"^{RUN_ID.pattern}$",
}
_NUMBERS = {int: "^[0-9]+$", float: "^[0-9]*[.]?[0-9]+$"}


def metadata() -> dict:
    """The template's name and every parameter that it takes, as Google's TemplateMetadata has them."""
    flags = [
        _parameter(action, group.title)
        for group in own_groups(argument_parser())
        for action in group._group_actions
        if action.dest not in LEFT_OUT
    ]
    return {
        "name": "beam-kie",
        "description": "Scanned documents in, tables of key-value pairs and pictures of what was found out.",
        "parameters": [*flags, *(_beams(name, *about) for name, about in _BEAMS.items())],
    }


def _parameter(action: argparse.Action, group: str) -> dict:
    kind = _kind_of(action.dest)
    about = {
        "name": action.dest,
        "label": _label(action.dest),
        "helpText": action.help,
        "isOptional": action.dest not in REQUIRED,
        "groupName": group,
    }
    if bool in kind:
        return about | {"paramType": "BOOLEAN", "regexes": ["^(true|false)$"]}
    if action.choices:
        options = [{"value": value, "label": value} for value in action.choices]
        pattern = f"^({'|'.join(action.choices)})$"
        return about | {"paramType": "ENUM", "enumOptions": options, "regexes": [pattern]}
    for number, pattern in _NUMBERS.items():
        if number in kind:
            return about | {"paramType": "NUMBER", "regexes": [pattern]}
    return about | {"paramType": "TEXT", "regexes": [_PLACES.get(action.dest, "^.+$")]}


def _kind_of(name: str) -> tuple[type, ...]:
    """The types that the option takes; flags that are no options of the job are told by their choices."""
    hint = typing.get_type_hints(JobConfig).get(name, str)
    return typing.get_args(hint) or (hint,)


def _beams(name: str, text: str, pattern: str) -> dict:
    return {
        "name": name,
        "label": _label(name),
        "helpText": text,
        "isOptional": name not in REQUIRED,
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
