"""The networks of PP-OCR, rearranged so that they compute the same with less work.

All functions take and give OpenVINO models that are not compiled yet. Pictures go in as N x H x W x 3 uint8
RGB; what PP-OCR wants (BGR, black -1 to white 1) is made inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from beam_kie.ocr.telemetry import silence_openvino

silence_openvino()

import openvino as ov  # noqa: E402
from openvino import opset13 as ops  # noqa: E402
from openvino.preprocess import PrePostProcessor  # noqa: E402

# OpenVINO's own type annotations disagree about this class.
_Model: Any = ov.Model
_TRANSPOSED = "ConvolutionBackpropData"


class UnknownNetworkError(ValueError):
    """An ONNX file whose layers are not those of PP-OCR's networks."""


@dataclass(frozen=True)
class Recogniser:
    """A recogniser in two parts.

    ``features`` gives N x frames x C for pictures of lines; ``weights`` (C x classes) and ``bias`` (classes)
    make logits of them. ``stored_characters``: the dictionary noted in the ONNX file; None: there is none.
    """

    features: ov.Model
    weights: np.ndarray
    bias: np.ndarray
    stored_characters: str | None


def load_detector(path: Path) -> ov.Model:
    """The detector: pages in, N x 1 x H x W uint8 out, 0 to 255 for "text" with a probability of 0 to 1.

    PP-OCR ends in two transposed convolutions with stride and kernel 2. Their windows do not overlap, so each
    equals a convolution of 1 x 1 with four times the channels, which are then laid out as pixels (Shi et al.
    2016, "Real-Time Single Image and Video Super-Resolution", sub-pixel convolution). CPUs are much faster at
    that. Other tails are left as they are.

    Args:
        path: the ONNX file.
    """
    model = _read(path)
    logits = _before(model.outputs[0], "Sigmoid", path).input_value(0)
    probability = ops.sigmoid(_subpixel_tail(logits) or logits)
    scaled = ops.round(ops.multiply(probability, ops.constant(np.float32(255))), "half_to_even")
    return _with_uint8_input(_Model([ops.convert(scaled, "u8")], model.get_parameters(), "detector"))


def load_recogniser(path: Path) -> Recogniser:
    """The recogniser, cut before its last layer, so that this can be spared where nothing is written.

    Args:
        path: the ONNX file.
    """
    model = _read(path)
    logits = _node(_before(model.outputs[0], "Softmax", path).input_value(0))
    if logits.get_type_name() != "Add":
        raise _unknown(path, "an addition before its softmax")
    first, second = (_node(logits.input_value(index)) for index in (0, 1))
    product, bias = (first, second) if first.get_type_name() == "MatMul" else (second, first)
    if product.get_type_name() != "MatMul":
        raise _unknown(path, "a matrix product as its last layer")
    weights, offsets = _values(product.input_value(1)), _values(bias.output(0)).ravel()
    if weights.shape[0] == offsets.size:
        weights = weights.T
    features = _Model([product.input_value(0)], model.get_parameters(), "features")
    return Recogniser(features, weights, offsets, _stored_characters(model))


def fixed_line(features: ov.Model, height: int, width: int | None) -> ov.Model:
    """The first part of a recogniser for one line of exactly that size in pixels.

    Args:
        features: the first part, of any size of line.
        height: of the line, in pixels.
        width: of the line, in pixels, padding included; None: of any width.
    """
    model = features.clone()
    model.reshape([1, 3, height, -1 if width is None else width])
    return _with_uint8_input(model)


def head(weights: np.ndarray, bias: np.ndarray, rows: int) -> ov.Model:
    """The last layer for ``rows`` frames at once: the best class (int32) and its probability of each.

    Args:
        weights: of the last layer, C x classes.
        bias: of the last layer, one for each class.
        rows: how many frames are classified at once.
    """
    frames = ops.parameter([rows, weights.shape[0]], np.float32, "frames")
    logits = ops.add(ops.matmul(frames, ops.constant(weights), False, False), ops.constant(bias))
    best = ops.topk(logits, ops.constant(1), 1, "max", "none", index_element_type="i32")
    exponents = ops.exp(ops.subtract(logits, best.output(0)))
    total = ops.reduce_sum(exponents, ops.constant([1]), keep_dims=True)
    probability = ops.divide(ops.constant(np.float32(1)), total)
    return _Model([best.output(1), probability.output(0)], [frames], "head")


def _subpixel_tail(logits: ov.Output) -> ov.Output | None:
    """The same as ``logits`` without transposed convolutions; None where the layers are not PP-OCR's."""
    chain = []
    output = logits
    for kind in ("Add", _TRANSPOSED, "Relu", "Add", _TRANSPOSED):
        node = _node(output)
        if node.get_type_name() != kind:
            return None
        chain.append(node)
        output = node.input_value(0)
    add_last, last, _, add_first, first = chain
    kernels = [_values(node.input_value(1)) for node in (first, last)]
    if (
        any(
            kernel.shape[2:] != (2, 2) or list(node.get_attributes()["strides"]) != [2, 2]
            for kernel, node in zip(kernels, (first, last), strict=True)
        )
        or kernels[1].shape[1] != 1
    ):
        return None
    channels_in, channels = kernels[0].shape[:2]
    # Rows of the results: the place in a window of 2 x 2, then the channel.
    wide = kernels[0].transpose(2, 3, 1, 0).reshape(4 * channels, channels_in, 1, 1)
    fine = np.zeros((4, 4, 4, channels), np.float32)
    for place in range(4):
        fine[place, :, place, :] = kernels[1][:, 0].reshape(channels, 4).T
    hidden_bias = np.tile(_values(add_first.input_value(1)).ravel(), 4).reshape(1, -1, 1, 1)
    hidden = ops.relu(ops.add(_pointwise(first.input_value(0), wide), ops.constant(hidden_bias)))
    planes = _pointwise(hidden.output(0), fine.reshape(16, 4 * channels, 1, 1))
    planes = ops.add(planes, ops.constant(_values(add_last.input_value(1)).reshape(1, 1, 1, 1)))
    coarse = ops.depth_to_space(planes, "blocks_first", 2)
    return ops.depth_to_space(coarse, "blocks_first", 2).output(0)


def _pointwise(output: ov.Output, weights: np.ndarray) -> Any:
    return ops.convolution(output, ops.constant(weights), [1, 1], [0, 0], [0, 0], [1, 1])


def _with_uint8_input(model: ov.Model) -> ov.Model:
    steps = PrePostProcessor(model)
    picture = steps.input()
    picture.tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    picture.model().set_layout(ov.Layout("NCHW"))
    picture.preprocess().convert_element_type(ov.Type.f32).reverse_channels().mean(127.5).scale(127.5)
    return steps.build()


def _read(path: Path) -> ov.Model:
    try:
        return ov.Core().read_model(path)
    except RuntimeError as error:
        raise ValueError(f"{path} is no ONNX file that OpenVINO reads") from error


def _before(output: ov.Output, kind: str, path: Path) -> Any:
    """The layer of that kind which makes the output of a network."""
    node = _node(output.get_node().input_value(0))
    if node.get_type_name() != kind:
        raise _unknown(path, f"a layer {kind} at its end")
    return node


def _unknown(path: Path, missing: str) -> UnknownNetworkError:
    return UnknownNetworkError(
        f"{path} is no PP-OCR network as the engine ppocr knows them (it lacks {missing}): "
        "use --ocr_engine rapidocr"
    )


def _node(output: ov.Output) -> Any:
    """The node behind an output, past those that do nothing."""
    node = output.get_node()
    while node.get_type_name() == "Identity":
        node = node.input_value(0).get_node()
    return node


def _values(output: ov.Output) -> np.ndarray:
    node = output.get_node()
    while node.get_type_name() != "Constant":
        node = node.input_value(0).get_node()
    return np.array(node.data, dtype=np.float32)


def _stored_characters(model: ov.Model) -> str | None:
    notes = model.get_rt_info()
    if "framework" not in notes or "character" not in notes["framework"]:
        return None
    return notes["framework"]["character"].value
