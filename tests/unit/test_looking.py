"""Which plans look at a picture first."""

from __future__ import annotations

import pytest

from orchestrator.looking import with_look
from orchestrator.plan import Plan, Step
from tools.contracts import Kind
from tools.registry import load_registry

TOOLS = load_registry()
PICTURE: dict[str, Kind] = {"photo.jpg": "image"}


def asked(question: str, **args: str) -> Plan:
    return Plan(steps=(Step(id="s1", tool="answer_question", args={"question": question, **args}),))


@pytest.mark.parametrize(
    "question",
    ["Can I send this back?", "¿Puedo devolver esto?", "Kann ich das zurückgeben?", "这个能退吗？"],
)
def test_the_picture_that_a_question_points_at_is_looked_at(question: str) -> None:
    plan = with_look(asked(question), PICTURE, TOOLS).check(TOOLS, PICTURE)
    assert [step.tool for step in plan.steps] == ["describe_image", "answer_question"]
    assert plan.steps[0].args == {"image": "input:photo.jpg"}
    assert plan.steps[1].args == {"question": question, "subject": "s1.subject"}


@pytest.mark.parametrize(
    ("plan", "kinds"),
    [
        (asked("How long does delivery take?"), PICTURE),
        (asked("Can I send this back?"), {}),
        (asked("Can I send this back?"), {**PICTURE, "other.jpg": "image"}),
        (asked("Who signed it?", document="input:lease.pdf"), {**PICTURE, "lease.pdf": "document"}),
        (
            Plan(steps=(Step(id="s1", tool="read_text", args={"image": "input:photo.jpg"}),)),
            PICTURE,
        ),
        (Plan(), PICTURE),
    ],
    ids=[
        "points at nothing",
        "no picture",
        "two pictures",
        "a document",
        "another tool",
        "no step",
    ],
)
def test_other_plans_stay_as_they_are(plan: Plan, kinds: dict[str, Kind]) -> None:
    assert with_look(plan, kinds, TOOLS) == plan
