import functools
import http.server
import json
import threading
from pathlib import Path

import pytest
import sentencepiece
import torch
from safetensors.torch import save_file

from model_store import downloads, references
from tests.small_networks import PUBLISHED_KIND, VISUAL_KIND, small_network

TAGS = ["O", "B-QUESTION", "I-QUESTION", "B-ANSWER", "I-ANSWER", "B-HEADER", "I-HEADER"]
WORDS = "name date address total invoice number phone 姓名 张三 地址 电话 born on city of street"


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory) -> Path:
    """A sentencepiece model of XLM-R's kind, of fewer than 100 pieces."""
    folder = tmp_path_factory.mktemp("tokenizer")
    (folder / "text").write_text("\n".join(WORDS.split() * 20))
    sentencepiece.SentencePieceTrainer.Train(
        input=str(folder / "text"),
        model_prefix=str(folder / "tiny"),
        model_type="unigram",
        vocab_size=70,
        hard_vocab_limit=False,
        normalization_rule_name="nmt_nfkc",
        num_threads=1,
        minloglevel=2,
    )
    return folder / "tiny.model"


def published_tensors(prefix: str = "layoutlmv2.", **changes) -> dict[str, torch.Tensor]:
    """Random tensors as Hugging Face's files name them."""
    heads = ("classifier.", "extractor.")
    network = small_network(vocab_size=120, **changes)
    return {
        (name if name.startswith(heads) else prefix + name): value
        for name, value in network.state_dict().items()
    }


HUGGING_FACE_CONFIG = {
    "model_type": "layoutlmv2",
    "num_attention_heads": 4,
    "image_feature_pool_shape": [7, 7, 6],
    "id2label": {str(index): tag for index, tag in enumerate(TAGS)},
}


@pytest.fixture
def hugging_face_folder(tmp_path, tokenizer_file) -> Path:
    """A small LayoutXLM with both heads and a picture, as Hugging Face's folders look."""
    folder = tmp_path / "hugging_face"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(HUGGING_FACE_CONFIG))
    save_file(
        {name: value.contiguous() for name, value in published_tensors(**VISUAL_KIND).items()},
        folder / "model.safetensors",
    )
    (folder / "sentencepiece.bpe.model").write_bytes(tokenizer_file.read_bytes())
    return folder


@pytest.fixture
def text_only_tensors() -> dict[str, torch.Tensor]:
    return published_tensors(**PUBLISHED_KIND)


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.requests.append(self.path)
        if self.path in self.server.answers:
            self.server.answers[self.path](self)
        else:
            super().do_GET()


@pytest.fixture
def web(tmp_path):
    """A real server of the folder ``web.folder`` at ``web.address``; ``web.requests`` are the paths asked
    for, ``web.answers`` functions that answer some of them."""
    folder = tmp_path / "web"
    folder.mkdir()
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.folder, server.requests, server.answers = folder, [], {}
        server.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def cache_root(tmp_path, monkeypatch) -> Path:
    root = tmp_path / "cache"
    monkeypatch.setenv("BEAM_KIE_CACHE", str(root))
    return root


@pytest.fixture
def manifest(tmp_path, monkeypatch, web, tokenizer_file) -> dict:
    """A manifest whose addresses are those of ``web``; the tokenizer is there."""
    (web.folder / "spm.model").write_bytes(tokenizer_file.read_bytes())
    facts = {
        "tokenizer": {"url": f"{web.address}/spm.model"},
        "paddle": {"ser_test": {"url": f"{web.address}/ser_test.tar", "task": "SER"}},
    }
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps(facts))
    monkeypatch.setattr(references, "MANIFEST", path)
    return facts


@pytest.fixture
def registered(monkeypatch):
    """Registers an opener for one test."""
    monkeypatch.setattr(downloads, "_openers", {})
    return downloads.register_opener
