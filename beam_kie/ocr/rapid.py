"""The rapidocr engine: PP-OCR models with OpenVINO, ONNX Runtime or PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Empty, LifoQueue
from threading import Lock

import numpy as np

from beam_kie.document import Polygon
from beam_kie.ocr import OcrOptions
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES, BoxGeometry
from beam_kie.ocr.crops import plan_batches
from beam_kie.ocr.devices import ocr_device
from beam_kie.ocr.pages import PageReader, Reading, usable_cores
from beam_kie.ocr.rapid_files import identify, model_files
from beam_kie.ocr.rapid_models import RapidModels


class RapidOcrEngine(PageReader):
    """Reads pages with one single-threaded set of models per thread.

    Two sets with a thread each take 40 % less CPU time for the same work than one set with two threads.
    The lines of a page are shared out among the threads, so that a single page is not slow either.

    Args:
        options: how to read.
        geometry: how lines are found.

    Raises:
        ValueError: options do not go together.
        FileNotFoundError: a model is missing.
    """

    def __init__(self, options: OcrOptions, geometry: BoxGeometry = GEOMETRIES[DEFAULT]):
        """Load the models; see ``create_engine`` for what it raises."""
        files = model_files(options)
        device = ocr_device(options)
        # A GPU, and PyTorch with its own threads, are not made faster by sharing them.
        alone = device != "cpu" or options.rapidocr_backend == "torch"
        count = 1 if alone else options.threads or usable_cores()
        threads = ThreadPoolExecutor(count, thread_name_prefix="rapidocr")
        sets = _Pool(lambda: RapidModels(options, device, files, geometry), count)
        line_models = _SharedModels(sets, threads)
        identity = identify(options)
        super().__init__(identity, line_models, threads, options.detect_rotation, options.min_confidence)


class _SharedModels:
    """``LineModels`` of several sets of models, each lent to one thread at a time."""

    def __init__(self, sets: _Pool, threads: ThreadPoolExecutor):
        self._sets = sets
        self._threads = threads

    def find_lines(self, pixels: np.ndarray) -> list[Polygon]:
        """See LineModels.find_lines."""
        with self._sets.lend() as rapid:
            return rapid.find_lines(pixels)

    def read_crops(self, crops_of_pages: Sequence[Sequence[np.ndarray]]) -> list[list[Reading]]:
        """See LineModels.read_crops: batches never mix pages, threads read batches of any page."""
        plans = [plan_batches(crops) for crops in crops_of_pages]
        work = [
            [crops[index] for index in batch]
            for crops, plan in zip(crops_of_pages, plans, strict=True)
            for batch in plan
        ]
        done = self._threads.map(self._read_batch, work)
        pages = []
        for crops, plan in zip(crops_of_pages, plans, strict=True):
            readings = [Reading("", 0.0)] * len(crops)
            for batch in plan:
                for index, reading in zip(batch, next(done), strict=True):
                    readings[index] = reading
            pages.append(readings)
        return pages

    def _read_batch(self, crops: Sequence[np.ndarray]) -> list[Reading]:
        with self._sets.lend() as rapid:
            return rapid.read_lines(crops)


class _Pool:
    """Up to ``size`` things, made when needed, each lent to one thread at a time."""

    def __init__(self, make: Callable[[], RapidModels], size: int):
        self._make = make
        self._idle: LifoQueue[RapidModels] = LifoQueue()
        self._lock = Lock()
        # The first is made at once: what cannot be loaded should be known at the start.
        self._idle.put(make())
        self._unmade = size - 1

    @contextmanager
    def lend(self) -> Iterator[RapidModels]:
        """A thing for the time of the ``with`` block; waits while all are lent."""
        thing = self._take()
        try:
            yield thing
        finally:
            self._idle.put(thing)

    def _take(self) -> RapidModels:
        try:
            return self._idle.get_nowait()
        except Empty:
            pass
        with self._lock:
            make = self._unmade > 0
            self._unmade -= make
        return self._make() if make else self._idle.get()
