"""What evals adds to `switchboard recommend`: recommenders compared, and learning simulated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.commands.output import FAILED, BadUsage, note, put, put_json, put_table
from orchestrator.commands.output import suggestion as suggest
from orchestrator.commands.recommend import app
from orchestrator.settings import get_settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from evals.metrics import Difference, Interval
    from evals.recommenders.comparison import Compared, Comparison

__all__ = ["app"]

BOUNDS = {"als": 0.085, "ease": 0.088, "sasrec": 0.080}
"""The least HR@10 on MovieLens-100k."""
POPULARITY = (0.03, 0.07)
"""Where popularity's lies when people's last event is held out, and what they had is left out."""


@app.command()
def evaluate(
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with RecBole's atomic files; default MovieLens-100k."),
    ] = None,
    models: Annotated[str | None, typer.Option(help="Which, with commas; default all.")] = None,
    seeds: Annotated[int, typer.Option(min=1, max=50, help="How many.")] = 5,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when a stated bound is missed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare recommenders: everybody's last event, ranked among all items they had not had."""
    from evals.recommenders.comparison import Comparison, model_names
    from evals.recommenders.comparison import as_json as plain
    from evals.recommenders.interactions import MOVIELENS_TERMS, atomic_files, movielens

    chosen = model_names() if models is None else tuple(m.strip() for m in models.split(","))
    for name in chosen:
        if name not in model_names():
            raise BadUsage(f"There is no model {name!r}; {suggest(name, model_names())}")
    if data is None:
        note(MOVIELENS_TERMS)
        rated = movielens(get_settings().cache_dir)
    else:
        rated = atomic_files(data)
    comparison = Comparison(rated, range(seeds), _embed, note)
    for name in chosen:
        comparison.measure(name)
    results = comparison.results()
    missed = _missed(results, comparison)
    if as_json:
        told = {"data": rated.name, "seeds": seeds, "models": [*map(plain, results)]}
        put_json(told | {"missed": missed})
    else:
        head = ("", "HR@10", "95 %", "nDCG@10", "95 %", "RMSE", "95 %", "HR@10 − popularity", "fit")
        put_table(head, map(_cells, results))
        for sentence in missed:
            put(f"missed: {sentence}")
    if missed and check:
        raise typer.Exit(FAILED)


@app.command()
def simulate(
    *,
    seeds: Annotated[int, typer.Option(min=1, max=20, help="How many.")] = 3,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when a stated bound is missed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge what learns online where the best is known: bandits, the session policy, estimates."""
    from dataclasses import asdict

    from evals.recommenders.simulation import simulate as run

    found = run(range(seeds), note)
    if as_json:
        put_json([asdict(each) for each in found])
    else:
        put_table(
            ("", "", "bound", ""),
            (
                (
                    each.name,
                    f"{each.value:.2f}",
                    each.bound,
                    {None: "", True: "ok", False: "missed"}[each.ok],
                )
                for each in found
            ),
        )
    if check and any(each.ok is False for each in found):
        raise typer.Exit(FAILED)


def _embed(texts: Any) -> NDArray[np.float32]:
    """Texts to embeddings, by the English encoder."""
    import asyncio

    from model_servers.encoders import encode
    from model_servers.serving import build_pool
    from model_servers.store import ModelStore

    settings = get_settings()

    async def embedded() -> NDArray[np.float32]:
        pool = build_pool(
            settings.profile,
            ModelStore(settings.cache_dir),
            memory_budget_mb=settings.models_memory_mb,
            idle_s=settings.models_idle_s,
            threads=2,
        )
        try:
            return await encode(pool, texts, language="en", role="passage")
        finally:
            await pool.close()

    return asyncio.run(embedded())


def _missed(results: list[Compared], comparison: Comparison) -> list[str]:
    missed = []
    for each in results:
        bound = BOUNDS.get(each.name)
        if each.hit_rate is None:
            continue
        if bound is not None and each.hit_rate.value < bound:
            missed.append(f"HR@10 of {each.name} is {each.hit_rate.value:.4f}, below {bound}")
        if each.name == "popularity" and not POPULARITY[0] <= each.hit_rate.value <= POPULARITY[1]:
            missed.append(f"HR@10 of popularity is {each.hit_rate.value:.4f}: a wrong protocol?")
    beside = comparison.against_parts()
    if beside is not None and beside[1].worse(higher_is_better=True):
        missed.append(f"the blend is below its part {beside[0]} by {-beside[1].value:.4f}")
    return missed


def _cells(each: Compared) -> tuple[str, ...]:
    return (
        each.name,
        *_interval(each.hit_rate),
        *_interval(each.ndcg),
        *_interval(each.rmse),
        "" if each.gain is None else " ".join(_interval(each.gain)),
        f"{each.fit_s:.1f} s",
    )


def _interval(value: Interval | Difference | None) -> tuple[str, str]:
    return (
        ("", "") if value is None else (f"{value.value:.4f}", f"{value.low:.4f}–{value.high:.4f}")
    )
