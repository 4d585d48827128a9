"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze and swish) as ONNX, from its weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.onnx_graph import GraphWriter

SIDE = 224
FEATURES = 1280

Weights = Mapping[str, NDArray[Any]]

_BLOCKS = 16
_HALVING_BLOCKS = frozenset({1, 3, 5, 11})
_EPSILON = 1e-3


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Writes the network as ONNX. The catalogue's builder.

    Its input is "image" (n, 3, 224, 224), its outputs "features" (n, 1280) and "scores"
    (n, 1000), which add up to 1.
    """
    import torch

    stored = torch.load(inputs["efficientnet-lite0-torch"], map_location="cpu", weights_only=True)
    weights = {name: value.numpy() for name, value in stored.items()}
    writer = GraphWriter()
    value = _layer(writer, weights, "image", "_conv_stem", "_bn0", stride=2)
    for number in range(_BLOCKS):
        value = _block(writer, weights, value, f"_blocks.{number}", number in _HALVING_BLOCKS)
    value = _layer(writer, weights, value, "_conv_head", "_bn1")
    axes = writer.integers(2, 3)
    features = writer.add("ReduceMean", value, axes, keepdims=0)
    matrix, bias = (writer.constant(weights[f"_fc.{part}"]) for part in ("weight", "bias"))
    scores = writer.add("Softmax", writer.add("Gemm", features, matrix, bias, transB=1), axis=1)
    shape = ("batch", 3, SIDE, SIDE)
    writer.save(target, {"image": shape}, {"features": features, "scores": scores})


def _block(writer: GraphWriter, weights: Weights, value: str, prefix: str, halves: bool) -> str:
    """One inverted residual: widen (but for the first), filter each channel, narrow, add."""
    inner = value
    if f"{prefix}._expand_conv.weight" in weights:
        inner = _layer(writer, weights, inner, f"{prefix}._expand_conv", f"{prefix}._bn0")
    inner = _layer(
        writer, weights, inner, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride=1 + halves
    )
    inner = _layer(
        writer, weights, inner, f"{prefix}._project_conv", f"{prefix}._bn2", activated=False
    )
    first = weights.get(f"{prefix}._expand_conv.weight")
    # Only the first block does not widen, and its channels differ anyway.
    channels_in = 0 if first is None else first.shape[1]
    same = not halves and channels_in == weights[f"{prefix}._project_conv.weight"].shape[0]
    return writer.add("Add", inner, value) if same else inner


def _layer(
    writer: GraphWriter,
    weights: Weights,
    value: str,
    convolution: str,
    norm: str,
    *,
    stride: int = 1,
    activated: bool = True,
) -> str:
    """A convolution with its batch normalisation folded in, then ReLU6."""
    kernel = weights[f"{convolution}.weight"]
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + _EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    result = writer.add(
        "Conv",
        value,
        writer.constant((kernel * scale[:, None, None, None]).astype(np.float32)),
        writer.constant(bias.astype(np.float32)),
        # A depthwise kernel has one input channel, and as many outputs as there are groups.
        group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
        strides=[stride, stride],
        auto_pad="SAME_UPPER",
    )
    if not activated:
        return result
    low, high = (writer.number(edge) for edge in (0, 6))
    return writer.add("Clip", result, low, high)
