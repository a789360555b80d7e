import pytest
import torch

from beam_kie.devices import precision
from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype
from beam_kie.layoutxlm.folders import ModelError


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_missing_gpu_is_an_error():
    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(ModelError, match="--device cpu"):
        resolve_device("cuda")


def test_the_type_that_is_asked_for_is_taken():
    assert resolve_dtype("float32", torch.device("cpu")) == torch.float32
    assert resolve_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert resolve_dtype("float16", torch.device("cpu")) == torch.float16
    assert resolve_dtype("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)


@pytest.mark.parametrize(
    ("amx", "avx512", "slow", "taken"),
    [
        (True, False, False, torch.bfloat16),
        (False, True, False, torch.bfloat16),
        (False, True, True, torch.float32),
        (False, False, False, torch.float32),
    ],
)
def test_cpus_that_emulate_bfloat16_or_are_slow_at_it_take_float32(monkeypatch, amx, avx512, slow, taken):
    monkeypatch.setattr(precision, "is_slow_at_bfloat16", lambda: slow)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    assert resolve_dtype("auto", torch.device("cpu")) == taken


@pytest.mark.parametrize(("native", "taken"), [(True, torch.bfloat16), (False, torch.float16)])
def test_gpus_that_emulate_bfloat16_take_float16(monkeypatch, native, taken):
    # PyTorch counts emulation unless it is told not to.
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation
    )
    assert resolve_dtype("auto", torch.device("cuda")) == taken
