"""TensorFlow.js graphs as ONNX, against torch's layers with the same weights."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from torch.nn import functional

from model_servers.contracts import WeightsError
from model_servers.onnx_session import open_session
from model_servers.tfjs_graph import convert, read_weights

Array = NDArray[Any]
RANDOM = np.random.default_rng(4)


def numbers(*shape: int) -> Array:
    return RANDOM.normal(size=shape).astype(np.float32)


def whole(*values: int) -> Array:
    return np.array(values, np.int32)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def axes(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def node(name: str, op: str, *inputs: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attributes}


def convolution(
    name: str, op: str, *inputs: str, stride: int, padding: str, fused: Sequence[str] = ()
) -> dict[str, Any]:
    return node(
        name,
        op,
        *inputs,
        strides=axes(1, stride, stride, 1),
        dilations=axes(1, 1, 1, 1),
        padding={"s": coded(padding)},
        fused_ops={"list": {"s": [coded(step) for step in fused]}},
    )


def write(
    folder: Path, shape: Sequence[int], nodes: Sequence[dict[str, Any]], arrays: Mapping[str, Array]
) -> None:
    image = node("image", "Placeholder")
    image["attr"] = {"shape": {"shape": {"dim": [{"size": str(size)} for size in shape]}}}
    constants = [node(name, "Const") for name in arrays]
    manifest = [
        {"name": name, "shape": list(array.shape), "dtype": str(array.dtype)}
        for name, array in arrays.items()
    ]
    document = {
        "modelTopology": {"node": [image, *constants, *nodes]},
        "weightsManifest": [{"paths": ["x.bin"], "weights": manifest}],
    }
    (folder / "x.json").write_text(json.dumps(document))
    (folder / "x.bin").write_bytes(b"".join(array.tobytes() for array in arrays.values()))


def run(
    folder: Path, image: Array, nodes: Sequence[dict[str, Any]], arrays: Mapping[str, Array]
) -> Array:
    """The graph's node "out" for a picture of (1, height, width, channels)."""
    write(folder, image.shape, nodes, arrays)
    convert(folder / "x.json", folder / "x.bin", folder / "x.onnx", {"out": "out"})
    (out,) = open_session(folder / "x.onnx", 1).run(["out"], {"image": image})
    return np.asarray(out)


def turned(image: Array) -> torch.Tensor:
    return torch.from_numpy(image.transpose(0, 3, 1, 2).copy())


def back(value: torch.Tensor) -> Array:
    return value.numpy().transpose(0, 2, 3, 1)


def test_a_convolution_pads_as_tensorflow_does(tmp_path: Path) -> None:
    image, kernel, bias = numbers(1, 6, 7, 3), numbers(3, 3, 3, 5), numbers(5)
    made = run(
        tmp_path,
        image,
        [convolution("out", "_FusedConv2D", "image", "k", "b", stride=2, padding="SAME",
                     fused=["BiasAdd", "Relu6"])],
        {"k": kernel, "b": bias},
    )  # fmt: skip
    # At stride 2, six rows need one more at the end; seven columns one at each end.
    padded = functional.pad(turned(image), (1, 1, 0, 1))
    wanted = functional.conv2d(
        padded, torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy()), torch.from_numpy(bias), 2
    )
    assert_allclose(made, back(functional.relu6(wanted)), atol=1e-5)


def test_a_depthwise_convolution_keeps_channels_apart(tmp_path: Path) -> None:
    image, kernel = numbers(1, 5, 5, 3), numbers(3, 3, 3, 2)
    made = run(
        tmp_path,
        image,
        [convolution("out", "DepthwiseConv2dNative", "image", "k", stride=1, padding="VALID")],
        {"k": kernel},
    )
    one_by_one = [
        functional.conv2d(
            turned(image)[:, channel : channel + 1],
            torch.from_numpy(kernel[:, :, channel].transpose(2, 0, 1)[:, None].copy()),
        )
        for channel in range(3)
    ]
    assert_allclose(made, back(torch.cat(one_by_one, dim=1)), atol=1e-5)


@pytest.mark.parametrize(("centred", "mode"), [(True, "half_pixel"), (False, "corner")])
def test_a_picture_is_resized_by_either_rule(tmp_path: Path, centred: bool, mode: str) -> None:
    image = numbers(1, 3, 4, 2)
    resize = node("out", "ResizeBilinear", "image", "size",
                  half_pixel_centers={"b": centred}, align_corners={"b": False})  # fmt: skip
    made = run(tmp_path, image, [resize], {"size": whole(6, 8)})
    if mode == "half_pixel":
        wanted = back(functional.interpolate(turned(image), (6, 8), mode="bilinear"))
        assert_allclose(made, wanted, atol=1e-5)
    else:  # every other point is a point of the source
        assert_allclose(made[:, ::2, ::2], image, atol=1e-6)
        assert_allclose(made[:, 1, ::2], (image[:, 0] + image[:, 1]) / 2, atol=1e-6)


def test_the_rest_of_the_operators(tmp_path: Path) -> None:
    image = numbers(1, 4, 6, 4)
    pool = {
        "ksize": axes(1, 3, 3, 1),
        "strides": axes(1, 2, 2, 1),
        "padding": {"s": coded("VALID")},
    }
    nodes = [
        node("padded", "PadV2", "image", "pads", "low"),
        node("pooled", "MaxPool", "padded", **pool),
        node("leaky", "LeakyRelu", "pooled", alpha={"f": 0.1}),
        node("parts", "SplitV", "leaky", "sizes", "last"),
        node("signs", "Sigmoid", "parts"),
        node("mean", "Mean", "parts:1", "spatial", keep_dims={"b": True}),
        node("scaled", "Mul", "mean", "parts:1"),
        node("joined", "ConcatV2", "signs", "scaled", "last"),
        node("turned", "Transpose", "joined", "order"),
        # A shape that is computed from constants alone, as exporters leave it.
        node("rest", "SparseToDense", "nowhere", "two", "nothing", "zero"),
        node("shape", "AddV2", "fixed", "rest"),
        node("reshaped", "Reshape", "turned", "shape"),
        node("out", "Identity", "reshaped"),
    ]
    arrays = {
        "pads": whole(0, 0, 1, 1, 1, 1, 0, 0).reshape(4, 2),
        "low": np.float32(-9).reshape(()),
        "sizes": whole(3, 1),
        "last": whole(3).reshape(()),
        "spatial": whole(1, 2),
        "order": whole(0, 3, 1, 2),
        "nowhere": np.zeros((0, 1), np.int32),
        "two": whole(2),
        "nothing": np.zeros(0, np.int32),
        "zero": whole(0).reshape(()),
        "fixed": whole(4, -1),
    }
    made = run(tmp_path, image, nodes, arrays)
    padded = functional.pad(turned(image), (1, 1, 1, 1), value=-9)
    pooled = functional.leaky_relu(functional.max_pool2d(padded, 3, 2), 0.1)
    scores, other = torch.sigmoid(pooled[:, :3]), pooled[:, 3:]
    wanted = torch.cat([scores, other.mean(dim=(2, 3), keepdim=True) * other], dim=1)
    assert_allclose(made, wanted.reshape(4, -1).numpy(), atol=1e-5)


def test_what_the_outputs_do_not_need_is_left_out(tmp_path: Path) -> None:
    image = numbers(1, 2, 2, 1)
    nodes = [node("odd", "SomethingElse", "image"), node("out", "Relu", "image")]
    assert_allclose(run(tmp_path, image, nodes, {}), np.maximum(image, 0))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node("out", "SomethingElse", "image")], "uses SomethingElse"),
        ([node("out", "Relu", "missing")], "no node 'missing'"),
        ([node("out", "Transpose", "image", "image")], "needs a constant"),
    ],
)
def test_a_graph_that_is_not_understood_is_refused(
    tmp_path: Path, nodes: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        run(tmp_path, numbers(1, 2, 2, 1), nodes, {})


def test_half_precision_weights_are_widened() -> None:
    entry = {"name": "w", "shape": [2], "dtype": "float32", "quantization": {"dtype": "float16"}}
    data = np.array([0.5, -2], np.float16).tobytes()
    (found,) = read_weights([{"weights": [entry]}], data).values()
    assert found.dtype == np.float32
    assert found.tolist() == [0.5, -2]


@pytest.mark.parametrize(("size", "message"), [(3, "shorter"), (5, "longer")])
def test_a_weights_file_of_the_wrong_length_is_refused(size: int, message: str) -> None:
    entry = {"name": "w", "shape": [1], "dtype": "float32"}
    with pytest.raises(WeightsError, match=message):
        read_weights([{"weights": [entry]}], bytes(size))


def test_a_way_of_storing_that_is_not_known_is_refused() -> None:
    entry = {"name": "w", "shape": [1], "dtype": "string"}
    with pytest.raises(WeightsError, match="string"):
        read_weights([{"weights": [entry]}], b"")
