import importlib.util
import sys

import pytest
import torch

from beam_kie.ocr import Engine, OcrOptions, devices


@pytest.fixture
def gpus(monkeypatch):
    """A function that sets how many GPUs all runtimes see."""
    return lambda count: monkeypatch.setattr(devices, "_gpus", lambda runtime: count)


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
@pytest.mark.parametrize(
    ("wanted", "count", "expected"),
    [
        ("cpu", 2, "cpu"),
        ("auto", 0, "cpu"),
        ("auto", 2, "cuda:0"),
        ("cuda", 2, "cuda:0"),
        ("cuda:1", 2, "cuda:1"),
    ],
)
def test_devices(gpus, runtime, wanted, count, expected):
    gpus(count)
    assert devices.cuda_device(wanted, runtime) == expected


@pytest.mark.parametrize(
    ("runtime", "cuda", "advice"),
    [
        ("onnxruntime", None, "install onnxruntime-gpu"),
        ("torch", None, "is built for CPUs only.*install torch built"),
        ("torch", "12.6", "nvidia-smi.*a driver for CUDA 12.6"),
    ],
)
def test_a_gpu_that_is_not_there_is_not_silently_a_cpu(gpus, monkeypatch, runtime, cuda, advice):
    monkeypatch.setattr(torch.version, "cuda", cuda)
    gpus(0)
    with pytest.raises(ValueError, match=advice) as raised:
        devices.cuda_device("cuda", runtime)
    assert "\n" not in str(raised.value)


def test_a_second_gpu_that_is_not_there_is_refused(gpus):
    gpus(1)
    with pytest.raises(ValueError, match="there is no cuda:1"):
        devices.cuda_device("cuda:1", "torch")


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "CPU", ""])
def test_unknown_devices_are_refused(wanted):
    with pytest.raises(ValueError, match="unknown OCR device"):
        devices.cuda_device(wanted, "torch")


def test_the_runtimes_are_really_asked():
    import onnxruntime

    assert devices._gpus("torch") == (torch.cuda.device_count() if torch.cuda.is_available() else 0)
    assert bool(devices._gpus("onnxruntime")) == (
        "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    )


def test_without_a_driver_pytorch_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(devices, "_has_driver", lambda: False)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it raises
    assert devices._gpus("torch") == 0


@pytest.mark.parametrize(
    ("device", "count", "look", "engine"),
    [
        ("cpu", 1, True, "rapidocr"),
        ("auto", 0, True, "rapidocr"),
        ("auto", 1, True, "ppocr"),
        ("auto", 1, False, "rapidocr"),
        ("cuda", 0, False, "ppocr"),
        ("cuda:1", 0, True, "ppocr"),
    ],
)
@pytest.mark.parametrize(
    "rapidocrs", [{"det_model_dir": "mine"}, {"rec_model_dir": "mine"}, {"rapidocr_backend": "onnxruntime"}]
)
def test_options_of_rapidocr_are_for_rapidocr_on_cpus(gpus, rapidocrs, device, count, look, engine):
    gpus(count)
    assert devices.chosen(OcrOptions(device=device, **rapidocrs), look).engine == engine
    assert devices.chosen(OcrOptions(engine=Engine.PPOCR, **rapidocrs), look).engine is Engine.PPOCR


@pytest.mark.parametrize(
    ("device", "look", "settled"),
    [
        ("cpu", True, "cpu"),
        ("auto", True, "auto"),
        # What ppocr reads with depends on the device, so workers elsewhere do not look for one.
        ("auto", False, "cpu"),
        ("cuda", False, "cuda"),
        ("cuda:1", True, "cuda:1"),
    ],
)
def test_ppocr_reads_unless_another_engine_was_chosen(gpus, device, look, settled):
    gpus(1)
    for engine in (Engine.AUTO, Engine.PPOCR):
        chosen = devices.chosen(OcrOptions(engine=engine, device=device, max_side=777), look)
        assert (chosen.engine, chosen.device, chosen.max_side) == (Engine.PPOCR, settled, 777)
    assert devices.chosen(OcrOptions(engine=Engine.RAPIDOCR, device=device), look).engine is Engine.RAPIDOCR
    assert devices.chosen(OcrOptions(engine=Engine.PADDLEOCR, device=device)).engine is Engine.PADDLEOCR


@pytest.mark.parametrize(
    ("options", "device"),
    [
        ({"engine": "none", "device": "cuda"}, "cpu"),
        ({"engine": "rapidocr"}, "cpu"),
        ({"engine": "rapidocr", "rapidocr_backend": "torch"}, "cuda:0"),
        ({"engine": "ppocr"}, "cuda:0"),
        ({"engine": "ppocr", "device": "cpu"}, "cpu"),
        ({"engine": "paddleocr", "device": "cuda"}, "cuda:0"),
        ({}, "cuda:0"),
    ],
)
def test_the_device_of_each_engine(gpus, options, device):
    gpus(1)
    assert devices.ocr_device(OcrOptions(**options)) == device


def test_what_does_not_run_on_gpus_is_refused(gpus):
    gpus(1)
    with pytest.raises(ValueError, match="openvino does not run on cuda: choose the engine ppocr"):
        devices.ocr_device(OcrOptions(engine=Engine.RAPIDOCR, device="cuda"))


def test_packages_for_the_gpu_that_are_missing_are_named(gpus, monkeypatch):
    gpus(1)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else object())
    assert devices.ocr_device(OcrOptions(engine=Engine.PPOCR)) == "cpu"
    with pytest.raises(ValueError, match=r"ppocr on cuda needs the Python package onnx: .*gpu-ocr"):
        devices.ocr_device(OcrOptions(engine=Engine.PPOCR, device="cuda"))
