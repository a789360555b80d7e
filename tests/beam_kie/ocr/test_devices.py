import pytest

from beam_kie.ocr import devices


@pytest.mark.parametrize("runtime", ["onnxruntime", "torch"])
@pytest.mark.parametrize(
    ("wanted", "has_cuda", "expected"),
    [
        ("cpu", True, "cpu"),
        ("auto", False, "cpu"),
        ("auto", True, "cuda:0"),
        ("cuda", True, "cuda:0"),
        ("cuda:1", True, "cuda:1"),
    ],
)
def test_devices(monkeypatch, runtime, wanted, has_cuda, expected):
    monkeypatch.setattr(devices, "_has_cuda", lambda name: has_cuda)
    assert devices.cuda_device(wanted, runtime) == expected


@pytest.mark.parametrize(
    ("runtime", "advice"), [("onnxruntime", "onnxruntime-gpu"), ("torch", "torch built")]
)
def test_a_gpu_that_is_not_there_is_not_silently_a_cpu(monkeypatch, runtime, advice):
    monkeypatch.setattr(devices, "_has_cuda", lambda name: False)
    with pytest.raises(ValueError, match=advice):
        devices.cuda_device("cuda", runtime)


@pytest.mark.parametrize("wanted", ["gpu", "cuda:x", "CPU", ""])
def test_unknown_devices_are_refused(wanted):
    with pytest.raises(ValueError, match="unknown OCR device"):
        devices.cuda_device(wanted, "torch")


def test_the_runtimes_are_really_asked():
    import onnxruntime
    import torch

    assert devices._has_cuda("torch") == torch.cuda.is_available()
    assert devices._has_cuda("onnxruntime") == (
        "CUDAExecutionProvider" in onnxruntime.get_available_providers()
    )
