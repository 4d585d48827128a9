"""Writes an ONNX graph node by node: what published weights in other formats are rebuilt with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 18
_IR_VERSION = 9


class GraphWriter:
    """Nodes in the order they are added; every method returns the name of what it made."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        """An array known when the graph is written."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        """A list of whole numbers, such as a shape."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """One float32 without a shape."""
        return self.constant(np.array(value, np.float32))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """One node with one output."""
        return self.add_many(operator, 1, *inputs, **attributes)[0]

    def add_many(self, operator: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """One node with `count` outputs."""
        from onnx import helper

        names = [f"{operator.lower()}_{len(self._nodes)}_{i}" for i in range(count)]
        self._nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def save(
        self,
        path: Path,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Mapping[str, str],
    ) -> None:
        """Checks the graph and writes it.

        Args:
            inputs: the shape of each input by name, all float32; a word is a free dimension.
            outputs: what each output is called, and the name of the value that it shows.

        Raises onnx.checker.ValidationError, or onnx.shape_inference.InferenceError, for a graph
        that can't run.
        """
        import onnx
        from onnx import TensorProto, helper

        shown = [helper.make_node("Identity", [made], [name]) for name, made in outputs.items()]
        graph = helper.make_graph(
            [*self._nodes, *shown],
            "switchboard",
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs.items()],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            self._constants,
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=_IR_VERSION)
        model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))
