"""A run's folder as `eval run` leaves it, made up: three classes, two domains, some errors."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

HOSTILE = '</pre></style><script>alert(1)</script><img src=x onerror="alert(2)">{{7*7}} @everyone'
LABELS = ("negative", "neutral", "positive")


def made_run(folder: Path, count: int = 300, seed: int = 0, skill: float = 0.7) -> Path:
    """Write a run of `count` samples, of which about `skill` are right."""
    chance = random.Random(seed)
    lines = [_line(number, chance, skill) for number in range(count)]
    folder.mkdir(parents=True)
    put(folder, "config.json", {"task": "made_up", "solver": "ours", "seed": 13, "limit": None})
    put(folder, "environment.json", {"python": "3.11.14", "cpus": 2, "commit": "78e01d2"})
    put(
        folder,
        "dataset.json",
        {
            "name": "reviews",
            "version": "3f1c09ab77de",
            "bad_rows": [{"file": "movie.csv", "line": 17, "reason": "2 fields, 3 expected"}],
            "unmatchable": [{"id": "s9", "reason": "no label is called 'mixed'"}],
        },
    )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (folder / "samples.jsonl").write_text(text, encoding="utf-8")
    put(folder, "metrics.json", _metrics(lines))
    return folder


def hostile_run(folder: Path) -> Path:
    """A run in which all that comes from data or a model is hostile."""
    made_run(folder, 40)
    lines = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        sample, prediction = line["sample"], line["prediction"]
        sample |= {"id": f"{HOSTILE}{number}", "gold": HOSTILE}
        sample["inputs"], sample["groups"] = {HOSTILE: HOSTILE}, {HOSTILE: HOSTILE}
        prediction |= {"trace_id": HOSTILE, "value": {"label": HOSTILE + "!", "score": 0.5}}
        prediction |= {"details": {HOSTILE: [HOSTILE]}, "error": HOSTILE if number < 3 else None}
        line["trace"] = {HOSTILE: HOSTILE}
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["confusion"]["labels"] = [f"{HOSTILE}{number}" for number in range(3)]
    metrics["all"] |= {f"f1/{HOSTILE}": figure(0.5), HOSTILE: figure(0.5)}
    metrics["groups"] = {HOSTILE: {HOSTILE: {HOSTILE: figure(0.5)}}}
    put(folder, "metrics.json", metrics)
    for name in ("config.json", "environment.json"):
        values = json.loads((folder / name).read_text())
        put(folder, name, _spoil(values, HOSTILE) | dict.fromkeys(values, HOSTILE))
    dataset = {"name": HOSTILE, "version": HOSTILE}
    dataset["bad_rows"] = [{"file": HOSTILE, "line": 1, "reason": HOSTILE}]
    put(folder, "dataset.json", dataset | {"unmatchable": [{"id": HOSTILE, "reason": HOSTILE}]})
    return folder


def put(folder: Path, name: str, value: Any) -> None:
    """Write one of the run's JSON files."""
    (folder / name).write_text(json.dumps(value), encoding="utf-8")


def figure(value: float, half: float = 0.04) -> dict[str, float]:
    return {"value": value, "low": max(0.0, value - half), "high": min(1.0, value + half)}


def _line(number: int, chance: random.Random, skill: float) -> dict[str, Any]:
    gold = chance.choice(LABELS)
    right = chance.random() < skill
    label = gold if right else chance.choice([other for other in LABELS if other != gold])
    sure = min(0.99, max(0.34, chance.gauss(0.78 if right else 0.62, 0.15)))
    failed = chance.random() < 0.03
    prediction = {
        "value": None if failed else {"label": label, "score": round(sure, 3)},
        "error": "model_unavailable: The model server went away." if failed else None,
        "seconds": round(chance.lognormvariate(-4.2, 0.6), 5),
        "prompt_tokens": chance.randrange(200, 900) if number % 5 == 0 else 0,
        "llm_calls": int(number % 5 == 0),
        "trace_id": f"{number:032x}",
        "details": {"answer": f"It reads as {label}.", "route": "classify_text"},
    }
    sample = {
        "id": f"s{number}",
        "inputs": {"text": f"Review {number}: the second act drags, and yet I would see it again."},
        "gold": gold,
        "groups": {"domain": chance.choice(["movie", "editorial"])},
    }
    return {"sample": sample, "prediction": prediction, "trace": None}


def _metrics(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Near what the metrics would give; a report shows them as they are."""
    counts = {gold: dict.fromkeys(LABELS, 0) for gold in LABELS}
    for line in lines:
        if line["prediction"]["value"]:
            counts[line["sample"]["gold"]][line["prediction"]["value"]["label"]] += 1
    right = sum(counts[label][label] for label in LABELS) / max(len(lines), 1)
    overall = {
        "macro_f1": figure(right),
        "accuracy": figure(right + 0.01),
        "ece": figure(0.06, 0.02),
    }
    for offset, label in enumerate(LABELS):
        for name in ("precision", "recall", "f1"):
            overall[f"{name}/{label}"] = figure(right - 0.02 + 0.02 * offset, 0.06)
    return {
        "headline": "macro_f1",
        "lower_is_better": ["ece"],
        "all": overall,
        "groups": {
            "domain": {
                domain: {"macro_f1": figure(right + by), "accuracy": figure(right + by)}
                for domain, by in (("movie", 0.03), ("editorial", -0.05))
            }
        },
        "cost": {
            "seconds_median": {"value": 0.015, "low": 0.014, "high": 0.017},
            "seconds_p95": {"value": 0.041, "low": 0.036, "high": 0.052},
            "tokens_per_sample": {"value": 110.0, "low": 92.0, "high": 131.0},
            "no_llm_share": figure(0.8),
        },
        "confusion": {
            "labels": list(LABELS),
            "counts": [list(row.values()) for row in counts.values()],
        },
    }


def _spoil(value: Any, text: str) -> Any:
    """The same JSON with every text and key replaced by, or led by, hostile text."""
    if isinstance(value, str):
        return text
    if isinstance(value, list):
        return [_spoil(item, text) for item in value]
    if isinstance(value, dict):
        return {f"{text}{key}": _spoil(item, text) for key, item in value.items()}
    return value
