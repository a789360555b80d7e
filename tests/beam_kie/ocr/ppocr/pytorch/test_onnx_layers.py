import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from beam_kie.ocr.ppocr.pytorch.onnx_layers import Kind, read_layers


def test_layers_come_in_order_with_what_follows_them_folded_in(tmp_path):
    """A convolution with a batch norm behind a squeeze, a matrix product, and a layer norm."""
    draw = np.random.default_rng(3)
    values = {
        "kernel": draw.normal(size=(4, 3, 1, 1)),
        "scale": draw.uniform(0.5, 2, 4),
        "offset": draw.normal(size=4),
        "mean": draw.normal(size=4),
        "variance": draw.uniform(0.5, 2, 4),
        "matrix": draw.normal(size=(4, 5)),
        "moved": draw.normal(size=5),
        "epsilon": np.array(1e-3),
        "gain": draw.normal(size=5),
        "shift": draw.normal(size=5),
    }
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c"], strides=[2, 1]),
        helper.make_node("Squeeze", ["c", "axis"], ["s"]),
        helper.make_node("BatchNormalization", ["s", "scale", "offset", "mean", "variance"], ["b"]),
        helper.make_node("MatMul", ["b", "matrix"], ["m"]),
        helper.make_node("Identity", ["m"], ["same"]),
        helper.make_node("Add", ["same", "moved"], ["a"]),
        helper.make_node("Add", ["a", "epsilon"], ["e"]),
        helper.make_node("Sqrt", ["e"], ["root"]),
        helper.make_node("Div", ["a", "root"], ["d"]),
        helper.make_node("Mul", ["d", "gain"], ["g"]),
        helper.make_node("Add", ["g", "shift"], ["y"]),
    ]
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in values.items()]
    stored.append(numpy_helper.from_array(np.array([2]), "axis"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    model = helper.make_model(helper.make_graph(nodes, "layers", ends[:1], ends[1:], stored))
    helper.set_model_props(model, {"character": "a\nb"})
    onnx.save(model, tmp_path / "model.onnx")

    file = read_layers(tmp_path / "model.onnx")

    convolution, linear, norm = file.layers
    assert convolution.bias is not None
    assert linear.bias is not None
    assert norm.bias is not None
    factor = values["scale"] / np.sqrt(values["variance"] + 1e-5)
    np.testing.assert_allclose(
        convolution.weight[:, :, 0, 0], values["kernel"][:, :, 0, 0] * factor[:, None], 1e-4
    )
    np.testing.assert_allclose(convolution.bias, values["offset"] - values["mean"] * factor, 1e-4, 1e-5)
    assert (convolution.kind, convolution.strides, convolution.groups) == (Kind.CONVOLUTION, (2, 1), 1)
    np.testing.assert_allclose(linear.weight, values["matrix"].T, 1e-5)
    np.testing.assert_allclose(linear.bias, values["moved"], 1e-5)
    np.testing.assert_allclose(norm.weight, values["gain"], 1e-5)
    np.testing.assert_allclose([*norm.bias, norm.epsilon], [*values["shift"], 1e-3], 1e-5)
    assert file.characters == "a\nb"
