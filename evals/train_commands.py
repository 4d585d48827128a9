"""What evals adds to `switchboard models`: training what reads requests."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from orchestrator.commands.models import app
from orchestrator.commands.output import BadUsage, note, put

if TYPE_CHECKING:
    from evals.datasets.routing import RoutingRow
    from model_servers.request_network import Adapter
    from tools.registry import Registry

__all__ = ["app"]

TRAIN_FILES = "train-*.jsonl"
LARGEST_SEED = 2**32 - 1


@app.command()
def train(
    *,
    data: Annotated[
        Path | None,
        typer.Option(
            help=f"A folder of {TRAIN_FILES}, whose lines are requests with plans; default: ours."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file that the adapter goes to.")] = Path(
        "request_adapter.npz"
    ),
    start: Annotated[
        Path | None, typer.Option("--from", help="An adapter to go on from, of the same labels.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Times through the rows.")] = 5,
    seed: Annotated[
        int, typer.Option(min=0, max=LARGEST_SEED, help="Of the order and the first weights.")
    ] = 0,
) -> None:
    """Train what reads requests, on CPU; put in service with `models pull request-reader`.

    The adapter of the last epoch so far is always in the file, so an interrupted run has one too.
    """
    from evals.routing_labels import combinations, label_names, learnt_rows, tag_names
    from model_servers.request_training import Epoch, train
    from tools.registry import load_registry

    _check_writable(out)
    registry = load_registry()
    rows = _rows(data or Path(str(files("evals") / "data" / "routing")), registry)
    labels, tags = label_names(registry), tag_names(registry)
    before = None if start is None else _adapter(start)
    if before is not None and (before.labels, before.tags) != (labels, tags):
        raise BadUsage(f"{str(start)!r} was trained for other tools; train anew, without --from.")
    learnt = learnt_rows(rows, registry)
    note(f"{len(rows):,} requests with plans make {len(learnt):,} examples")

    together = combinations(rows, registry)

    def told(epoch: Epoch) -> None:
        replace(epoch.adapter, combinations=together).write(out)
        note(f"epoch {epoch.number} of {epoch.of}: loss {epoch.loss:.3f}")

    train(learnt, labels, tags, epochs=epochs, seed=seed, start=before, told=told)
    put(str(out))


@app.command()
def mean(
    adapters: Annotated[list[Path], typer.Argument(help="Of which each went on from one before.")],
    *,
    out: Annotated[Path, typer.Option(help="The file that their mean goes to.")] = Path(
        "request_adapter.npz"
    ),
) -> None:
    """The mean of trained adapters, which is steadier than any of them."""
    from model_servers.request_network import Adapter

    _check_writable(out)
    try:
        joined = Adapter.mean([_adapter(path) for path in adapters])
    except ValueError as error:
        raise BadUsage(f"{error}; train them for the same tools.") from error
    joined.write(out)
    put(str(out))


def _rows(folder: Path, registry: Registry) -> list[RoutingRow]:
    """The requests with plans in a folder. Raises BadUsage, and DatasetError for a bad row."""
    from evals.datasets.routing import routing_rows
    from evals.routing_labels import unlearnable

    if not folder.is_dir():
        raise BadUsage(f"--data is a folder of {TRAIN_FILES}; {str(folder)!r} is none.")
    found = sorted(folder.glob(TRAIN_FILES))
    if not found:
        raise BadUsage(f"There is no {TRAIN_FILES} in {str(folder)!r}.")
    return [row for file in found for row in routing_rows(file, lambda r: unlearnable(r, registry))]


def _adapter(path: Path) -> Adapter:
    """Raises BadUsage where there is no such file, WeightsError where it holds no adapter."""
    from model_servers.request_network import Adapter

    if not path.is_file():
        raise BadUsage(f"There is no file {str(path)!r}.")
    return Adapter.read(path)


def _check_writable(out: Path) -> None:
    """Raises BadUsage where no file can be written there: to be told before the work, not after."""
    try:
        if out.exists() and not out.is_file():
            raise BadUsage(f"{str(out)!r} is no file; name one with --out.")
        with TemporaryFile(dir=out.parent, prefix=f".{out.name}."):
            pass
    except OSError as error:
        raise BadUsage(
            f"{str(out)!r} can't be written: {error.strerror}; name another --out."
        ) from error
