"""Values of closed lists as a request says them, by what was learnt of each and by its words.

A label "tool.argument=value" or "tool.argument" holds how likely it is that a request says so.
"""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from model_servers.request_reader import Reading
from orchestrator.arguments import labels_in
from tools.contracts import Tool
from tools.language_names import find_languages

_LIKELY = 0.5
_NOT_UNLIKELY = 0.1
"""What the words say is believed down to here."""


def said_values(
    tool: Tool, args: dict[str, JsonValue], reading: Reading, words: str, instruction: str
) -> dict[str, JsonValue]:
    """The arguments that the words gave, with those values put right that were learnt.

    Args:
        args: as the words of the wish say them by the rules.
        words: of the wish.
        instruction: all of the request but the text that it is about.
    """
    said = dict(args)
    by_name: dict[str, dict[str, float]] = {}
    for label, score in reading.scores.items():
        owner, _, rest = label.partition(".")
        if owner == tool.name and rest:
            name, _, value = rest.partition("=")
            by_name.setdefault(name, {})[value] = score
    for name, scores in by_name.items():
        if name in tool.slots() or name not in tool.Args.model_fields:
            continue
        chosen = _value(name, scores, said.get(name), words, instruction)
        if chosen is None:
            said.pop(name, None)
        else:
            said[name] = chosen
    if said.get("labels") and "task" in said:
        del said["task"]
    return said


def _value(
    name: str, scores: dict[str, float], ruled: JsonValue, words: str, instruction: str
) -> JsonValue:
    if name == "labels":
        if scores[""] < _LIKELY:
            return None
        listed: list[JsonValue] = [*(labels_in(words) or labels_in(instruction) or ())]
        return listed or None
    if name == "language":
        if scores[""] < _LIKELY:
            return ruled if scores[""] >= _NOT_UNLIKELY else None
        found = find_languages(words) or find_languages(instruction)
        return ruled or (found[-1][2] if found else None)
    if "" in scores:
        return True if scores[""] >= _LIKELY else None
    if isinstance(ruled, list) or name == "types":
        rules: list[Any] = ruled if isinstance(ruled, list) else []
        kept = [v for v in scores if scores[v] >= _LIKELY]
        kept += [v for v in rules if v not in kept and scores.get(v, 1.0) >= _NOT_UNLIKELY]
        return list[JsonValue](kept) or None
    best = max(scores, key=lambda value: scores[value])
    if scores[best] >= _LIKELY:
        return best
    return ruled if scores.get(str(ruled), 1.0) >= _NOT_UNLIKELY else None
