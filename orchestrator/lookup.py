"""Questions that are put to the documents: what looks like one, and the plan that asks it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.plan import Plan, Step

if TYPE_CHECKING:
    from tools.contracts import RunContext, Tool

MAX_QUESTION_CHARS = 500
"""What is longer is rather a text than a question."""
TOLD_OF = 0.2
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


def asked_alone(planned: Plan, words: str, tool: Tool) -> Plan:
    """The plan of what leans on a question or a wish that was put to `tool`, where the two together
    look like something else, too: that alone was asked."""
    steps = tuple(step for step in planned.steps if step.tool == tool.name)
    if not steps or len(planned.steps) == 1:
        return planned
    alone = looked_up(words, tool)
    return alone if alone.steps else Plan(steps=steps[:1])


async def told_of(request: str, language: str, run: RunContext) -> float | None:
    """How clearly the documents speak of what looks like small talk; None where they do not.

    "Explain how a mattress is returned" asks for no tool, and is not for the chat model to make up.
    """
    greets = len(request.split()) < _FEW_WORDS and len(request) < _FEW_CHARS
    if greets or len(request) > MAX_QUESTION_CHARS:
        return None
    found = await run.knowledge.search(request, limit=1, language=language, deadline=run.deadline)
    return round(found[0].score, 4) if found and found[0].score >= TOLD_OF else None
