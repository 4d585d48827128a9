"""Questions that are put to the documents: what looks like one, and the plan that asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan import Plan, Step

if TYPE_CHECKING:
    from tools.contracts import RunContext, Tool
    from tools.registry import Registry

MAX_QUESTION_CHARS = 500
"""What is longer is rather a text than a question."""
TOLD_OF = 0.3
"""Score of a passage that speaks of what was said: of 60 messages of small talk in twelve languages
none has more than 0.07 in the sample handbook, of what it tells most have more than this."""
_FEW_WORDS, _FEW_CHARS = 5, 30
"""What has fewer is a greeting or the like."""


def looked_up(question: str, tool: Tool) -> Plan:
    """The plan that puts a question to a tool that takes nothing else; no steps for other tools.

    A model that plans nothing for a question would answer it from what it remembers, or make it up.
    """
    needed = {name for name, field in tool.Args.model_fields.items() if field.is_required()}
    if needed != {"question"} or len(question) > MAX_QUESTION_CHARS:
        return Plan()
    return Plan(steps=(Step(id="s1", tool=tool.name, args={"question": question}),))


def answer_alone(planned: Plan, question: str, registry: Registry) -> Plan:
    """The plan of a question that leans on another, where the two together look like a wish, too:
    the question alone is what was asked."""
    asked = [s.tool for s in planned.steps if "question" in registry[s.tool].Args.model_fields]
    if not asked or len(planned.steps) == 1:
        return planned
    alone = looked_up(question, registry[asked[0]])
    return alone if alone.steps else planned


async def told_of(request: str, language: str, run: RunContext) -> float | None:
    """How clearly the documents speak of what looks like small talk; None where they do not.

    "Explain how a mattress is returned" asks for no tool, and is not for the chat model to make up.
    """
    greets = len(request.split()) < _FEW_WORDS and len(request) < _FEW_CHARS
    if greets or len(request) > MAX_QUESTION_CHARS:
        return None
    found = await run.knowledge.search(request, limit=1, language=language, deadline=run.deadline)
    return round(found[0].score, 4) if found and found[0].score >= TOLD_OF else None
