"""Model folders as ONNX graphs with dynamic sizes: what a network computes, without this project's code.

``model.onnx`` has the encoder and the token classifier; ``visual.onnx``, ``relations.onnx`` and
``grouping.onnx`` the other parts, where the network has them. ``config.json`` and the tokenizer are those of
the model folder: they say how pages become inputs and scores become findings.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from beam_kie.layoutxlm.inputs.batches import Batch
from beam_kie.layoutxlm.inputs.images import SIDE
from beam_kie.layoutxlm.inputs.layout import COLUMNS
from beam_kie.layoutxlm.network.layoutxlm import LayoutXLM
from beam_kie.layoutxlm.network.relations import BiaffineRelationHead, SoftmaxRelationHead
from model_store.errors import SourceError

OPSET = 17
MISSING = "--format onnx needs the package onnx: pip install 'beam-kie[onnx]'"
_B, _T, _N, _E, _K, _V, _P = "windows", "tokens", "lines", "entities", "keys", "values", "pages"


class _Graph(NamedTuple):
    """A part of a network: its inputs with an example each and the names of dynamic axes, its outputs."""

    module: nn.Module
    inputs: dict[str, tuple[Tensor, dict[int, str]]]
    outputs: dict[str, dict[int, str]]


class _Encoder(nn.Module):
    """Encoder and classifier; ``extra`` are the inputs that ``_extras`` names."""

    def __init__(self, network: LayoutXLM):
        super().__init__()
        self.network = network

    def forward(
        self,
        ids: Tensor,
        positions: Tensor,
        lines: Tensor,
        mask: Tensor,
        line_boxes: Tensor,
        *extra: Tensor,
    ) -> tuple[Tensor, ...]:
        """States and, where there is a classifier, tag scores."""
        seen = torch.ones_like(line_boxes[..., 0], dtype=torch.bool)
        batch = Batch(ids, positions, lines, mask, line_boxes, seen)
        for name, value in zip(_extras(self.network), extra, strict=True):
            setattr(batch, name, value)
        states = self.network.encode(batch)
        if self.network.classifier is None:
            return (states,)
        return states, self.network.classify(states, batch)


def _extras(network: LayoutXLM) -> list[str]:
    """The fields of a batch that not all networks read, and this one does."""
    parts = network.config.architecture
    wanted = {
        "visual": parts.use_visual_backbone,
        "line_features": bool(parts.strip_channels),
        "layout": parts.token_layout,
        "cell_relations": parts.token_layout,
    }
    return [name for name, reads in wanted.items() if reads]


class _Visual(nn.Module):
    """Visual tokens of thumbnails."""

    def __init__(self, network: LayoutXLM):
        super().__init__()
        self.network = network
        backbone = network.visual.backbone if network.visual is not None else None
        assert backbone is not None, "only networks with a visual backbone have this graph"
        # Pooling into cells of any size has no operator: all thumbnails are alike, and so are their cells.
        sides = [SIDE // 4 // count for count in backbone.cells]

        def pooled(merged: Tensor) -> Tensor:
            cells = functional.avg_pool2d(backbone.fpn_output2(merged), sides)
            return cells.flatten(2).transpose(1, 2)

        backbone._pooled_output = pooled

    def forward(self, images: Tensor) -> Tensor:
        """P x V x H."""
        return self.network.visual_states(images)


def write_onnx(network: LayoutXLM, folder: Path) -> None:
    """Writes the graphs of a network.

    Args:
        network: in evaluation mode, float32.
        folder: where the files go.

    Raises:
        SourceError: the package onnx is not installed.
    """
    try:
        import onnx  # noqa: F401 (PyTorch's exporter imports it late, and says less)
    except ImportError as error:
        raise SourceError(MISSING) from error
    rows, columns = network.config.architecture.image_feature_pool_shape[:2]
    if network.visual is not None and (SIDE // 4 % rows or SIDE // 4 % columns):
        raise SourceError(
            f"image_feature_pool_shape: {rows} x {columns} cells do not divide {SIDE // 4} pixels"
        )
    for name, graph in _graphs(network).items():
        axes = {key: names for key, (_, names) in graph.inputs.items()} | graph.outputs
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of tracing: sizes that are constant are meant to be
            torch.onnx.export(
                graph.module.eval(),
                tuple(example for example, _ in graph.inputs.values()),
                str(folder / f"{name}.onnx"),
                input_names=list(graph.inputs),
                output_names=list(graph.outputs),
                dynamic_axes=axes,
                opset_version=OPSET,
                dynamo=False,
            )


def _graphs(network: LayoutXLM) -> dict[str, _Graph]:
    parts = network.config.architecture
    found = {"model": _encoder_graph(network)}
    if network.visual is not None:
        images = torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8)
        found["visual"] = _Graph(_Visual(network), {"images": (images, {0: _P})}, {"visual": {0: _P}})
    for name, head in (("relations", network.relation_head), ("grouping", network.grouping)):
        if head is not None:
            found[name] = _head_graph(head, parts.hidden_size, len(network.config.labels))
    return found


def _encoder_graph(network: LayoutXLM) -> _Graph:
    parts = network.config.architecture
    box = torch.tensor([[[10, 20, 200, 40], [300, 20, 500, 40], [10, 60, 400, 80]]] * 2)
    inputs = {
        "ids": (torch.full((2, 6), 3), {0: _B, 1: _T}),
        "positions": (torch.arange(6).repeat(2, 1), {0: _B, 1: _T}),
        "lines": (torch.tensor([[0, 0, 1, 1, 2, 2]] * 2), {0: _B, 1: _T}),
        "mask": (torch.tensor([[True] * 6, [True] * 5 + [False]]), {0: _B, 1: _T}),
        "line_boxes": (box, {0: _B, 1: _N}),
    }
    if parts.use_visual_backbone:
        inputs["visual"] = (torch.zeros(2, parts.visual_tokens, parts.hidden_size), {0: _B})
    elif parts.strip_channels:
        inputs["line_features"] = (torch.zeros(2, 6, parts.hidden_size), {0: _B, 1: _T})
    if parts.token_layout:
        layout = torch.ones(2, 6, 2 + len(COLUMNS), dtype=torch.long)
        inputs["layout"] = (layout, {0: _B, 1: _T})
        inputs["cell_relations"] = (torch.zeros(2, 3, 3, dtype=torch.long), {0: _B, 1: _N, 2: _N})
    outputs = {"states": {0: _B, 1: _T}}
    if network.classifier is not None:
        outputs["tags"] = {0: _B, 1: _T}
    return _Graph(_Encoder(network), inputs, outputs)


def _head_graph(head: SoftmaxRelationHead | BiaffineRelationHead, hidden: int, labels: int) -> _Graph:
    inputs = {
        "vectors": (torch.zeros(5, hidden), {0: _E}),
        "labels": (torch.arange(5) % labels, {0: _E}),
        "boxes": (torch.tensor([[10, 20, 200, 40]] * 5), {0: _E}),
        "heads": (torch.tensor([0, 2]), {0: _K}),
        "tails": (torch.tensor([1, 3, 4]), {0: _V}),
    }
    if isinstance(head, SoftmaxRelationHead) and head.cells is not None:
        inputs["cell_relations"] = (torch.zeros(3, 2, dtype=torch.long), {0: _V, 1: _K})
    module: nn.Module = head
    if isinstance(head, BiaffineRelationHead):  # it does not look at boxes
        module = _WithoutBoxes(head)
        del inputs["boxes"]
    return _Graph(module, inputs, {"scores": {0: _V, 1: _K}})


class _WithoutBoxes(nn.Module):
    """A biaffine head without the input that it does not use."""

    def __init__(self, head: BiaffineRelationHead):
        super().__init__()
        self.head = head

    def forward(self, vectors: Tensor, labels: Tensor, heads: Tensor, tails: Tensor) -> Tensor:
        """V x K x 2."""
        return self.head(vectors, labels, labels, heads, tails)
