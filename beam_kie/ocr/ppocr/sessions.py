"""Compiled OpenVINO networks: shared by threads, made when first needed, kept on disk for next time."""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue
from threading import Lock
from typing import Any

import numpy as np

from beam_kie.devices.processors import is_slow_at_bfloat16
from beam_kie.ocr.telemetry import silence_openvino

silence_openvino()

import openvino as ov  # noqa: E402

CACHE_FOLDER = "BEAM_KIE_CACHE"
"""The environment variable that names the folder for prepared networks; empty: keep none."""

_REVISION = "1"  # of what graphs.py makes of the files


class Network:
    """A compiled network that several threads may ask at once, each with a request of its own.

    Args:
        compiled: the network.
        stored: memory that it was loaded from, which has to live as long.
    """

    def __init__(self, compiled: ov.CompiledModel, stored: np.ndarray | None = None):
        self._compiled = compiled
        self._idle: LifoQueue[Any] = LifoQueue()
        self._stored = stored

    @contextmanager
    def answer(self, values: np.ndarray) -> Iterator[list[np.ndarray]]:
        """The outputs for one input; they are OpenVINO's memory and end with the ``with`` block.

        Args:
            values: the input, of the shape and type that the network was compiled for.
        """
        try:
            request = self._idle.get_nowait()
        except Empty:
            request = self._compiled.create_infer_request()
        try:
            request.infer({0: values}, share_inputs=True)
            yield [tensor.data for tensor in request.output_tensors]
        finally:
            self._idle.put(request)


class Sessions:
    """Compiles networks for so many threads, one core for each request."""

    def __init__(self, threads: int, cache: Path | None = None):
        """``cache`` is a folder for compiled networks; None: they are compiled anew by every process.

        Args:
            threads: how many requests are computed at once.
            cache: the folder, which need not exist.
        """
        self._core = ov.Core()
        self._cache = cache
        # One network with a stream for each thread: as fast as a network for each, and its weights are
        # held once.
        self._settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        capable = "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        self.float32 = not capable or is_slow_at_bfloat16()
        """Whether networks compute in float32, not in bfloat16."""
        if self.float32:
            self._settings["INFERENCE_PRECISION_HINT"] = "f32"
        self._networks: dict[str, Network] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def network(self, key: str, make: Callable[[], ov.Model]) -> Network:
        """The compiled network of that key, which names all that ``make`` depends on.

        Args:
            key: a name; equal keys mean equal networks.
            make: makes the network where it was not compiled before.
        """
        found = self._networks.get(key)
        if found is not None:
            return found
        with self._lock:
            lock = self._locks.setdefault(key, Lock())
        with lock:
            if key not in self._networks:
                self._networks[key] = self._load(key) or Network(self._compile(key, make))
            return self._networks[key]

    def _compile(self, key: str, make: Callable[[], ov.Model]) -> ov.CompiledModel:
        compiled = self._core.compile_model(make(), "CPU", self._settings)
        if self._cache is not None:
            # A full disk, or one that may not be written to, only means to compile again next time.
            with suppress(OSError, RuntimeError):
                _replace(self._path(key), _exported(compiled))
        return compiled

    def _load(self, key: str) -> Network | None:
        if self._cache is None:
            return None
        try:
            # Mapped, not read: OpenVINO takes weights from there without a copy of its own, and processes
            # share the pages. Nothing is written back.
            with open(self._path(key), "rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            stored = np.frombuffer(mapped, np.uint8)
            blob = ov.Tensor(stored, shared_memory=True)
            compiled = self._core.import_model(blob, "CPU", self._settings)
        except (OSError, RuntimeError, ValueError):
            return None
        # Most weights were rearranged for this CPU, and are not looked at again.
        mapped.madvise(mmap.MADV_DONTNEED)
        return Network(compiled, stored)

    def _path(self, key: str) -> Path:
        """Where the network lies: another place for another OpenVINO, kind of CPU or number of threads."""
        kind = [_REVISION, ov.get_version(), self._core.get_property("CPU", "FULL_DEVICE_NAME")]
        kind += sorted(self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))
        kind += [os.environ.get("ONEDNN_MAX_CPU_ISA", ""), str(self._settings["NUM_STREAMS"])]
        kind += [str(self._settings.get("INFERENCE_PRECISION_HINT", "")), key]
        assert self._cache is not None
        return self._cache / f"{hashlib.sha256(chr(0).join(kind).encode()).hexdigest()[:32]}.blob"


def cache_folder() -> Path | None:
    """The folder for prepared networks, made if need be; None where there is none to write to.

    Only the user's own folders: a compiled network is code, and one in a place that others write to could be
    theirs.
    """
    named = os.environ.get(CACHE_FOLDER)
    if named == "":
        return None
    base = (
        Path(named)
        if named
        else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "beam-kie"
    )
    folder = base / "ocr"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def _exported(compiled: ov.CompiledModel) -> bytes:
    exported = compiled.export_model()
    return exported.getvalue() if isinstance(exported, io.BytesIO) else bytes(exported)


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that other processes see all of it or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.replace(name, path)
    except OSError:
        os.unlink(name)
        raise
