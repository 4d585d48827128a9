"""TransNetV2 (Souček and Lokoč 2020) as ONNX, rebuilt from its weights: where shots end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.onnx_graph import GraphWriter

WINDOW = 100
"""Frames that the network looks at together."""
HEIGHT, WIDTH = 27, 48
COLOURS = 512
"""Bins of a frame's histogram: 8 shades each of red, green and blue."""

Weights = Mapping[str, NDArray[Any]]

_STACKS = 3
_DILATIONS = (1, 2, 4, 8)
_NEIGHBOURS = 50
"""How many frames before and after one it is compared with."""
_EPSILON = 1e-3


def build(inputs: Mapping[str, Path], target: Path) -> None:
    """Writes the network as ONNX. The catalogue's builder.

    Its inputs are "frames" (100, 3, 27, 48), from 0 to 1, and "histograms" (1, 100, 512) of
    length 1; its output is "cuts" (1, 100), the probability that a shot ends at the frame.
    """
    import torch

    stored = torch.load(inputs["transnetv2-torch"], map_location="cpu", weights_only=True)
    weights = {name: value.numpy() for name, value in stored.items()}
    writer = GraphWriter()
    value = "frames"
    means = []
    for number in range(_STACKS):
        size = (HEIGHT >> number, WIDTH >> number)
        value = _stack(writer, weights, value, f"SDDCNN.{number}", size)
        means.append(writer.add("ReduceMean", value, writer.integers(2, 3), keepdims=0))
    # One row of numbers a frame, from three sources.
    flat = writer.add("Transpose", value, perm=[0, 2, 3, 1])
    flat = writer.add("Reshape", flat, writer.integers(1, WINDOW, -1))
    summary = writer.add("Unsqueeze", writer.add("Concat", *means, axis=1), writer.integers(0))
    summary = _linear(writer, weights, summary, "frame_sim_layer.projection")
    summary = writer.add("LpNormalization", summary, axis=2, p=2)
    alike = _alike(writer, weights, summary, "frame_sim_layer.fc")
    colours = _alike(writer, weights, "histograms", "color_hist_layer.fc")
    value = writer.add("Concat", colours, alike, flat, axis=2)
    value = writer.add("Relu", _linear(writer, weights, value, "fc1"))
    value = writer.add("Sigmoid", _linear(writer, weights, value, "cls_layer1"))
    cuts = writer.add("Squeeze", value, writer.integers(2))
    shapes: dict[str, Sequence[int | str]] = {
        "frames": (WINDOW, 3, HEIGHT, WIDTH),
        "histograms": (1, WINDOW, COLOURS),
    }
    writer.save(target, shapes, {"cuts": cuts})


def _stack(
    writer: GraphWriter, weights: Weights, value: str, prefix: str, size: tuple[int, int]
) -> str:
    """Two groups of convolutions over time, the first one's result added, at half the size."""
    first = writer.add("Relu", _dilated(writer, weights, value, f"{prefix}.DDCNN.0", size))
    second = writer.add("Relu", _dilated(writer, weights, first, f"{prefix}.DDCNN.1", size))
    total = writer.add("Add", second, first)
    return writer.add("AveragePool", total, kernel_shape=[2, 2], strides=[2, 2])


def _dilated(
    writer: GraphWriter, weights: Weights, value: str, prefix: str, size: tuple[int, int]
) -> str:
    """Four views, each over the frame and then over time at its distance; normalised.

    Convolutions over time and space are written as ones over two axes, of which ONNX Runtime has
    much faster ones: over the frame with the frames as the batch, then over time with the points
    of a frame in a row.

    Args:
        value: (100, channels, height, width), as is the result.
        size: height and width.
    """
    scale = weights[f"{prefix}.bn.weight"] / np.sqrt(weights[f"{prefix}.bn.running_var"] + _EPSILON)
    bias = weights[f"{prefix}.bn.bias"] - weights[f"{prefix}.bn.running_mean"] * scale
    points = size[0] * size[1]
    views = []
    # One view after the other, not all at once: that would take four times the memory.
    for place, distance in enumerate(_DILATIONS):
        space, time = (
            weights[f"{prefix}.Conv3D_{distance}.layers.{number}.weight"] for number in (0, 1)
        )
        own = slice(place * len(time), (place + 1) * len(time))
        view = writer.add("Conv", value, writer.constant(space[:, :, 0]), pads=[1, 1, 1, 1])
        view = writer.add("Reshape", view, writer.integers(1, WINDOW, -1, points))
        view = writer.add("Transpose", view, perm=[0, 2, 1, 3])
        views.append(
            writer.add(
                "Conv",
                view,
                writer.constant(time[..., 0] * scale[own, None, None, None]),
                writer.constant(bias[own]),
                dilations=[distance, 1],
                pads=[distance, 0, distance, 0],
            )
        )
    joined = writer.add("Transpose", writer.add("Concat", *views, axis=1), perm=[0, 2, 1, 3])
    return writer.add("Reshape", joined, writer.integers(WINDOW, -1, *size))


def _alike(writer: GraphWriter, weights: Weights, rows: str, layer: str) -> str:
    """How alike each frame is to its neighbours, from rows of length 1, (1, 100, n)."""
    other = writer.add("Transpose", rows, perm=[0, 2, 1])
    products = writer.add("MatMul", rows, other)
    edges = writer.integers(0, 0, _NEIGHBOURS, 0, 0, _NEIGHBOURS)
    padded = writer.add("Pad", products, edges)
    columns = np.arange(WINDOW)[:, None] + np.arange(2 * _NEIGHBOURS + 1)
    band = writer.add("GatherElements", padded, writer.constant(columns[None]), axis=2)
    return writer.add("Relu", _linear(writer, weights, band, layer))


def _linear(writer: GraphWriter, weights: Weights, value: str, layer: str) -> str:
    matrix = writer.constant(weights[f"{layer}.weight"].T)
    return writer.add(
        "Add", writer.add("MatMul", value, matrix), writer.constant(weights[f"{layer}.bias"])
    )
