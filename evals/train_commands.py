"""What evals adds to `switchboard models`: training what reads requests."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.commands.models import app
from orchestrator.commands.output import BadUsage, note, put

__all__ = ["app"]

TRAIN_FILES = "train-*.jsonl"


@app.command()
def train(
    *,
    data: Annotated[
        Path | None, typer.Option(help="JSONL files of requests with plans; default: our own.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the adapter goes.")] = Path(
        "request_adapter.npz"
    ),
    start: Annotated[
        Path | None, typer.Option("--from", help="An adapter to go on from, of the same labels.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="Times through the rows.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the order and the first weights.")] = 0,
) -> None:
    """Train what reads requests, on CPU; put in service with `models pull request-reader`.

    The adapter of the last epoch so far is always in the file, so an interrupted run has one too.
    """
    from evals.datasets.routing import routing_rows
    from evals.routing_labels import combinations, label_names, learnt_rows, tag_names
    from model_servers.request_network import Adapter
    from model_servers.request_training import Epoch, train
    from tools.registry import load_registry

    registry = load_registry()
    folder = data or Path(str(files("evals") / "data" / "routing"))
    rows = [row for file in sorted(folder.glob(TRAIN_FILES)) for row in routing_rows(file)]
    if not rows:
        raise BadUsage(f"There is no {TRAIN_FILES} in {str(folder)!r}.")
    labels, tags = label_names(registry), tag_names(registry)
    before = None if start is None else Adapter.read(start)
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
    out: Annotated[Path, typer.Option(help="Where their mean goes.")] = Path("request_adapter.npz"),
) -> None:
    """The mean of trained adapters, which is steadier than any of them."""
    from model_servers.request_network import Adapter

    try:
        joined = Adapter.mean([Adapter.read(path) for path in adapters])
    except ValueError as error:
        raise BadUsage(f"{error}; train them for the same tools.") from error
    joined.write(out)
    put(str(out))
