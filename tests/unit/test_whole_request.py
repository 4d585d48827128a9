"""A tool that reads the wish itself gets all of it, whoever planned the step."""

from __future__ import annotations

from typing import Any

from orchestrator.arguments import read_arguments
from orchestrator.plan import Plan, Step, missing_media
from orchestrator.whole_request import with_request
from tools.registry import load_registry

TOOLS = load_registry()
REQUEST = "Three gifts for a runner. Nothing with wool."


def planned(*steps: tuple[str, dict[str, Any]]) -> Plan:
    return Plan(
        steps=tuple(
            Step(id=f"s{n}", tool=tool, args=args) for n, (tool, args) in enumerate(steps, start=1)
        )
    )


def test_the_whole_request_is_read_and_nothing_that_was_made_up() -> None:
    plan = planned(
        ("recommend_items", {"request": "gifts", "taste": "Runner", "user": "7", "k": 9})
    )
    (step,) = with_request(plan, REQUEST, {}, TOOLS).steps
    assert step.args == {"request": REQUEST, "taste": "Runner"}


def test_the_answer_before_and_a_picture_come_along() -> None:
    plan = planned(("recommend_items", {"image": "input:a.jpg"}))
    kinds: dict[str, Any] = {"a.jpg": "image", "previous": "text"}
    (step,) = with_request(plan, "like this", kinds, TOOLS).steps
    assert step.args == {
        "request": "like this", "image": "input:a.jpg", "shown": "input:previous"
    }  # fmt: skip
    assert Plan(steps=(step,)).check(TOOLS, kinds)


def test_steps_that_share_a_request_keep_their_part_of_it() -> None:
    plan = planned(
        ("summarize_text", {"text": "input:text"}),
        ("recommend_items", {"request": "gifts for a runner", "k": 3}),
    )
    first, second = with_request(plan, REQUEST, {"text": "text"}, TOOLS).steps
    assert first.args == {"text": "input:text"}
    assert second.args == {"request": "gifts for a runner", "k": 3}


def test_words_are_enough_for_it() -> None:
    tool = TOOLS["recommend_items"]
    assert missing_media(tool, []) is None
    assert missing_media(TOOLS["read_text"], []) == "image"
    assert read_arguments(tool, " gifts ").args == {"request": "gifts"}
