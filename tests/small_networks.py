"""Networks of a few thousand random weights, pages and tokenizers for them."""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from beam_kie.document import PageResult, PageText, TextLine
from beam_kie.layoutxlm.config import LayoutXLMConfig
from beam_kie.layoutxlm.inputs.batches import Window, collate
from beam_kie.layoutxlm.inputs.features import page_tokens
from beam_kie.layoutxlm.inputs.layout import with_layout
from beam_kie.layoutxlm.inputs.strips import HEIGHT, MARGIN, pack_strips
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM

REFERENCE = Path(__file__).parent / "reference"
SENTENCEPIECE_FILE_OF_TESTS = "tiny_sentencepiece.bpe.model"
SENTENCEPIECE_KIND = {"vocab_size": 4002, "pad_token_id": 1}
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:.,-/姓名张三"

# The same switches as the bundled model without and with strips of the lines, the published network with a
# picture, and the one without.
BUNDLED_KIND = {
    "position_kind": "line",
    "spatial_bias": "lines",
    "norm_first": True,
    "line_classifier": True,
    "relation_head": "softmax",
}
STRIPS_KIND = {**BUNDLED_KIND, "strip_channels": (4, 6, 8)}
LAYOUT_KIND = {**STRIPS_KIND, "grouping_head": True, "token_layout": True}
PUBLISHED_KIND = {"relation_head": "biaffine", "relation_labels": ("HEADER", "QUESTION", "ANSWER")}
VISUAL_KIND = {
    **PUBLISHED_KIND,
    "use_visual_backbone": True,
    "visual_blocks": (1, 1, 2, 1),
    "visual_groups": 2,
    "visual_width_per_group": 2,
    "visual_stem_channels": 4,
    "visual_res2_channels": 8,
    "image_feature_pool_shape": (7, 7, 6),
}
BIASED_KIND = {**PUBLISHED_KIND, "has_relative_attention_bias": True, "has_spatial_attention_bias": True}

# A network to train in a test, with labels that are nobody's but the user's.
OWN_LABELS = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "coordinate_size": 8,
    "shape_size": 8,
    "relation_size": 32,
    "labels": ["SHIPPER", "WEIGHT"],
    "head_labels": ["SHIPPER"],
    "tail_labels": ["WEIGHT"],
}


TAGS = ("O", "B-K", "I-K", "B-V", "I-V")


def sure(*names: str, tags: Sequence[str] = TAGS, probability: float = 0.9) -> np.ndarray:
    """Log probabilities that name one tag per token; the rest is shared by the others."""
    scores = np.full((len(names), len(tags)), (1 - probability) / (len(tags) - 1))
    for row, name in enumerate(names):
        scores[row, tags.index(name)] = probability
    return np.log(scores)


def character_tokenizer() -> Tokenizer:
    """Every character that is not white space is a token; ids 0 to 2 as in the bundled model."""
    vocabulary = {token: index for index, token in enumerate(["<pad>", "<unk>", "<mask>", *CHARACTERS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("", "isolated")]
    )
    return tokenizer


def small_config(**changes) -> LayoutXLMConfig:
    return LayoutXLMConfig.from_fields(
        **{
            "vocab_size": len(CHARACTERS) + 3,
            "hidden_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "intermediate_size": 64,
            "coordinate_size": 8,
            "shape_size": 8,
            "relation_size": 16,
            "pad_token_id": 0,
            "name": "small",
            **changes,
        }
    )


def small_network(seed: int = 1, **changes) -> LayoutXLM:
    """Random weights large enough that every input shows in the outputs."""
    torch.manual_seed(seed)
    network = LayoutXLM(small_config(**changes)).eval()
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if value.ndim > 1:
                value.normal_(std=0.3)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 2)
            elif name.endswith(("bias", "running_mean", "segment_embedding")):
                value.normal_(std=0.1)
        _make_findings_likely(network)
    return network


def _make_findings_likely(network: LayoutXLM) -> None:
    """Keys, values and links between them must occur, but none may be certain."""
    if network.strips is not None:
        network.strips.dense.weight.mul_(0.2)
    if network.classifier is not None:
        tokens = page_tokens(form(6), character_tokenizer())
        if network.config.architecture.token_layout:
            tokens = with_layout(tokens, form(6))
        tokens = dataclasses.replace(tokens, ids=tokens.ids % network.config.architecture.vocab_size)
        batch = collate([Window(0, 0, len(tokens))], [tokens], network.config)
        network.classifier.bias.data -= network.classify(network.encode(batch), batch).mean((0, 1))
    if network.relations is not None:
        network.relations.none.weight.zero_()
        network.relations.none.bias.fill_(-5)
    if network.extractor is not None:
        network.extractor.rel_classifier.bilinear.weight.mul_(0.05)
        network.extractor.rel_classifier.linear.weight.mul_(0.2)
        network.extractor.rel_classifier.linear.bias.copy_(torch.tensor([0.0, 3.0]))


def same_results(found: Sequence[PageResult], wanted: Sequence[PageResult]) -> bool:
    """Whether everything found is the same; batches of other shapes round confidences differently."""
    return all(
        _names(one) == _names(other) and np.allclose(_confidences(one), _confidences(other), atol=1e-3)
        for one, other in zip(found, wanted, strict=True)
    )


def _names(result: PageResult) -> list[tuple]:
    entities = [(entity.label, entity.text, entity.spans) for entity in result.entities]
    return entities + [(relation.head, relation.tail) for relation in result.relations]


def _confidences(result: PageResult) -> list[float]:
    return [item.confidence for item in (*result.entities, *result.relations)]


def save_model(folder: Path, network: LayoutXLM, tokenizer: Tokenizer | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    network.config.save(folder / "config.json")
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    (tokenizer or character_tokenizer()).save(str(folder / "tokenizer.json"))
    return folder


def save_published(folder: Path, network: LayoutXLM) -> Path:
    """A model folder as ``model_store import`` makes it, with a SentencePiece tokenizer of 4002 ids."""
    save_model(folder, network)
    (folder / "tokenizer.json").unlink()
    shutil.copyfile(REFERENCE / SENTENCEPIECE_FILE_OF_TESTS, folder / "sentencepiece.bpe.model")
    return folder


def edit_config(folder: Path, **changes) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def line(text: str, x0: float, y0: float, width: float = 200, height: float = 20) -> TextLine:
    x1, y1 = x0 + width, y0 + height
    return TextLine(text, (x0, y0, x1, y0, x1, y1, x0, y1))


def page(
    *texts: str, lines=(), width: int = 1000, height: int = 1400, number: int = 1, picture=None
) -> PageText:
    """Texts below each other, or ``lines`` where they lie elsewhere."""
    lines = tuple(lines) or tuple(line(text, 50, 30 + 30 * i) for i, text in enumerate(texts))
    return PageText("document", "memory://page", number, width, height, lines=lines, picture=picture)


def form(rows: int, number: int = 1, seed: int = 0, picture=None) -> PageText:
    """Keys on the left, values on the right."""
    random = np.random.default_rng(seed)
    lines = []
    for row in range(rows):
        key = "".join(random.choice(list(CHARACTERS), random.integers(2, 8)))
        value = "".join(random.choice(list(CHARACTERS), random.integers(2, 12)))
        lines += [line(key, 50, 20 + 25 * row), line(value, 400, 20 + 25 * row, 300)]
    return page(lines=lines, number=number, picture=picture)


def with_strips(text: PageText, seed: int = 0) -> PageText:
    """The page with noise for the pixels of every line."""
    noise = np.random.default_rng(seed)
    strips = [
        noise.integers(0, 256, (HEIGHT, 2 * MARGIN + 8 + 16 * len(each.text)), dtype=np.uint8)
        for each in text.lines
    ]
    return dataclasses.replace(text, picture=pack_strips(strips))


def noise_thumbnail(seed: int = 0) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, 224 * 224 * 3, dtype=np.uint8).tobytes()
