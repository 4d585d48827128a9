"""What evals adds to the `switchboard` command."""

from __future__ import annotations

import os
import platform
from typing import Annotated, Any

import typer

from orchestrator.commands.output import (
    FAILED,
    BadUsage,
    note,
    put,
    put_json,
    put_table,
    suggestion,
)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Which; all where none is named. list: show them.")
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 when a stated bound is missed.")
    ] = False,
    repeats: Annotated[
        int | None, typer.Option(min=1, help="How often each thing is measured.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure speed: medians with their spread, and the bounds they are held to."""
    from evals.bench.frame import Row, as_cells, bench_names, load_bench
    from evals.bench.frame import as_json as figures

    known = bench_names()
    if names == ["list"]:
        told = [(name, load_bench(name).summary) for name in known]
        if as_json:
            put_json([{"name": name, "summary": summary} for name, summary in told])
        else:
            put_table(("bench", "what it measures"), told)
        return
    for name in names or ():
        if name not in known:
            raise BadUsage(f"There is no bench {name!r}; {suggestion(name, known)}")
    reports: list[dict[str, Any]] = []
    missed: list[str] = []
    for name in names or known:
        chosen = load_bench(name)
        if not as_json:
            put(f"{chosen.name}: {chosen.summary}")
        rows: list[Row] = list(chosen.run(repeats or chosen.repeats))
        missed += [f"{name}: {row.name}" for row in rows if not row.ok]
        reports.append(figures(chosen, rows))
        if not as_json:
            put_table(("", "median", "spread", "bound", ""), map(as_cells, rows), aligned=True)
    if as_json:
        put_json({"machine": _machine(), "benches": reports, "ok": not missed})
    if missed and check:
        note(f"missed: {'; '.join(missed)}")
        raise typer.Exit(FAILED)


def _machine() -> dict[str, Any]:
    """What figures depend on."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "architecture": platform.machine(),
        "python": platform.python_version(),
    }
