"""The layers of a PP-OCR network with their weights, as they lie in its ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper


class Kind(StrEnum):
    """What a layer computes."""

    CONVOLUTION = "convolution"
    TRANSPOSED = "transposed convolution"
    LINEAR = "linear"
    NORM = "layer norm"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with weights.

    ``weight`` is laid out as PyTorch has it; ``bias`` None: it adds nothing. ``strides`` and ``groups`` are
    those of convolutions, ``epsilon`` that of a layer norm.
    """

    kind: Kind
    weight: np.ndarray
    bias: np.ndarray | None = None
    strides: tuple[int, ...] = ()
    groups: int = 1
    epsilon: float = 0.0


@dataclass(frozen=True, slots=True)
class LayerFile:
    """``layers`` in the order of the file; ``characters``: the dictionary noted in it, None without one."""

    layers: list[Layer]
    characters: str | None


def read_layers(path: Path) -> LayerFile:
    """The layers of an ONNX file; batch norms become part of the convolutions before them.

    Args:
        path: the file.

    Raises:
        ValueError: it is no ONNX file.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except OSError:
        raise
    except Exception as error:  # of protobuf
        raise ValueError(f"{path} is no ONNX file") from error
    characters = next((entry.value for entry in model.metadata_props if entry.key == "character"), None)
    return LayerFile(_Graph(model.graph).layers(), characters)


class _Graph:
    """The nodes of a file, without those that do nothing."""

    def __init__(self, graph: Any):
        self._constants = {value.name: numpy_helper.to_array(value) for value in graph.initializer}
        self._nodes = []
        self._users: dict[Any, list[Any]] = {}
        names: dict[Any, Any] = {}
        for node in graph.node:
            if node.op_type == "Constant":
                self._constants[node.output[0]] = numpy_helper.to_array(_attributes(node)["value"])
                continue
            inputs = [names.get(name, name) for name in node.input]
            if node.op_type in ("Identity", "Squeeze"):
                names[node.output[0]] = inputs[0]
                continue
            self._nodes.append((node, inputs))
            for name in inputs:
                self._users.setdefault(name, []).append((node, inputs))

    def layers(self) -> list[Layer]:
        found = (self._layer(node, inputs) for node, inputs in self._nodes)
        return [layer for layer in found if layer is not None]

    def _layer(self, node: Any, inputs: list[str]) -> Layer | None:
        if node.op_type == "Sqrt":
            return self._norm(node, inputs)
        weight = self._constants.get(inputs[1]) if len(inputs) > 1 else None
        if weight is None or node.op_type not in ("Conv", "ConvTranspose", "MatMul"):
            return None
        if node.op_type == "MatMul":
            return Layer(Kind.LINEAR, weight.T, self._bias(node, weight.shape[1]))
        facts = _attributes(node)
        strides, groups = tuple(facts.get("strides", (1, 1))), facts.get("group", 1)
        if node.op_type == "ConvTranspose":
            return Layer(Kind.TRANSPOSED, weight, self._bias(node, weight.shape[1] * groups), strides, groups)
        bias = self._constants[inputs[2]] if len(inputs) > 2 else self._bias(node, len(weight))
        weight, bias = self._with_batch_norm(node, weight, bias)
        return Layer(Kind.CONVOLUTION, weight, bias, strides, groups)

    def _bias(self, node: Any, size: int) -> np.ndarray | None:
        """What is added to a node's output: as many numbers as it has channels."""
        for user, inputs in self._users.get(node.output[0], []):
            for name in inputs if user.op_type == "Add" else ():
                values = self._constants.get(name)
                if values is not None and values.size == size:
                    return values.ravel()
        return None

    def _with_batch_norm(
        self, node: Any, weight: np.ndarray, bias: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        users = self._users.get(node.output[0], [])
        norm = next((user for user in users if user[0].op_type == "BatchNormalization"), None)
        if norm is None:
            return weight, bias
        scale, offset, mean, variance = (self._constants[name] for name in norm[1][1:5])
        factor = scale / np.sqrt(variance + _attributes(norm[0]).get("epsilon", 1e-5))
        before = 0.0 if bias is None else bias
        return weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), offset + (before - mean) * factor

    def _norm(self, root: Any, inputs: list[str]) -> Layer | None:
        """A layer norm by its square root, which is of variance and epsilon, and divided by."""
        total = next((entry for entry in self._nodes if entry[0].output[0] == inputs[0]), None)
        scaled = self._next(self._next(root, "Div"), "Mul")
        moved = self._next(scaled, "Add")
        epsilon, weight, bias = (self._constant_of(entry) for entry in (total, scaled, moved))
        if epsilon is None or weight is None or bias is None:
            return None
        return Layer(Kind.NORM, weight.ravel(), bias.ravel(), epsilon=float(epsilon))

    def _next(self, before: Any, kind: str) -> Any:
        node = before[0] if isinstance(before, tuple) else before
        users = [] if node is None else self._users.get(node.output[0], [])
        return next((user for user in users if user[0].op_type == kind), None)

    def _constant_of(self, entry: Any) -> np.ndarray | None:
        inputs = [] if entry is None else entry[1]
        return next((self._constants[name] for name in inputs if name in self._constants), None)


def _attributes(node: Any) -> dict[str, Any]:
    return {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
