"""PP-OCR's networks on a GPU: pages of one size and lines of one padded width are computed together."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from beam_kie.devices.precision import native_dtype
from beam_kie.ocr.ppocr.decoding import BLANK
from beam_kie.ocr.ppocr.pytorch.networks import Detector, Recogniser, load_detector, load_recogniser
from beam_kie.ocr.ppocr.pytorch.owner import DeviceOwner
from beam_kie.ocr.ppocr.reader import LineFrames, ReaderSettings, frames_of, kept_classes, pad

BATCH_PIXELS = 16_000_000
"""A dozen pages as the detector sees them, or 700 lines of 448 px: some 4 GB. Not measured on a GPU."""

_HEAD_ROWS = 8_192  # frames whose logits are in memory at a time: 0.6 GB of the small recogniser's


class TorchNetworks:
    """``Networks`` in PyTorch; one owner gives all their work to the device.

    Args:
        device: "cuda:N"; "cpu" computes the same, but takes longer than OpenVINO.
        batch_pixels: a batch has so many pixels at most.
    """

    together = sys.maxsize
    # Threads mostly wait for the device, and what they have asked for meanwhile is computed together.
    least_threads = 16
    # Small takes little time on a GPU.
    tiny_first = False
    keeps_classes = False

    def __init__(self, device: str, batch_pixels: int = BATCH_PIXELS):
        self._device = torch.device(device)
        self._dtype = torch.float32 if self._device.type == "cpu" else native_dtype(self._device)
        self.owner = DeviceOwner(self._device, batch_pixels)

    def detector(self, path: Path) -> Callable[[np.ndarray], np.ndarray]:
        """See Networks.detector.

        Args:
            path: the ONNX file.
        """
        network: Detector = load_detector(path).to(self._device, self._dtype)

        def maps(pictures: torch.Tensor) -> list[torch.Tensor]:
            found = network(_as_pp_ocr(pictures, self._dtype))
            return [(found.float() * 255).round().to(torch.uint8)]

        self.owner.add("pages", maps)

        def text_map(pixels: np.ndarray) -> np.ndarray:
            page = self.owner.buffer(pixels.shape)
            page[:] = pixels
            (answer,) = self.owner.submit("pages", [page])
            return answer.result()[0]

        return text_map

    def frames(self, path: Path, settings: ReaderSettings) -> TorchFrames:
        """See Networks.frames.

        Args:
            path: the ONNX file.
            settings: sizes, the threshold of blanks, and scripts.
        """
        return TorchFrames(self.owner, load_recogniser(path), path, settings, self._device, self._dtype)


class TorchFrames:
    """``Frames`` of an ONNX file on a GPU."""

    def __init__(
        self,
        owner: DeviceOwner,
        recogniser: Recogniser,
        path: Path,
        settings: ReaderSettings,
        device: torch.device,
        dtype: torch.dtype,
    ):
        """Move the networks to the device.

        Args:
            owner: of the device.
            recogniser: of the file.
            path: the ONNX file.
            settings: sizes, the threshold of blanks, and scripts.
            device: of the owner.
            dtype: what the recogniser computes in, but for its last layer: probabilities need float32.

        Raises:
            ValueError: the characters of the file are not as many as its classes.
        """
        self._owner = owner
        self._settings = settings
        kept, self.characters = kept_classes(
            path, recogniser.stored_characters, len(recogniser.bias), settings.scripts
        )
        self._weight, self._bias = recogniser.weight[kept].to(device), recogniser.bias[kept].to(device)
        self._recogniser = recogniser.to(device, dtype)
        self._dtype = dtype
        self._kind = str(path)
        owner.add(self._kind, self._classes)

    def prepare(self) -> Iterator[None]:
        """See Frames.prepare: all is there."""
        return iter(())

    def classify(self, lines: Sequence[np.ndarray]) -> Iterator[LineFrames]:
        """See Frames.classify; other classes than the best ones stay on the GPU.

        Args:
            lines: LINE_HEIGHT x w x 3 uint8 RGB each.
        """
        padded = [pad(line, self._settings.widths, self._owner.buffer) for line in lines]
        answers = self._owner.submit(self._kind, padded)
        for line, answer in zip(lines, answers, strict=True):
            classes, probabilities = answer.result()
            frames = frames_of(line)
            yield LineFrames(classes[:frames], probabilities[:frames])

    def _classes(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """The best class of each frame (N x frames, int32) and its probability (float32)."""
        features = self._recogniser(_as_pp_ocr(pictures, self._dtype)).float()
        classes, probabilities = [], []
        for rows in features.flatten(0, 1).split(_HEAD_ROWS):
            logits = torch.addmm(self._bias, rows, self._weight.T)
            highest, best = logits.max(dim=1)
            # What the logits of blanks are sure of, is not looked at on CPUs either.
            best = torch.where(logits[:, BLANK] > self._settings.sure_blank, BLANK, best)
            classes.append(best.to(torch.int32))
            probabilities.append((highest - logits.logsumexp(dim=1)).exp())
        shape = features.shape[:2]
        return [torch.cat(classes).reshape(shape), torch.cat(probabilities).reshape(shape)]


def _as_pp_ocr(pictures: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """From N x H x W x 3 uint8 RGB to N x 3 x H x W BGR, black -1 to white 1."""
    return (pictures.permute(0, 3, 1, 2).flip(1).to(torch.float32) / 127.5 - 1).to(dtype)
