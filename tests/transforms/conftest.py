from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram

from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.ocr import devices
from transforms.storage import files

CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:.,-/ "


@pytest.fixture(scope="session")
def small_model(tmp_path_factory) -> str:
    """A model folder with a real network of random weights: it finds something, but nothing sensible."""
    folder = tmp_path_factory.mktemp("small-model")
    pieces = [("<unk>", 0.0), ("<pad>", 0.0), *((character, -3.0) for character in CHARACTERS)]
    Tokenizer(Unigram(pieces, unk_id=0)).save(str(folder / "tokenizer.json"))
    config = LayoutXLMConfig.from_fields(
        vocab_size=len(pieces),
        hidden_size=48,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        coordinate_size=8,
        shape_size=8,
        position_kind="line",
        spatial_bias="lines",
        norm_first=True,
        relation_head="softmax",
        relation_size=16,
        name="small",
    )
    config.save(folder / "config.json")
    torch.manual_seed(0)
    save_file(LayoutXLM(config).state_dict(), str(folder / "model.safetensors"))
    return str(folder)


@pytest.fixture
def gpus(monkeypatch):
    """A function that sets how many GPUs PyTorch sees."""

    def see(count):
        monkeypatch.setattr(devices, "_has_driver", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    return see


@pytest.fixture
def order(monkeypatch):
    """The paths of this machine that are written, in their order."""
    paths = []
    write, writing = files.write_bytes, files.writing

    def noted(path, data, *timeout, **where):
        write(path, data, *timeout, **where)
        paths.append(path)

    @contextmanager
    def noted_at_the_end(path, *timeout):
        with writing(path, *timeout) as file:
            yield file
        paths.append(path)

    monkeypatch.setattr(files, "write_bytes", noted)
    monkeypatch.setattr(files, "writing", noted_at_the_end)
    return paths
