from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan import Plan, PlanError, Ref, Step
from tools.contracts import Kind

from .small_tools import registry

TOOLS = registry()
INPUTS: dict[str, Kind] = {"text": "text", "photo.png": "image"}


def step(id_: str, text: object, tool: str = "summarize_text") -> Step:
    return Step.model_validate({"id": id_, "tool": tool, "args": {"text": text}})


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([step("s1", "input:text", "sumarize_text")], "did you mean 'summarize_text'"),
        ([step("s1", "s2")], "no step is called that"),
        ([step("s1", "input:nothing")], "which is not there"),
        ([step("s1", "s2"), step("s2", "s1")], "wait for each other"),
        ([step("s1", "s1")], "wait for each other"),
        ([step("s1", "input:text"), step("s1", "input:text")], "Two steps"),
        ([step("first", "input:text")], "Step ids are"),
        ([step("s1", "input:photo.png")], "is image"),
        ([step("s1", "input:text"), step("s2", "s1.words")], "has no output"),
        ([Step(id="s1", tool="summarize_text", args={})], "Field required"),
        ([Step(id="s1", tool="translate_text", args={"text": "a", "target_language": "x1"})],
         "target_language"),
        ([Step(id="s1", tool="summarize_text", args={"text": "a", "colour": "red"})], "colour"),
    ],
)  # fmt: skip
def test_a_plan_that_can_not_run_is_refused(steps: list[Step], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        Plan(steps=tuple(steps)).check(TOOLS, INPUTS)


@given(st.permutations(range(1, 7)), st.data())
def test_steps_are_put_after_what_they_need(order: list[int], data: st.DataObject) -> None:
    steps = []
    for place, number in enumerate(order):
        earlier = [f"s{n}" for n in order[:place]]
        refs = data.draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        steps.append(step(f"s{number}", refs or "input:text"))
    shuffled = data.draw(st.permutations(steps))
    checked = Plan(steps=tuple(shuffled)).check(TOOLS, INPUTS)
    seen: set[str] = set()
    needs = checked.needs(TOOLS)
    for placed in checked.steps:
        assert needs[placed.id] <= seen
        seen.add(placed.id)
    assert len(seen) == 6


@given(st.text(max_size=20))
def test_text_that_is_no_reference_stays_text(text: str) -> None:
    ref = Ref.parse(text)
    assert ref is None or text.startswith(("input:", "s"))
