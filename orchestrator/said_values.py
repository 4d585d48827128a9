"""Arguments as a request says them, by what was learnt of each and by its words.

A label "tool.argument=value" or "tool.argument" holds how likely it is that a request says so; a
tag, which of its words say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from model_servers.request_reader import Reading
from orchestrator.arguments import labels_in, target_languages
from tools.contracts import Tool
from tools.language_names import find_languages

ASKED = ("question", "request")
"""Arguments that are the request's own words."""
_LISTS = ("types",)
"""Arguments that take several values at once."""
_COME_FROM = ("source_language", "spoken_language")
_LANGUAGES = ("language", *_COME_FROM)
_LIKELY = 0.5
_NOT_UNLIKELY = 0.1
"""What the words say is believed down to here."""
_PERHAPS_TARGET = 0.2
_LONGEST_ASKED, _LONGEST_ITEM = 600, 80
"""Characters; what is longer is a text rather, and no question or label."""
_AROUND = " \n\t,;:、，。.\"'“”„«»‘’「」『』()（）"


@dataclass(frozen=True, slots=True)
class Said:
    """What a request says of one tool.

    Attributes:
        reading: of the request.
        request: what was read.
        words: the part of it that wants the tool.
        instruction: all of it but the text that it is about.
    """

    reading: Reading
    request: str
    words: str
    instruction: str

    def values(self, tool: Tool, args: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The arguments that the words gave by the rules, with those put right that were learnt."""
        said = dict(args)
        by_name: dict[str, dict[str, float]] = {}
        for label, score in self.reading.scores.items():
            owner, _, rest = label.partition(".")
            if owner == tool.name and rest:
                name, _, value = rest.partition("=")
                by_name.setdefault(name, {})[value] = score
        for name in ASKED:
            if f"{tool.name}.{name}" in self.reading.tags:
                by_name.setdefault(name, {"": 1.0})
        for name, scores in by_name.items():
            if name in tool.slots() or name not in tool.Args.model_fields:
                continue
            chosen = self._value(tool, name, scores, said.get(name))
            if chosen is None:
                said.pop(name, None)
            else:
                said[name] = chosen
        if said.get("labels") and "task" in said:
            del said["task"]
        return said

    def several(self, tool: Tool) -> tuple[str, list[str]] | None:
        """An argument of which several values are wanted, such as the mood and the topic."""
        if self.reading.scores.get(f"{tool.name}.labels", 0.0) >= _LIKELY:
            return None
        found: dict[str, list[str]] = {}
        for label, score in self.reading.scores.items():
            owner, _, rest = label.partition(".")
            name, is_value, value = rest.partition("=")
            if owner == tool.name and is_value and name not in _LISTS and score >= _LIKELY:
                found.setdefault(name, []).append(value)
        return next(((name, values) for name, values in found.items() if len(values) > 1), None)

    def targets(self, likely: str | None = None, own: str = "") -> list[str]:
        """The languages that something is to be translated into.

        Args:
            likely: into which, where none is clearly named.
            own: the request's, which is meant where the only one that is named is that of the text.
        """
        unnamed = [likely] if likely else []
        if "target_language" not in self.reading.tags:
            ruled = target_languages(self.words)[0] or target_languages(self.instruction)[0]
            return ruled or unnamed
        tagged = self._languages("target_language")
        if not tagged:  # none that was read
            return target_languages(self.instruction)[0] or unnamed
        sure = [code for code, score in tagged.items() if score >= _LIKELY]
        if sure:
            return sure
        best = max(tagged, key=lambda code: tagged[code])
        come_from = max(self._languages(tag).get(best, 0.0) for tag in _COME_FROM)
        if tagged[best] >= max(_PERHAPS_TARGET, come_from):
            return [best]
        if unnamed or tagged[best] >= come_from or best == own:
            return unnamed or [best]
        return [own] if own else [best]

    def _value(
        self, tool: Tool, name: str, scores: dict[str, float], ruled: JsonValue
    ) -> JsonValue:
        tag = f"{tool.name}.{name}"
        said = scores.get("", 0.0)
        if name in ASKED:
            part = self._part(tag)
            return (
                (part if part and len(part) <= _LONGEST_ASKED else ruled)
                if said >= _LIKELY
                else None
            )
        if name in ("labels", "hints"):
            return self._listed(tag) or ruled if said >= _LIKELY else None
        if name in _LANGUAGES:
            return self._language(name, said, ruled)
        if isinstance(ruled, list) or name in _LISTS:
            rules: list[Any] = ruled if isinstance(ruled, list) else []
            kept = [v for v in scores if scores[v] >= _LIKELY]
            kept += [v for v in rules if v not in kept and scores.get(v, 1.0) >= _NOT_UNLIKELY]
            return list[JsonValue](kept) or None
        if "" in scores:
            if tool.Args.model_fields[name].annotation in (bool, bool | None):
                return True if said >= _LIKELY else None
            return ruled if said >= _NOT_UNLIKELY else None
        best = max(scores, key=lambda value: scores[value])
        if scores[best] >= _LIKELY:
            return best
        return ruled if scores.get(str(ruled), 1.0) >= _NOT_UNLIKELY else None

    def _part(self, tag: str) -> str | None:
        """The words that are most likely meant, in whole."""
        if tag not in self.reading.tags or (part := self.reading.longest(tag)) is None:
            return None
        return self._words(*part) or None

    def _listed(self, tag: str) -> list[JsonValue] | None:
        """Items of a list, each as it is said."""
        parts = self.reading.all_of(tag) if tag in self.reading.tags else []
        items = [self._words(*part).strip(_AROUND) for part in parts]
        items = [item for item in dict.fromkeys(items) if 0 < len(item) <= _LONGEST_ITEM]
        if tag.endswith(".labels") and len(items) < 2:
            items = labels_in(self.words) or labels_in(self.instruction) or []
        return [*items] or None

    def _words(self, begin: int, end: int) -> str:
        """A part of the request, up to where its first and its last word end."""
        text = self.request
        while begin > 0 and _one_word(text[begin - 1 : begin + 1]):
            begin -= 1
        while end < len(text) and _one_word(text[end - 1 : end + 1]):
            end += 1
        return text[begin:end].strip()

    def _language(self, name: str, said: float, ruled: JsonValue) -> JsonValue:
        tagged = self._languages(name)
        if name in _COME_FROM and tagged:
            said = max(said, *tagged.values())
        if said < _LIKELY:
            return ruled if said >= _NOT_UNLIKELY else None
        if tagged:
            best = max(tagged, key=lambda code: tagged[code])
            if tagged[best] >= _PERHAPS_TARGET:
                return best
        if ruled or name != "language":
            return ruled
        found = find_languages(self.words) or find_languages(self.instruction)
        return found[-1][2] if found else None

    def _languages(self, tag: str) -> dict[str, float]:
        """The languages that are named in what was read, and how likely the tag means each."""
        found: dict[str, float] = {}
        if tag in self.reading.tags:
            read = [(begin, end) for begin, end in self.reading.spans if end > begin]
            for begin, end, code in find_languages(self.request):
                if not any(b < end and begin < e for b, e in read):
                    continue
                found[code] = max(found.get(code, 0.0), self.reading.tagged(tag, begin, end))
        return found


def _one_word(two: str) -> bool:
    """Whether two neighbouring letters belong to one word that is set off by spaces."""
    return len(two) == 2 and two.isalnum() and all(ord(letter) < 0x2E80 for letter in two)
