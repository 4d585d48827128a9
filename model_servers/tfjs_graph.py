"""TensorFlow.js graph models as ONNX: the two detectors are published in that format only.

The format: a JSON file with the nodes of a TensorFlow graph, beside a file of weights one after
the other, stored as float16 where their entry says so. Values lie as TensorFlow has them (batch,
height, width, channels); ONNX convolves with the channels first, so each convolution is turned,
and ONNX Runtime takes the turns out again that cancel each other.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import WeightsError
from model_servers.onnx_graph import GraphWriter

Array = NDArray[Any]
Node = Mapping[str, Any]

_ELEMENTWISE = {"Add": "Add", "AddV2": "Add", "Mul": "Mul", "Relu": "Relu", "Sigmoid": "Sigmoid"}
_ACTIVATIONS = {"Relu", "Relu6"}
_CONVOLUTIONS = {"Conv2D", "_FusedConv2D", "DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"}


def read_weights(manifest: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, Array]:
    """The arrays of a weights file by name, float32 and int32. Raises WeightsError."""
    stored = {"float32": np.float32, "float16": np.float16, "int32": np.int32}
    weights: dict[str, Array] = {}
    offset = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        kind = entry.get("quantization", {}).get("dtype", entry["dtype"])
        if kind not in stored:
            raise WeightsError(f"A weight is stored as {kind}, which is not known here.")
        count = int(np.prod(entry["shape"], dtype=np.int64))
        size = count * np.dtype(stored[kind]).itemsize
        if offset + size > len(data):
            raise WeightsError("The weights file is shorter than the graph says.")
        values = np.frombuffer(data, stored[kind], count, offset).reshape(entry["shape"])
        weights[entry["name"]] = values.astype(entry["dtype"])
        offset += size
    if offset != len(data):
        raise WeightsError("The weights file is longer than the graph says.")
    return weights


def convert(graph: Path, weights: Path, target: Path, outputs: Mapping[str, str]) -> None:
    """Writes the part of a TensorFlow.js graph that leads to some of its nodes as ONNX.

    Args:
        graph: the JSON file.
        weights: the file of its weights.
        target: the ONNX file to write.
        outputs: what to call each output, and the node that gives it.

    Raises WeightsError where the graph holds what is not known here.
    """
    document = json.loads(graph.read_bytes())
    arrays = read_weights(document["weightsManifest"], weights.read_bytes())
    nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
    conversion = _Conversion(nodes, arrays)
    made = {name: conversion.value(node) for name, node in outputs.items()}
    conversion.writer.save(target, conversion.inputs, made)


class _Conversion:
    """One graph on its way: what was made of each value so far."""

    def __init__(self, nodes: Mapping[str, Node], arrays: Mapping[str, Array]) -> None:
        self.writer = GraphWriter()
        self.inputs: dict[str, Sequence[int | str]] = {}
        self._nodes = nodes
        self._arrays = arrays
        self._made: dict[str, str] = {}

    def value(self, name: str) -> str:
        """The ONNX value for a TensorFlow one, "node" or "node:1"; what it needs is made first."""
        # Deeper than Python's recursion goes, so the nodes still to make are kept in a list.
        waiting = [name]
        while waiting:
            current = waiting[-1]
            node = current.partition(":")[0]
            needs = [i for i in self._needs(node) if i not in self._made]
            if needs:
                waiting.extend(needs)
                continue
            waiting.pop()
            if current not in self._made:
                names = self._convert(self._node(node))
                self._made |= {f"{node}:{i}": made for i, made in enumerate(names)}
                self._made[node] = names[0]
        return self._made[name]

    def _needs(self, node: str) -> list[str]:
        """The inputs that must be there before this node: not those read as constants."""
        if self._folded(node) is not None:
            return []
        return [i for i in self._node(node).get("input", []) if self._folded(i) is None]

    def _node(self, name: str) -> Node:
        found = self._nodes.get(name.partition(":")[0])
        if found is None:
            raise WeightsError(f"The graph has no node {name!r}.")
        return found

    def _folded(self, name: str) -> Array | None:
        """The array that a value is, where it depends on constants alone."""
        node = self._node(name)
        if node["op"] == "Const":
            return self._arrays[node["name"]]
        if node["op"] == "SparseToDense":  # of shapes only, with nothing in them
            _, shape, values, default = map(self._folded, node["input"])
            if values is not None and not values.size and shape is not None:
                return np.broadcast_to(np.asarray(default), tuple(shape))
        if node["op"] == "AddV2":
            first, second = map(self._folded, node["input"])
            if first is not None and second is not None:
                return np.asarray(first + second)
        return None

    def _array(self, name: str) -> Array:
        found = self._folded(name)
        if found is None:
            raise WeightsError(f"{name!r} is computed, where this conversion needs a constant.")
        return found

    def _input(self, name: str) -> str:
        folded = self._folded(name)
        return self._made[name] if folded is None else self.writer.constant(folded)

    def _convert(self, node: Node) -> list[str]:
        operator, inputs = node["op"], node.get("input", [])
        if operator in _CONVOLUTIONS:
            return [self._convolution(node)]
        if operator in _ELEMENTWISE:
            return [self.writer.add(_ELEMENTWISE[operator], *map(self._input, inputs))]
        converters: dict[str, Callable[[Node, Sequence[str]], list[str]]] = {
            "Const": lambda n, _: [self.writer.constant(self._arrays[n["name"]])],
            "Placeholder": self._placeholder,
            "Identity": lambda _, i: [self._input(i[0])],
            "Relu6": lambda _, i: [self._activation("Relu6", self._input(i[0]))],
            "LeakyRelu": self._leaky_relu,
            "Transpose": lambda _, i: [self._turned(self._input(i[0]), self._array(i[1]))],
            "Reshape": lambda _, i: [
                self.writer.add("Reshape", self._input(i[0]), self._whole(self._array(i[1])))
            ],
            "ConcatV2": self._concat,
            "SplitV": self._split,
            "Pad": self._pad,
            "PadV2": self._pad,
            "Mean": self._mean,
            "MaxPool": self._max_pool,
            "ResizeBilinear": self._resize,
        }
        if operator not in converters:
            raise WeightsError(f"The graph uses {operator}, which is not known here.")
        return converters[operator](node, inputs)

    def _whole(self, values: Array) -> str:
        return self.writer.integers(*map(int, np.atleast_1d(values)))

    def _turned(self, name: str, order: Sequence[int] | Array) -> str:
        return self.writer.add("Transpose", name, perm=[int(axis) for axis in order])

    def _channels_first(self, name: str) -> str:
        return self._turned(name, (0, 3, 1, 2))

    def _channels_last(self, name: str) -> str:
        return self._turned(name, (0, 2, 3, 1))

    def _placeholder(self, node: Node, _: Sequence[str]) -> list[str]:
        self.inputs["image"] = [int(d["size"]) for d in node["attr"]["shape"]["shape"]["dim"]]
        return ["image"]

    def _activation(self, name: str, value: str) -> str:
        if name == "Relu":
            return self.writer.add("Relu", value)
        low, high = (self.writer.number(edge) for edge in (0, 6))
        return self.writer.add("Clip", value, low, high)

    def _leaky_relu(self, node: Node, inputs: Sequence[str]) -> list[str]:
        alpha = float(node["attr"]["alpha"]["f"])
        return [self.writer.add("LeakyRelu", self._input(inputs[0]), alpha=alpha)]

    def _concat(self, _: Node, inputs: Sequence[str]) -> list[str]:
        axis = int(self._array(inputs[-1]))
        return [self.writer.add("Concat", *map(self._input, inputs[:-1]), axis=axis)]

    def _split(self, _: Node, inputs: Sequence[str]) -> list[str]:
        value, sizes, axis = inputs
        lengths = self._array(sizes)
        return self.writer.add_many(
            "Split", len(lengths), self._input(value), self._whole(lengths),
            axis=int(self._array(axis)),
        )  # fmt: skip

    def _pad(self, _: Node, inputs: Sequence[str]) -> list[str]:
        value, sizes, *fill = inputs
        # TensorFlow has (before, after) for each axis, ONNX all that is before and then the rest.
        pads = self._whole(self._array(sizes).T.reshape(-1))
        given = [self.writer.constant(self._array(name)) for name in fill]
        return [self.writer.add("Pad", self._input(value), pads, *given)]

    def _mean(self, node: Node, inputs: Sequence[str]) -> list[str]:
        keep = int(bool(node["attr"]["keep_dims"]["b"]))
        axes = self._whole(self._array(inputs[1]))
        return [self.writer.add("ReduceMean", self._input(inputs[0]), axes, keepdims=keep)]

    def _max_pool(self, node: Node, inputs: Sequence[str]) -> list[str]:
        pooled = self.writer.add(
            "MaxPool",
            self._channels_first(self._input(inputs[0])),
            kernel_shape=_height_width(node, "ksize"),
            strides=_height_width(node, "strides"),
            auto_pad=_padding(node),
        )
        return [self._channels_last(pooled)]

    def _resize(self, node: Node, inputs: Sequence[str]) -> list[str]:
        centred, aligned = (
            node["attr"][key]["b"] for key in ("half_pixel_centers", "align_corners")
        )
        mode = "half_pixel" if centred else "align_corners" if aligned else "asymmetric"
        value = self._channels_first(self._input(inputs[0]))
        # The operator's own way of naming two axes alone is lost when turns are taken out.
        kept = self.writer.add("Shape", value, end=2)
        size = self.writer.add("Concat", kept, self._whole(self._array(inputs[1])), axis=0)
        resized = self.writer.add(
            "Resize",
            value,
            "",
            "",
            size,
            mode="linear",
            coordinate_transformation_mode=mode,
        )
        return [self._channels_last(resized)]

    def _convolution(self, node: Node) -> str:
        value, weights, *bias = node["input"]
        # Its axes: height, width, input channels, output channels (or how many for each input).
        kernel = self._array(weights)
        groups = 1
        if "Depthwise" in node["op"]:
            height, width, groups, multiplier = kernel.shape
            kernel = kernel.reshape(height, width, 1, groups * multiplier)
        result = self.writer.add(
            "Conv",
            self._channels_first(self._input(value)),
            self.writer.constant(kernel.transpose(3, 2, 0, 1)),
            *(self.writer.constant(self._array(name)) for name in bias),
            group=groups,
            strides=_height_width(node, "strides"),
            dilations=_height_width(node, "dilations"),
            auto_pad=_padding(node),
        )
        for fused in node["attr"].get("fused_ops", {}).get("list", {}).get("s", []):
            name = base64.b64decode(fused).decode()
            if name in _ACTIVATIONS:
                result = self._activation(name, result)
            elif name != "BiasAdd":
                raise WeightsError(f"A convolution is fused with {name}, which is not known here.")
        return self._channels_last(result)


def _height_width(node: Node, key: str) -> list[int]:
    """The two middle numbers of a setting that has one for each axis."""
    return [int(number) for number in node["attr"][key]["list"]["i"][1:3]]


def _padding(node: Node) -> str:
    return {"VALID": "VALID", "SAME": "SAME_UPPER"}[
        base64.b64decode(node["attr"]["padding"]["s"]).decode()
    ]
