import pytest
import torch

from beam_kie.devices.precision import is_native, native_dtype


@pytest.mark.parametrize(("native", "taken"), [(True, torch.bfloat16), (False, torch.float16)])
def test_a_gpu_computes_in_a_type_that_it_does_not_emulate(monkeypatch, native, taken):
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation
    )
    device = torch.device("cuda")
    assert native_dtype(device) == taken
    assert is_native(torch.bfloat16, device) == native
    assert is_native(torch.float16, device)
    assert is_native(torch.float32, device)


def test_a_cpu_does_not_compute_in_float16():
    assert not is_native(torch.float16, torch.device("cpu"))
    assert native_dtype(torch.device("cpu")) != torch.float16
