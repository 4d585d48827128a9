"""How recommenders keep their arrays: in one npz file, read back without pickle."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from model_servers.recommenders.errors import RecommenderError

_FILE = "arrays.npz"


def save_arrays(folder: Path, **arrays: NDArray[Any]) -> None:
    """Write arrays into a folder."""
    with (folder / _FILE).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_arrays(folder: Path, *names: str) -> list[NDArray[Any]]:
    """Read back what `save_arrays` wrote. Raises RecommenderError where it can't be read."""
    try:
        with (folder / _FILE).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            return [kept[name] for name in names]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RecommenderError(
            f"The model in {folder.name} can't be read; train it anew."
        ) from error


def sparse_parts(matrix: csr_array) -> dict[str, NDArray[Any]]:
    """A matrix as arrays to be saved."""
    return {
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        "shape": np.array(matrix.shape),
    }


def load_sparse(folder: Path) -> csr_array:
    """A matrix that was saved by its parts. Raises RecommenderError where it can't be read."""
    data, indices, indptr, shape = load_arrays(folder, "data", "indices", "indptr", "shape")
    try:
        return csr_array((data, indices, indptr), shape=tuple(shape.tolist()))
    except ValueError as error:
        raise RecommenderError(f"The model in {folder.name} is damaged; train it anew.") from error
