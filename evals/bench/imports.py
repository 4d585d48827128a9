"""What starting costs: CPU seconds of a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from evals.bench.frame import Bench, Row, row

IMPORT_CPU_S = 0.4
"""Bound of the issue "Ask in plain language, get it done"."""

HEAVY = ("torch", "ray", "litellm", "gradio", "spacy")

_PROBE = """
import json, resource, sys
{statement}
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = [name for name in {heavy!r} if name in sys.modules]
print(json.dumps([used.ru_utime + used.ru_stime, len(heavy)]))
"""


def _measure(statement: str) -> tuple[float, float]:
    """CPU seconds, and how many of the heavy packages were imported."""
    script = _PROBE.format(statement=statement, heavy=HEAVY)
    done = subprocess.run(  # noqa: S603 - this interpreter, on a constant
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    seconds, heavy = json.loads(done.stdout)
    return seconds, heavy


def run(repeats: int) -> Sequence[Row]:
    """Interleaved: an empty interpreter, our package, and what the command line imports."""
    statements = {
        "python alone": "pass",
        "import orchestrator": "import orchestrator",
        "switchboard ask, imports": "import orchestrator.cli, orchestrator.commands.ask",
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in statements}
    for _ in range(repeats):
        for name, statement in statements.items():
            taken[name].append(_measure(statement))
    bounds = {"import orchestrator": IMPORT_CPU_S}
    rows = [row(name, [s for s, _ in all_], "s", bounds.get(name)) for name, all_ in taken.items()]
    heavy = [count for _, count in taken["import orchestrator"]]
    return [*rows, row("import orchestrator, heavy packages", heavy, "packages", 0)]


BENCH = Bench("imports", "CPU seconds of starting, against an empty interpreter", run, repeats=9)
