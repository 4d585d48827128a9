"""One linear model of the reward that learns row by row, and knows how sure it is."""

from __future__ import annotations

from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from model_servers.recommenders.errors import RecommenderError

Floats = NDArray[np.float64]

_REFRESH_ROWS = 2_000
"""So many one-row updates of the inverse lose about six of its sixteen digits at the worst."""
_ARRAYS = {"precision", "moments", "ridge", "rows"}


class RidgeModel:
    """Bayesian linear regression with unit noise, in the notation of LinUCB (Li et al. 2010).

    precision A = ridge · I + Σ x xᵀ, moments b = ridge · prior + Σ r x, coefficients θ = A⁻¹ b. The
    inverse follows each row by Sherman and Morrison's formula, which costs width² and not width³.

    Attributes:
        rows: how many rows were learned.
        precision, inverse: (width, width).
        coefficients: (width,).
    """

    def __init__(self, width: int, *, ridge: float = 1.0, prior: Floats | None = None) -> None:
        """
        Args:
            width: how many features a row has.
            ridge: how strongly the coefficients are held to the prior, in rows of unit length.
            prior: (width,), the coefficients before anything is learned; zeros where None.

        Raises:
            RecommenderError: the ridge is not positive, or the prior has another width.
        """
        if width < 1 or not ridge > 0:
            raise RecommenderError("A linear model needs one feature or more, and a ridge above 0.")
        start = np.zeros(width) if prior is None else np.asarray(prior, dtype=np.float64)
        if start.shape != (width,) or not np.isfinite(start).all():
            raise RecommenderError(f"The prior must be {width} finite numbers.")
        self.ridge = float(ridge)
        self.rows = 0
        self.precision: Floats = self.ridge * np.eye(width)
        self.inverse: Floats = np.eye(width) / self.ridge
        self._moments: Floats = self.ridge * start
        self.coefficients: Floats = start.copy()

    @property
    def width(self) -> int:
        """How many features a row has."""
        return len(self.coefficients)

    def learn(self, features: Floats, rewards: Floats) -> None:
        """Take in rows (n, width) with their rewards (n,). Raises RecommenderError."""
        rows, values = self._checked(features), self._rewards(features, rewards)
        for row in rows:
            toward = self.inverse @ row
            self.inverse -= np.outer(toward, toward) / (1.0 + row @ toward)
        self.precision += rows.T @ rows
        self._moments += rows.T @ values
        before, self.rows = self.rows, self.rows + len(rows)
        if before // _REFRESH_ROWS != self.rows // _REFRESH_ROWS:
            self._invert()
        self.coefficients = self.inverse @ self._moments

    def credit(self, features: Floats, rewards: Floats) -> None:
        """Add rewards (n,) to rows (n, width) that were learned before: a click that came later.

        Learning a row with 0 and crediting it with 1 is the same as learning it with 1.
        """
        self._moments += self._checked(features).T @ self._rewards(features, rewards)
        self.coefficients = self.inverse @ self._moments

    def means(self, features: Floats) -> Floats:
        """What to expect of each row: (n, width) → (n,)."""
        return np.asarray(self._checked(features) @ self.coefficients)

    def widths(self, features: Floats) -> Floats:
        """How unsure that is, √(xᵀ A⁻¹ x): (n, width) → (n,)."""
        rows = self._checked(features)
        spread = np.einsum("ij,ij->i", rows @ self.inverse, rows)
        return np.asarray(np.sqrt(np.maximum(spread, 0.0)))

    def draws(self, count: int, scale: float, random: np.random.Generator) -> Floats:
        """Coefficients drawn from N(θ, scale² A⁻¹): (count, width).

        With A = L Lᵀ, L⁻ᵀ z has the covariance A⁻¹ where z has none.
        """
        from scipy.linalg import solve_triangular

        lower = np.linalg.cholesky(self.precision)
        noise = random.standard_normal((self.width, count))
        spread = solve_triangular(lower, noise, lower=True, trans="T", check_finite=False)
        return np.asarray(self.coefficients + scale * spread.T)

    def save(self, path: Path) -> None:
        """Write it into a file, whole or not at all: a reader sees the old one or the new one."""
        beside = path.with_name(f"{path.name}.partial")
        with beside.open("wb") as file:
            np.savez(
                file,
                precision=self.precision,
                moments=self._moments,
                ridge=self.ridge,
                rows=self.rows,
            )
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read back what `save` wrote. Raises RecommenderError where that can't be."""
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if not set(stored.files) >= _ARRAYS:
                    raise ValueError("arrays are missing")
                arrays = {name: np.asarray(stored[name], dtype=np.float64) for name in _ARRAYS}
            model = cls(len(arrays["moments"]), ridge=float(arrays["ridge"]))
            if arrays["precision"].shape != model.precision.shape:
                raise ValueError("the arrays have different widths")
            if not all(np.isfinite(array).all() for array in arrays.values()):
                raise ValueError("not all numbers are finite")
            model.precision, model._moments = arrays["precision"], arrays["moments"]
            model.rows = int(arrays["rows"])
            np.linalg.cholesky(model.precision)
        except (OSError, ValueError, TypeError, EOFError, BadZipFile, LinAlgError) as error:
            raise RecommenderError(
                "What the bandit had learned can't be read; delete its file to start anew."
            ) from error
        model._invert()
        model.coefficients = model.inverse @ model._moments
        return model

    def _invert(self) -> None:
        inverse = np.linalg.inv(self.precision)
        self.inverse = (inverse + inverse.T) / 2

    def _checked(self, features: Floats) -> Floats:
        rows = np.asarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.width:
            raise RecommenderError(
                f"The model has {self.width} features a row; an array {rows.shape} came."
            )
        if not np.isfinite(rows).all():
            raise RecommenderError("Features must be finite numbers; there is a NaN or infinity.")
        return rows

    def _rewards(self, features: Floats, rewards: Floats) -> Floats:
        values = np.asarray(rewards, dtype=np.float64)
        if values.shape != (len(features),) or not np.isfinite(values).all():
            raise RecommenderError("Each row needs one reward, a finite number.")
        return values
