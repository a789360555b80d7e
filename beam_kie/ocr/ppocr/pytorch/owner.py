"""The one thread of a process that gives work to a GPU: what many threads ask for is computed together.

Threads hand over pictures and wait. Meanwhile pictures of one size pile up, of whatever page, and go to the
GPU as one batch; while it computes, the next one is prepared.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from beam_kie.failures import is_out_of_memory

Network = Callable[[torch.Tensor], Sequence[torch.Tensor]]
"""From a batch on the device to tensors of as many rows."""

_IDLE_S = 1.0  # the thread ends where nothing comes for so long
_AHEAD = 2  # batches that the GPU has at a time, one of them waiting


@dataclass(slots=True)
class _Item:
    """``most``: pictures that may be in its batch; less where a larger batch has failed."""

    kind: str
    picture: np.ndarray
    answer: Future[tuple[np.ndarray, ...]]
    most: int = sys.maxsize

    @property
    def key(self) -> tuple[str, tuple[int, ...]]:
        return self.kind, self.picture.shape


@dataclass(slots=True)
class _Flight:
    """A batch that the device was given: its results are there when ``done`` (None: now)."""

    items: list[_Item]
    results: list[torch.Tensor]
    done: torch.cuda.Event | None


class DeviceOwner:
    """Computes on one device for many threads.

    ``batches`` counts batches by kind and number of pictures.

    Args:
        device: the device.
        batch_pixels: a batch has so many pixels at most, or one picture.
    """

    def __init__(self, device: torch.device, batch_pixels: int):
        self.batches: Counter[tuple[str, int]] = Counter()
        self._device = device
        self._networks: dict[str, Network] = {}
        self._pixels: dict[str, int] = {}
        self._batch_pixels = batch_pixels
        self._waiting: deque[_Item] = deque()
        self._changed = threading.Condition()
        self._is_running = False

    def add(self, kind: str, network: Network) -> None:
        """Make a network known.

        Args:
            kind: its name.
            network: takes N x H x W x 3 uint8 on the device.
        """
        self._networks[kind] = network
        self._pixels[kind] = self._batch_pixels

    def buffer(self, shape: tuple[int, ...]) -> np.ndarray:
        """Memory for a picture from which the device copies by itself.

        Args:
            shape: of the picture.
        """
        return torch.empty(shape, dtype=torch.uint8, pin_memory=self._device.type == "cuda").numpy()

    def submit(self, kind: str, pictures: Sequence[np.ndarray]) -> list[Future[tuple[np.ndarray, ...]]]:
        """Have pictures computed; what a network gives for each is in the futures, in the same order.

        A future raises what the network raised for its picture alone: batches that fail are tried in halves.

        Args:
            kind: of the network.
            pictures: H x W x 3 uint8 each, not to be changed until the answer is there.
        """
        items = [_Item(kind, picture, Future()) for picture in pictures]
        with self._changed:
            self._waiting.extend(items)
            self._changed.notify()
            if items and not self._is_running:
                self._is_running = True
                threading.Thread(target=self._run, name="ocr-device", daemon=True).start()
        return [item.answer for item in items]

    def _run(self) -> None:
        flights: deque[_Flight] = deque()
        try:
            with torch.inference_mode():
                while self._step(flights):
                    pass
        except BaseException as error:
            # Nobody may wait for a thread that is gone.
            with self._changed:
                self._is_running = False
                lost = [*self._waiting, *(item for flight in flights for item in flight.items)]
                self._waiting.clear()
            for item in lost:
                if not item.answer.done():
                    item.answer.set_exception(error)
            raise

    def _step(self, flights: deque[_Flight]) -> bool:
        """Launch a batch or deliver one; whether there may be more to do."""
        batch = self._take(wait=not flights)
        if batch:
            flight = self._tried(lambda: self._launch(batch), batch)
            if flight is not None:
                flights.append(flight)
        if flights and (not batch or len(flights) >= _AHEAD):
            flight = flights.popleft()
            self._tried(lambda: self._deliver(flight), flight.items)
        if batch or flights:
            return True
        with self._changed:
            self._is_running = bool(self._waiting)
            return self._is_running

    def _take(self, wait: bool) -> list[_Item]:
        """The first picture that waits, and those behind it that go with it."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._waiting, timeout=_IDLE_S)
            batch: list[_Item] = []
            others: deque[_Item] = deque()
            most = 1
            for item in self._waiting:
                fits = not batch or (item.key == batch[0].key and len(batch) < min(most, item.most))
                if fits:
                    most = min(most, item.most) if batch else min(self._most(item), item.most)
                (batch if fits else others).append(item)
            self._waiting = others
            return batch

    def _most(self, item: _Item) -> int:
        return max(1, self._pixels[item.kind] // (item.picture.shape[0] * item.picture.shape[1]))

    def _launch(self, batch: list[_Item]) -> _Flight:
        pictures = torch.empty((len(batch), *batch[0].picture.shape), dtype=torch.uint8, device=self._device)
        for row, item in zip(pictures, batch, strict=True):
            row.copy_(torch.from_numpy(item.picture), non_blocking=True)
        found = self._networks[batch[0].kind](pictures)
        results = [tensor.to("cpu", non_blocking=True) for tensor in found]
        done = None
        if self._device.type == "cuda":
            done = torch.cuda.Event()
            done.record()
        self.batches[batch[0].kind, len(batch)] += 1
        return _Flight(batch, results, done)

    def _deliver(self, flight: _Flight) -> None:
        if flight.done is not None:
            flight.done.synchronize()
        for index, item in enumerate(flight.items):
            item.answer.set_result(tuple(result[index].numpy().copy() for result in flight.results))

    def _tried(self, work: Callable[[], Any], batch: list[_Item]) -> Any:
        """What ``work`` returns; a batch that fails waits again in halves, a picture alone has failed."""
        try:
            return work()
        except Exception as error:
            lacks_memory = is_out_of_memory(error)
            if len(batch) == 1:
                batch[0].answer.set_exception(error)
                return None
        # Outside of the handler: its traceback would keep the tensors of the failed batch alive.
        half = len(batch) // 2
        if lacks_memory:
            height, width = batch[0].picture.shape[:2]
            self._pixels[batch[0].kind] = half * height * width
            if self._device.type == "cuda":
                torch.cuda.empty_cache()
        for item in batch:
            item.most = half
        with self._changed:
            self._waiting.extendleft(reversed(batch))
        return None
