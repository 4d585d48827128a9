"""Features of an item and of who asks for it, joined: what the bandits' model is linear in."""

from __future__ import annotations

import numpy as np

from model_servers.recommenders.errors import RecommenderError
from model_servers.recommenders.ridge import Floats


def products(context: Floats, items: Floats) -> Floats:
    """Every feature of the context times every feature of each item: (c,), (n, d) → (n, c · d).

    A linear model of these is uᵀ W v: it learns which traits of items suit which traits of people.
    Add a constant 1 to the context for what suits everybody.
    """
    joined = np.asarray(context)[None, :, None] * np.asarray(items)[:, None, :]
    return np.asarray(joined.reshape(len(items), -1), dtype=np.float64)


class FourierFeatures:
    """Random cosines in which a linear model is close to any smooth function of its input.

    √(2 / width) · cos(W x + b) with W ~ N(0, 1 / scale²) and b ~ U(0, 2π): their inner products
    are near a Gaussian kernel's (Rahimi and Recht 2007, Random Features for Large-Scale Kernel
    Machines).
    """

    def __init__(self, inputs: int, width: int, scale: float, random: np.random.Generator) -> None:
        """
        Args:
            inputs: how many numbers a row has.
            width: how many features it gets.
            scale: over which distance the function changes.
            random: what the cosines are drawn from.
        """
        if inputs < 1 or width < 1 or not scale > 0:
            raise RecommenderError("Fourier features need inputs, a width and a scale above 0.")
        self._directions = random.standard_normal((inputs, width)) / scale
        self._phases = random.uniform(0.0, 2.0 * np.pi, width)

    def __call__(self, rows: Floats) -> Floats:
        """(n, inputs) → (n, width)."""
        angles = np.asarray(rows) @ self._directions + self._phases
        return np.asarray(np.sqrt(2.0 / len(self._phases)) * np.cos(angles))
