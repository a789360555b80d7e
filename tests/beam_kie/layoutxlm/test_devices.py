import pytest
import torch

from beam_kie.layoutxlm.checkpoints import ModelError
from beam_kie.layoutxlm.devices import resolve_device, resolve_dtype


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_missing_gpu_is_an_error():
    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(ModelError, match="--device cpu"):
        resolve_device("cuda")


def test_the_type_that_is_asked_for_is_taken():
    assert resolve_dtype("float32", torch.device("cpu")) == torch.float32
    assert resolve_dtype("bfloat16", torch.device("cpu")) == torch.bfloat16
    assert resolve_dtype("auto", torch.device("cpu")) in (torch.float32, torch.bfloat16)
