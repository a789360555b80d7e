"""The rapidocr engine: PP-OCR models with OpenVINO, ONNX Runtime or PyTorch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, LifoQueue
from threading import Lock

import numpy as np

from beam_kie.document import PageImage, PageText, Polygon
from beam_kie.geometry import box_polygon, clip_polygon, rotate_polygon
from beam_kie.imaging.decode import upright
from beam_kie.ocr import OcrOptions, models
from beam_kie.ocr.cleaning import clean_lines
from beam_kie.ocr.crops import crop_line, plan_batches
from beam_kie.ocr.devices import cuda_device
from beam_kie.ocr.rapid_models import RapidModels, model_files
from beam_kie.ocr.rotation import (
    COLUMNS,
    character_boxes,
    find_rotation,
    in_doubt,
    is_sideways,
    longest_lines,
    sample_confidence,
)


@dataclass(slots=True)
class _Page:
    """A page on its way: lines found, then read (``texts`` None until then)."""

    pixels: np.ndarray
    polygons: list[Polygon]
    crops: list[np.ndarray]
    rotation_deg: int = 0
    texts: list[str] | None = None
    confidences: list[float] | None = None


class RapidOcrEngine:
    """Reads pages with one single-threaded set of models per thread.

    Two sets with a thread each take 40 % less CPU time for the same work than one set with two threads.
    The lines of a page are shared out among the threads, so that a single page is not slow either.
    """

    def __init__(self, options: OcrOptions):
        """Load the models; see ``create_engine`` for what it raises."""
        files = model_files(options)
        device = _device(options)
        self.name, self.revision = identify(options)
        self._detect_rotation = options.detect_rotation
        self._min_confidence = options.min_confidence
        # A GPU, and PyTorch with its own threads, are not made faster by sharing them.
        alone = device != "cpu" or options.rapidocr_backend == "torch"
        threads = 1 if alone else options.threads or _usable_cores()
        self._models = _Pool(lambda: RapidModels(options, device, files), threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="rapidocr")

    def read(self, images: Sequence[PageImage]) -> list[PageText]:
        """See OcrEngine.read."""
        pages = list(self._threads.map(self._find_lines, [image.pixels for image in images]))
        self._read_lines([page for page in pages if not self._may_be_sideways(page)])
        if self._detect_rotation:
            pages = [self._turned(page) for page in pages]
        return [self._page_text(image, page) for image, page in zip(images, pages, strict=True)]

    def _find_lines(self, pixels: np.ndarray) -> _Page:
        with self._models.lend() as rapid:
            polygons = rapid.find_lines(pixels)
        return _Page(pixels, *_cut_out(pixels, polygons))

    def _read_lines(self, pages: Sequence[_Page]) -> None:
        """Fill in what the lines of the pages say."""
        readings = self._read_crops([page.crops for page in pages])
        for page, reading in zip(pages, readings, strict=True):
            page.crops = []
            page.texts = [text for text, _ in reading]
            page.confidences = [confidence for _, confidence in reading]

    def _read_crops(self, crops_of_pages: Sequence[Sequence[np.ndarray]]) -> list[list[tuple[str, float]]]:
        """Text and confidence of every crop; batches never mix pages, threads read batches of any page."""
        plans = [plan_batches(crops) for crops in crops_of_pages]
        work = [
            [crops[index] for index in batch]
            for crops, plan in zip(crops_of_pages, plans, strict=True)
            for batch in plan
        ]
        done = self._threads.map(self._read_batch, work)
        readings = []
        for crops, plan in zip(crops_of_pages, plans, strict=True):
            reading: list[tuple[str, float]] = [("", 0.0)] * len(crops)
            for batch in plan:
                for index, line in zip(batch, next(done), strict=True):
                    reading[index] = line
            readings.append(reading)
        return readings

    def _read_batch(self, crops: Sequence[np.ndarray]) -> list[tuple[str, float]]:
        with self._models.lend() as rapid:
            return rapid.read_lines(crops)

    def _may_be_sideways(self, page: _Page) -> bool:
        return self._detect_rotation and is_sideways(page.polygons)

    def _turned(self, page: _Page) -> _Page:
        """The page read upright: itself, or read once more the right way up."""
        sideways = page.confidences is None
        if not sideways and not in_doubt(page.polygons, page.confidences):
            return page
        rotation = find_rotation(sideways, lambda rotation_deg: self._probe(page, rotation_deg))
        if rotation == 270 and self._has_columns(page):
            rotation = 0
        if rotation:
            # Lines are found anew: the result is that of a page which was stored upright.
            page = self._find_lines(upright(page.pixels, rotation))
            page.rotation_deg = rotation
        if page.confidences is None:
            self._read_lines([page])
        return page

    def _probe(self, page: _Page, rotation_deg: int) -> float:
        """How well the page's longest lines read when the page is turned by that much."""
        if rotation_deg == 0 and page.confidences is not None:
            return sample_confidence(page.polygons, page.confidences)
        height, width = page.pixels.shape[:2]
        polygons = [rotate_polygon(polygon, width, height, rotation_deg) for polygon in page.polygons]
        sample = [polygons[index] for index in longest_lines(polygons)]
        if not sample:
            return 0.0
        sample, crops = _cut_out(upright(page.pixels, rotation_deg), sample)
        (reading,) = self._read_crops([crops])
        return sample_confidence(sample, [confidence for _, confidence in reading])

    def _has_columns(self, page: _Page) -> bool:
        """Whether lines stand because they are columns of upright characters."""
        size_px = page.pixels.shape[1::-1]
        squares = [clip_polygon(box_polygon(box), *size_px) for box in character_boxes(page.polygons)]
        _, crops = _cut_out(page.pixels, squares)
        (reading,) = self._read_crops([crops])
        return sum(confidence for _, confidence in reading) >= COLUMNS * max(len(reading), 1)

    def _page_text(self, image: PageImage, page: _Page) -> PageText:
        height, width = page.pixels.shape[:2]
        lines = clean_lines(
            page.texts, page.polygons, page.confidences, (width, height), self._min_confidence
        )
        return PageText(
            image.document_id,
            image.uri,
            image.page,
            width,
            height,
            page.rotation_deg,
            lines,
            text_source="ocr",
        )


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


def _cut_out(pixels: np.ndarray, polygons: Sequence[Polygon]) -> tuple[list[Polygon], list[np.ndarray]]:
    """The pictures of lines, and the polygons of those that have one (all but the thinnest)."""
    crops = [crop_line(pixels, polygon) for polygon in polygons]
    kept = [(polygon, crop) for polygon, crop in zip(polygons, crops, strict=True) if crop is not None]
    return [polygon for polygon, _ in kept], [crop for _, crop in kept]


def _device(options: OcrOptions) -> str:
    """ "cpu" or "cuda:N". Raises ValueError where the backend cannot use the device that was asked for."""
    wanted = options.device
    if options.rapidocr_backend == "openvino":
        if wanted not in ("auto", "cpu"):
            raise ValueError(
                f"OpenVINO does not run on {wanted}: choose the rapidocr backend onnxruntime or torch"
            )
        return "cpu"
    return cuda_device(wanted, options.rapidocr_backend)


def identify(options: OcrOptions) -> tuple[str, str]:
    """Name and revision of the engine with these options; raises what ``model_files`` raises."""
    return f"rapidocr/{_models_name(options)}", models.revision(model_files(options).values())


def _models_name(options: OcrOptions) -> str:
    own = [os.path.basename(os.path.normpath(f)) for f in (options.det_model_dir, options.rec_model_dir) if f]
    return "+".join(own) or models.BUNDLED_NAME


def _usable_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1
