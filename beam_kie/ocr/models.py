"""Finds OCR models on disk: in the rapidocr package, or in the user's folders."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import yaml

BUNDLED_NAME = "PP-OCRv6-small"
"""The models inside the rapidocr package."""

_MOST_YML_BYTES = 8 * 1024 * 1024
_BUNDLED_FILES = {"det": "PP-OCRv6_det_small.onnx", "rec": "PP-OCRv6_rec_small.onnx"}


def bundled_model(task: str) -> Path:
    """The ONNX file of a model in the rapidocr package.

    Args:
        task: "det" (text detection) or "rec" (text recognition).

    Raises:
        FileNotFoundError: the package or the file is missing.
    """
    spec = importlib.util.find_spec("rapidocr")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "OCR needs the package rapidocr, which brings the models: pip install rapidocr"
        )
    path = Path(spec.origin).parent / "models" / _BUNDLED_FILES[task]
    if not path.is_file():
        raise FileNotFoundError(
            f"the rapidocr package here has no {path.name}: pip install 'rapidocr==3.10.*'"
        )
    return path


def model_file(folder: str | Path, suffix: str) -> Path:
    """The model in a user's folder: ``inference`` + suffix, else the only file with that suffix.

    Args:
        folder: the user's.
        suffix: of the model's file, with its dot: ".onnx" or ".pth".

    Raises:
        FileNotFoundError: no such file, or more than one.
    """
    folder = Path(folder)
    path = folder / f"inference{suffix}"
    if path.is_file():
        return path
    candidates = sorted(folder.glob(f"*{suffix}"))
    if len(candidates) != 1:
        found = "none" if not candidates else f"{len(candidates)} of them"
        raise FileNotFoundError(
            f"{folder} should hold inference{suffix} or one *{suffix} file; there is {found}"
        )
    return candidates[0]


def read_inference_yml(folder: str | Path) -> dict[str, dict]:
    """The sections of PaddleOCR's ``inference.yml`` in a model folder; an empty dict where there is none.

    Args:
        folder: of the model.

    Raises:
        ValueError: the file is damaged, or larger than 8 MiB (PP-OCRv6's has 150 kB).
    """
    path = Path(folder) / "inference.yml"
    if not path.is_file():
        return {}
    if path.stat().st_size > _MOST_YML_BYTES:
        raise ValueError(f"{path} has more than {_MOST_YML_BYTES:,} bytes")
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is not readable as YAML") from error
    sections = content if isinstance(content, dict) else {}
    return {name: section for name, section in sections.items() if isinstance(section, dict)}


def revision(paths: Iterable[Path]) -> str:
    """12 hex digits that change with the content of any of the files.

    Args:
        paths: the files, in an order that counts.
    """
    digest = hashlib.sha256()
    for path in paths:
        digest.update(_file_sha256(str(path), path.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=64)
def _file_sha256(path: str, _modified_ns: int) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
