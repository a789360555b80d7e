"""PP-OCR's networks as transformers has them, with the weights of an ONNX file.

The classes are asked for sizes that the ONNX file shows; their own defaults do not fit its networks. Layers
stand in the same order on both sides, but for those that are named below. Batch norms are part of the
convolutions before them in the file, and of no use any more in the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PPLCNetV4Config, PPOCRV6SmallDetConfig, PPOCRV6SmallRecConfig, PPOCRV6TinyRecConfig
from transformers.models.pp_ocrv6_small_det.modeling_pp_ocrv6_small_det import (
    PPOCRV6SmallDetForObjectDetection,
)
from transformers.models.pp_ocrv6_small_rec.modeling_pp_ocrv6_small_rec import (
    PPOCRV6SmallRecForTextRecognition,
)
from transformers.models.pp_ocrv6_tiny_rec.modeling_pp_ocrv6_tiny_rec import PPOCRV6TinyRecForTextRecognition

from beam_kie.ocr.ppocr.graphs import UnknownNetworkError
from beam_kie.ocr.ppocr.pytorch.onnx_layers import Kind, Layer, LayerFile, read_layers

_LARGE_STEM, _SMALL_STEM = 5, 2  # convolutions before the first block
_STAGES = 4
_NECK_LAYERS = 3 * _STAGES, 4 * _STAGES  # of the detector: ways in, and ways out


class Recogniser(nn.Module):
    """A recogniser without its last layer.

    ``forward`` takes N x 3 x 48 x W (BGR, black -1 to white 1) and gives N x frames x C. ``weight``
    (classes x C) and ``bias`` (classes) make logits of that; ``stored_characters`` are those noted in the
    file, None where there are none.

    Args:
        body: the network of transformers.
        tail: what of its head comes before the last layer.
        last: the last layer.
    """

    def __init__(self, body: Any, tail: Callable[[torch.Tensor], torch.Tensor], last: nn.Linear):
        super().__init__()
        self.body = body
        self._backbone = body.model
        self._tail = tail
        self.weight = last.weight.detach().float()
        self.bias = last.bias.detach().float()
        self.stored_characters: str | None = None

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The features of the frames of pictures of lines.

        Args:
            pictures: N x 3 x 48 x W.
        """
        return self._tail(self._backbone(pictures).last_hidden_state)


class Detector(nn.Module):
    """Pages in (N x 3 x H x W, BGR, black -1 to white 1), N x H x W out: the probability of text.

    Args:
        body: the network of transformers.
    """

    def __init__(self, body: nn.Module):
        super().__init__()
        self.body = body

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Maps of pages.

        Args:
            pictures: N x 3 x H x W; sides are multiples of 32.
        """
        return self.body(pictures).last_hidden_state[:, 0]


def load_detector(path: Path) -> Detector:
    """The detector of an ONNX file, in float32 on the CPU.

    Args:
        path: the file.

    Raises:
        ValueError: it is no ONNX file, or its layers are not those of PP-OCRv6's small detector.
    """
    return _checked(path, _detector)


def load_recogniser(path: Path) -> Recogniser:
    """The recogniser of an ONNX file, in float32 on the CPU.

    Args:
        path: the file.

    Raises:
        ValueError: it is no ONNX file, or its layers are not those of PP-OCRv6's small or tiny recogniser.
    """
    return _checked(path, _recogniser)


def _checked(path: Path, build: Callable[[LayerFile], Any]) -> Any:
    found = read_layers(path)
    try:
        return build(found).eval().requires_grad_(False)
    except Exception as error:  # a network of another kind fails anywhere
        raise UnknownNetworkError(
            f"{path} is no PP-OCRv6 network as PyTorch's classes have them: use --ocr_device cpu"
        ) from error


def _detector(file: LayerFile) -> Detector:
    convolutions = [layer for layer in file.layers if layer.kind is Kind.CONVOLUTION]
    ways_in, ways_out = _NECK_LAYERS
    body, neck = _cut(convolutions, len(convolutions) - 1 - ways_in - ways_out)
    stages = _stages(body)
    config = PPOCRV6SmallDetConfig(
        backbone_config=_backbone(body, stages, out_features=[f"stage{n}" for n in range(1, _STAGES + 1)]),
        neck_out_channels=len(neck[0].weight),
        layer_list_out_channels=[stage[-1][2] for stage in stages],
        reduction=len(neck[0].weight) // len(neck[1].weight),
        dilated_kernel_size=neck[ways_in].weight.shape[-1],
    )
    network = _unfilled(PPOCRV6SmallDetForObjectDetection, config)
    # The file computes the smallest maps first, the class the largest.
    inner = network.model.neck
    order = [*reversed(inner.insert_conv), *reversed(inner.input_conv)]
    convolved = _layers_of(network.model.backbone, nn.Conv2d)
    for part in order:
        way_out = hasattr(part, "depthwise_convolution")
        first = [part.depthwise_convolution, part.pointwise_convolution] if way_out else [part.in_conv]
        squeezed = part.squeeze_excitation_module if way_out else part.squeeze_excitation_block
        convolved += [*first, squeezed.conv1, squeezed.conv2]
    head = network.head
    _fill([*convolved, head.conv_down.convolution], convolutions)
    transposed = [layer for layer in file.layers if layer.kind is Kind.TRANSPOSED]
    _fill([head.conv_up.convolution, head.conv_final], transposed)
    return Detector(network)


def _recogniser(file: LayerFile) -> Recogniser:
    kinds = {kind: [layer for layer in file.layers if layer.kind is kind] for kind in Kind}
    build = _small_recogniser if kinds[Kind.NORM] else _tiny_recogniser
    recogniser = build(kinds[Kind.CONVOLUTION], kinds[Kind.LINEAR], kinds[Kind.NORM])
    recogniser.stored_characters = file.characters
    return recogniser


def _small_recogniser(convolutions: list[Layer], linear: list[Layer], norms: list[Layer]) -> Recogniser:
    body, ends = _cut(convolutions, len(convolutions) - 3)
    hidden = len(ends[0].weight)
    config = PPOCRV6SmallRecConfig(
        backbone_config=_backbone(body, _stages(body), out_features=[f"stage{_STAGES}"]),
        hidden_size=hidden,
        depth=(len(norms) - 1) // 2,
        mlp_ratio=len(linear[2].weight) / hidden,
        head_out_channels=len(linear[-1].weight),
        conv_kernel_size=list(ends[-1].weight.shape[2:]),
    )
    network = _unfilled(PPOCRV6SmallRecForTextRecognition, config)
    encoder = network.head.encoder
    _fill(_layers_of(network, nn.Conv2d), convolutions)
    _fill(_layers_of(network, nn.Linear), linear)
    blocks = [norm for block in encoder.svtr_block for norm in (block.layer_norm1, block.layer_norm2)]
    _fill([*blocks, encoder.norm], norms)
    return Recogniser(network, lambda features: encoder(features).last_hidden_state, network.head.head)


def _tiny_recogniser(convolutions: list[Layer], linear: list[Layer], norms: list[Layer]) -> Recogniser:
    body, _ = _cut(convolutions, len(convolutions) - 2)
    config = PPOCRV6TinyRecConfig(
        backbone_config=_backbone(body, _stages(body), out_features=[f"stage{_STAGES}"]),
        hidden_size=len(linear[0].weight),
        head_out_channels=len(linear[-1].weight),
    )
    network = _unfilled(PPOCRV6TinyRecForTextRecognition, config)
    head = network.head
    _fill([*_layers_of(network, nn.Conv2d), head.conv1, head.conv2], convolutions)
    _fill([head.fc1, head.fc2], linear)

    def tail(features: torch.Tensor) -> torch.Tensor:
        mixed = head.act_fn(head.conv2(head.act_fn(head.conv1(features.squeeze(2)))))
        return head.fc1(mixed.transpose(1, 2))

    return Recogniser(network, tail, head.fc2)


def _cut(layers: list[Layer], place: int) -> tuple[list[Layer], list[Layer]]:
    return layers[:place], layers[place:]


def _stem_size(body: Sequence[Layer]) -> int:
    return next(index for index, layer in enumerate(body) if layer.groups > 1)


def _stages(body: Sequence[Layer]) -> list[list[list[Any]]]:
    """The blocks of the backbone as PPLCNetV4Config takes them, by stage.

    A block begins with a convolution of single channels; a stage with one that shrinks. Which of the blocks
    before the first of these are of which stage makes no difference.
    """
    starts = [index for index, layer in enumerate(body) if layer.groups > 1]
    blocks = []
    for start, end in pairwise([*starts, len(body)]):
        first, last = body[start], body[end - 1]
        stride = 1 if set(first.strides) == {1} else list(first.strides)
        if end - start not in (3, 5):
            raise ValueError("a block of another kind")
        blocks.append([first.weight.shape[-1], first.groups, len(last.weight), stride, end - start == 5])
    stages: list[list[list[Any]]] = [[]]
    for block in blocks:
        if block[3] != 1:
            stages.append([])
        stages[-1].append(block)
    if len(stages) == _STAGES - 1:
        stages[:1] = [stages[0][:1], stages[0][1:]]
    return stages


def _backbone(body: Sequence[Layer], stages: list[list[list[Any]]], out_features: list[str]) -> Any:
    stem = body[: _stem_size(body)]
    large = len(stem) == _LARGE_STEM
    if len(stem) not in (_LARGE_STEM, _SMALL_STEM):
        raise ValueError("a stem of another kind")
    strides = [layer.strides[0] for layer in stem]
    values: dict[str, Any] = {"out_features": out_features}  # not known to type checkers
    return PPLCNetV4Config(
        block_configs=stages,
        stem_channels=[stem[0].weight.shape[1], len(stem[0].weight), len(stem[-1].weight)],
        stem_type="large" if large else "small",
        stem_strides=strides if large else (2, 1, 1, 2, 1),
        **values,
    )


def _unfilled(kind: Callable[[Any], Any], config: Any) -> Any:
    """A network that has no weights yet, and no batch norms."""
    with torch.device("meta"):
        network = kind(config)
    for part in list(network.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                setattr(part, name, nn.Identity())
    return network


def _layers_of(module: nn.Module, kind: type[nn.Module]) -> list[Any]:
    """All parts of that type, in the order in which they were made."""
    return [part for part in module.modules() if isinstance(part, kind)]


def _fill(parts: Sequence[Any], layers: Sequence[Layer]) -> None:
    """Give each part the weights of its layer."""
    for part, layer in zip(parts, layers, strict=True):
        expected: torch.Size = part.weight.shape
        weight = torch.from_numpy(layer.weight.copy()).float()
        if [side for side in weight.shape if side > 1] != [side for side in expected if side > 1]:
            raise ValueError("a layer of another size")
        part.weight = nn.Parameter(weight.reshape(expected))
        part.bias = None if layer.bias is None else nn.Parameter(torch.from_numpy(layer.bias.copy()).float())
        if layer.kind is Kind.NORM:
            part.eps = layer.epsilon
