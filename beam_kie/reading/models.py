"""The OCR engines and models of this process, each loaded once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from beam_kie.layoutxlm.model import KieModel
from beam_kie.layoutxlm.pair import KiePair, load_kie
from beam_kie.ocr import Engine, OcrEngine, OcrOptions, create_engine
from beam_kie.ocr.given import GivenLinesEngine
from beam_kie.reading.options import ReadOptions
from beam_kie.tables.schema import Provenance
from model_store import resolve

T = TypeVar("T")

_lock = threading.Lock()
_loaded: dict[Hashable, Any] = {}


class Models(NamedTuple):
    """What reads a page: an OCR engine and a model (or a pair of them); both serve many threads at once."""

    engine: OcrEngine
    kie: KieModel | KiePair
    provenance: Provenance


def models_of(options: ReadOptions) -> Models:
    """The engine and the model that the options name.

    The first call loads them, which takes seconds; later calls of any thread get the same objects. They stay
    in memory until ``release_models``.

    Args:
        options: how to read.

    Returns:
        The loaded models, and what they are called in tables.

    Raises:
        ValueError: there is no such model, or the options do not go together.
        FileNotFoundError: a model of the OCR engine is missing.
    """
    engine = _once(("engine", options.ocr), lambda: _engine(options.ocr))
    key = ("model", options.model, options.re_model, options.device, options.dtype)
    kie = _once(key, lambda: _kie(options))
    has_engine = options.ocr.engine is not Engine.NONE
    return Models(
        engine,
        kie,
        Provenance(
            ocr_engine=engine.name if has_engine else None,
            ocr_revision=engine.revision if has_engine else None,
            model=kie.name,
            model_revision=kie.revision,
        ),
    )


def release_models() -> None:
    """Forget all loaded models, so that their memory is free once no call uses them."""
    with _lock:
        _loaded.clear()


def _once(key: Hashable, load: Callable[[], T]) -> T:
    with _lock:
        if key not in _loaded:
            _loaded[key] = load()
        return _loaded[key]


def _engine(options: OcrOptions) -> OcrEngine:
    """The engine, behind the lines of a PDF's text layer."""
    engine = None if options.engine is Engine.NONE else create_engine(options)
    return GivenLinesEngine(fallback=engine)


def _kie(options: ReadOptions) -> KieModel | KiePair:
    return load_kie(
        resolve(options.model),
        None if options.re_model is None else resolve(options.re_model),
        device=options.device,
        dtype=options.dtype,
    )
