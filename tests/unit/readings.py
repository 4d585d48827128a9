"""Readings as the trained network gives them, with what they say scripted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np

from model_servers.request_reader import Reading
from orchestrator.arguments import target_languages
from orchestrator.signs import REASONS
from orchestrator.wanted import NOTHING
from tools.language_names import find_languages
from tools.registry import load_registry

REGISTRY = load_registry()


def reading(
    request: str,
    said: Mapping[str, str],
    scores: Mapping[str, float] | None = None,
    combinations: Iterable[Iterable[str]] = (),
) -> Reading:
    """A reading whose tokens are the request's words.

    Args:
        said: what is wanted, with the words of the request that say so; each has 0.95.
        scores: of labels that no words stand for, or are less sure.
        combinations: what may come together besides what is said, and each tool by itself.
    """
    words = [match.span() for match in re.finditer(r"\w+|[^\w\s]", request)]
    spans = np.array(words, dtype=np.int64)
    given = {**dict.fromkeys(said, 0.95), **(scores or {})}
    base = (*REGISTRY, *REASONS, *NOTHING, "reads_text", "reads_file")
    labels = dict.fromkeys([*base, *given], 0.02) | given
    places = {}
    for label in labels:
        cue = said.get(label, "")
        begin = request.find(cue) if cue else -1
        inside = np.array(
            [begin >= 0 and begin <= b and e <= begin + len(cue) for b, e in words],
            dtype=np.float32,
        )
        weights = inside if inside.any() else np.ones(len(words), dtype=np.float32)
        places[label] = weights / weights.sum()
    together = [frozenset(said), *map(frozenset, combinations)]
    together += [frozenset({name}) for name in (*REGISTRY, *NOTHING)]
    targets, _ = target_languages(request)
    meant = [(b, e) for b, e, code in find_languages(request) if code in targets]
    target = [float(any(b >= begin and e <= end for begin, end in meant)) for b, e in words]
    tags = {"target_language": np.array(target)}
    return Reading(labels, spans, places, [each for each in together if each], tags)
