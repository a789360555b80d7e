"""The ppocr engine: a detector and a small recogniser; on CPUs a tiny one reads all lines before it.

There the small one reads only the lines that are in doubt, which saves time, or all lines of a page where
most are; of these, letters that do not go together may change (``language_model``). On a GPU it reads all
lines, and nothing changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import chain, islice

import cv2
import numpy as np

from beam_kie.document import Polygon
from beam_kie.ocr import OcrOptions, models, tiles
from beam_kie.ocr.box_geometry import DEFAULT, GEOMETRIES, BoxGeometry
from beam_kie.ocr.devices import is_gpu, ocr_device
from beam_kie.ocr.pages import PageReader, Reading, usable_cores
from beam_kie.ocr.ppocr.boxes import line_boxes
from beam_kie.ocr.ppocr.doubt import is_doubtful, is_hard, sample_of
from beam_kie.ocr.ppocr.files import TINY_NAME, ModelFiles, model_files, tell_that_tiny_is_missing
from beam_kie.ocr.ppocr.language_model.rereading import Rereader
from beam_kie.ocr.ppocr.languages import scripts_of
from beam_kie.ocr.ppocr.reader import LineReader, Networks, ReaderSettings, shrink

# Lines shorter than 128 px are padded: the recognisers were trained on padded lines, and read them better.
# More widths would need more networks, which cost time to prepare and some 10 to 30 MiB each.
_WIDTHS = (*range(128, 256, 32), *range(256, 512, 64), *range(512, 1024, 128), *range(1024, 2049, 256))
# Measured on 8 of the pages of doubt.py: no frame of 4,675 that write had a higher logit, 55 % of all have.
# The tiny recogniser's blanks are not told apart by theirs.
_SMALL_BLANK = 26.0
_UNKNOWN_TO_TINY = frozenset({"HIRAGANA", "KATAKANA"})
_UNREAD = Reading("", 0.0)
_FOREIGN_SHARE = 0.1  # of a page's lines; from that on tiny is not trusted with the others either


class PpOcrEngine(PageReader):
    """Reads pages on CPUs or on a GPU; see ``create_engine`` for what making one raises.

    Args:
        options: how to read.
        networks: what computes; None: what the device of the options is best at.
        geometry: how lines are found.

    Raises:
        ValueError: the device is not to be had, or a language is unknown.
    """

    def __init__(
        self,
        options: OcrOptions,
        networks: Networks | None = None,
        geometry: BoxGeometry = GEOMETRIES[DEFAULT],
    ):
        count = options.threads or usable_cores()
        networks = networks or _networks(ocr_device(options), count)
        files = model_files(options, networks.tiny_first, networks.keeps_classes)
        threads = ThreadPoolExecutor(max(count, networks.least_threads), thread_name_prefix="ppocr")
        options = replace(options, max_side=geometry.max_side or options.max_side)
        line_models = _Models(options, files, networks, threads, partial(line_boxes, geometry=geometry))
        identity = _identity(options, files)
        super().__init__(identity, line_models, threads, options.detect_rotation, options.min_confidence)
        self.prepare = line_models.prepare


class _Models:
    """``LineModels`` of the engine."""

    def __init__(
        self,
        options: OcrOptions,
        files: ModelFiles,
        networks: Networks,
        threads: ThreadPoolExecutor,
        boxes: tiles.LineBoxes,
    ):
        self._max_side = options.max_side
        self._threads = threads
        self._line_boxes = boxes
        scripts = scripts_of(options.languages)
        self._detector = networks.detector(files.det)
        self._small = LineReader(networks, files.rec, ReaderSettings(_WIDTHS, _SMALL_BLANK, scripts))
        if files.letters is not None:
            self._small.second = Rereader(self._small.characters, files.letters)
        self._tiny: LineReader | None = None
        if files.tiny is None and networks.tiny_first and options.rec_model_dir is None:
            tell_that_tiny_is_missing()
        elif files.tiny is not None and not scripts & _UNKNOWN_TO_TINY:
            self._tiny = LineReader(networks, files.tiny, ReaderSettings(_WIDTHS, scripts=scripts))
            self._known_to_tiny = frozenset("".join(self._tiny.characters))

    def prepare(self) -> Iterator[None]:
        """See PreparedEngine.prepare."""
        for reader in filter(None, (self._tiny, self._small)):
            yield from reader.prepare()

    def find_lines(self, pixels: np.ndarray) -> list[Polygon]:
        """See LineModels.find_lines."""
        return tiles.find_lines(pixels, self._max_side, self._text_map, self._line_boxes)

    def _text_map(self, pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        return self._detector(cv2.resize(pixels, size))

    def read_crops(self, crops_of_pages: Sequence[Sequence[np.ndarray]]) -> list[list[Reading]]:
        """See LineModels.read_crops."""
        lines = [list(self._threads.map(shrink, crops)) for crops in crops_of_pages]
        if self._tiny is None:
            return self._read(self._small, lines, [range(len(page)) for page in lines])
        pages = [[_UNREAD] * len(page) for page in lines]
        samples = [sample_of(len(page)) for page in lines]
        self._put(self._tiny, lines, samples, pages)
        hard = [
            is_hard([line[i] for i in sample], [page[i] for i in sample])
            for line, page, sample in zip(lines, pages, samples, strict=True)
        ]
        others = [
            [] if given_up else _others(page, sample)
            for page, sample, given_up in zip(pages, samples, hard, strict=True)
        ]
        self._put(self._tiny, lines, others, pages)
        again = [
            range(len(page)) if given_up else [i for i in range(len(page)) if is_doubtful(line[i], page[i])]
            for line, page, given_up in zip(lines, pages, hard, strict=True)
        ]
        self._put(self._small, lines, again, pages)
        # Where tiny lacks the script, it takes characters for others that look alike, and is sure of it.
        rest = [
            _others(page, chosen) if self._is_foreign(page, chosen) else []
            for page, chosen in zip(pages, again, strict=True)
        ]
        self._put(self._small, lines, rest, pages)
        return pages

    def _put(
        self,
        reader: LineReader,
        lines: Sequence[Sequence[np.ndarray]],
        chosen: Sequence[Sequence[int]],
        pages: Sequence[list[Reading]],
    ) -> None:
        """Put what a recogniser reads in the chosen lines of each page in their place."""
        for page, indices, readings in zip(pages, chosen, self._read(reader, lines, chosen), strict=True):
            for index, reading in zip(indices, readings, strict=True):
                page[index] = reading

    def _read(
        self, reader: LineReader, lines: Sequence[Sequence[np.ndarray]], chosen: Sequence[Sequence[int]]
    ) -> list[list[Reading]]:
        """What a recogniser reads in the chosen lines of each page; threads share the work."""
        # Lines of one width one after the other: the network for it stays in the processor's cache.
        ordered = [
            sorted(indices, key=lambda index: page[index].shape[1])
            for page, indices in zip(lines, chosen, strict=True)
        ]
        parts = [
            [page[index] for index in indices[start : start + reader.together]]
            for page, indices in zip(lines, ordered, strict=True)
            for start in range(0, len(indices), reader.together)
        ]
        done = chain.from_iterable(self._threads.map(reader.read, parts))
        found = [dict(zip(indices, islice(done, len(indices)), strict=True)) for indices in ordered]
        return [[page[index] for index in indices] for page, indices in zip(found, chosen, strict=True)]

    def _is_foreign(self, page: Sequence[Reading], again: Sequence[int]) -> bool:
        """Whether many of a page's lines, as the small recogniser read them, are beyond the tiny one."""
        beyond = sum(not self._known_to_tiny.issuperset(page[index].text) for index in again)
        return beyond > 1 and beyond >= _FOREIGN_SHARE * len(page)


def _others(page: Sequence[Reading], chosen: Sequence[int]) -> list[int]:
    """The indices of a page's lines that are not chosen."""
    return sorted(set(range(len(page))).difference(chosen))


def identify(options: OcrOptions) -> tuple[str, str]:
    """Name and revision of the engine with these options; FileNotFoundError where a model is missing.

    Args:
        options: as of the engine.
    """
    on_cpu = not is_gpu(options.device)
    return _identity(options, model_files(options, on_cpu, on_cpu))


def _identity(options: OcrOptions, files: ModelFiles) -> tuple[str, str]:
    own = [os.path.basename(os.path.normpath(f)) for f in (options.det_model_dir, options.rec_model_dir) if f]
    names = own or [models.BUNDLED_NAME, *([TINY_NAME] if files.tiny else [])]
    return f"ppocr/{'+'.join(names)}", models.revision(files.paths)


def _networks(device: str, threads: int) -> Networks:
    # Either runtime takes its time to import.
    if device == "cpu":
        from beam_kie.ocr.ppocr.openvino_networks import OpenVinoNetworks
        from beam_kie.ocr.ppocr.sessions import Sessions, cache_folder

        return OpenVinoNetworks(Sessions(threads, cache_folder()))
    from beam_kie.ocr.ppocr.pytorch.running import TorchNetworks

    return TorchNetworks(device)
