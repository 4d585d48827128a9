"""Which tools there are. Built once at start, frozen after that."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import entry_points

from model_servers.contracts import SwitchboardError
from tools.contracts import NotFound, Tool

ENTRY_POINTS = "switchboard.tools"
"""Entry-point group by which a package outside adds a tool."""

BUILT_IN: tuple[str, ...] = (
    "tools.classify_text:ClassifyText",
    "tools.extract_entities:ExtractEntities",
    "tools.summarize_text:SummarizeText",
    "tools.translate_text:TranslateText",
    "tools.answer_question:AnswerQuestion",
    "tools.classify_image:ClassifyImage",
    "tools.detect_objects:DetectObjects",
    "tools.segment_image:SegmentImage",
    "tools.search_images:SearchImages",
    "tools.read_text:ReadText",
    "tools.describe_image:DescribeImage",
    "tools.analyze_video:AnalyzeVideo",
    "tools.transcribe_audio:TranscribeAudio",
    "tools.synthesize_speech:SynthesizeSpeech",
    "tools.recommend_items:RecommendItems",
)


class RegistryError(SwitchboardError):
    """A tool that can't be taken in: its name is taken, or its definition is incomplete."""

    code = "invalid_tool"


class Registry(Mapping[str, Tool]):
    """Tools by name, in the order they were given. Raises RegistryError for a bad definition."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools: dict[str, Tool] = {}
        for tool in tools:
            _check(tool)
            if tool.name in self._tools:
                raise RegistryError(
                    f"Two tools are called {tool.name!r}: {_origin(self._tools[tool.name])} "
                    f"and {_origin(tool)}; rename one."
                )
            self._tools[tool.name] = tool

    def __getitem__(self, name: str) -> Tool:
        try:
            return self._tools[name]
        except KeyError:
            raise NotFound(f"There is no tool {name!r}; {self.suggest(name)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def offered(self) -> tuple[Tool, ...]:
        """The tools that say what they do: the agent chooses among these."""
        return tuple(tool for tool in self._tools.values() if tool.description.strip())

    def suggest(self, name: str) -> str:
        """A hint for a name that is not there."""
        close = difflib.get_close_matches(name, self._tools, n=1)
        return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(self._tools)}."


def load_registry() -> Registry:
    """The built-in tools, then those that installed packages add by entry point."""
    built_in = [_load(target) for target in BUILT_IN]
    plugged = [point.load()() for point in entry_points(group=ENTRY_POINTS)]
    return Registry([*built_in, *plugged])


def _load(target: str) -> Tool:
    module, _, name = target.partition(":")
    tool = getattr(import_module(module), name)()
    assert isinstance(tool, Tool)
    return tool


def _origin(tool: Tool) -> str:
    return f"{type(tool).__module__}.{type(tool).__qualname__}"


def _check(tool: Tool) -> None:
    missing = [
        name
        for name in ("name", "description", "examples", "Args", "Result", "outputs")
        if not getattr(tool, name, None)
        # An empty description keeps a tool to those who call it by name.
        and not (name == "description" and isinstance(getattr(tool, name, None), str))
    ]
    if missing:
        raise RegistryError(f"{_origin(tool)} has no {', '.join(missing)}.")
    unknown = [port for port in tool.outputs if port not in tool.Result.model_fields]
    if unknown:
        raise RegistryError(f"{tool.name}: {', '.join(unknown)} is in outputs but not in Result.")
