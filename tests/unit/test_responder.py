from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.plan import Plan
from orchestrator.responder import AnswerWriter, chat_prompt, citations
from orchestrator.turn import ErrorReport, Message, StepReport

from .small_tools import registry

TOOLS = registry()


def plan(*tools: str) -> Plan:
    return Plan.model_validate(
        {"steps": [{"id": f"s{n}", "tool": tool} for n, tool in enumerate(tools, start=1)]}
    )


def ok(id_: str, tool: str, **result: Any) -> StepReport:
    return StepReport(id=id_, tool=tool, status="ok", result=result)


@given(st.lists(st.text("ab c", max_size=4), max_size=6))
def test_the_pieces_joined_are_the_answer(pieces: list[str]) -> None:
    sent: list[str] = []
    writer = AnswerWriter(plan("summarize_text"), TOOLS, "en", sent.append)
    for piece in pieces:
        writer.write("s1", piece)
    text = "".join(pieces)
    answer = writer.finish([ok("s1", "summarize_text", text=text)])
    assert "".join(sent) == answer == text


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_sections_come_in_the_plans_order(order: tuple[int, ...]) -> None:
    sent: list[str] = []
    made = plan("summarize_text", "translate_text", "summarize_text")
    writer = AnswerWriter(made, TOOLS, "en", sent.append)
    reports = [
        ok(step.id, step.tool, text=f"text {n}") for n, step in enumerate(made.steps, start=1)
    ]
    for number in order:
        writer.write(f"s{number + 1}", f"text {number + 1}")
        writer.finished(reports[number])
    answer = writer.finish(reports)
    assert "".join(sent) == answer
    assert answer.index("text 1") < answer.index("text 2") < answer.index("text 3")


def test_a_failure_is_said() -> None:
    failed = StepReport(
        id="s1",
        tool="summarize_text",
        status="failed",
        error=ErrorReport(code="x", message="It is too long."),
    )
    answer = AnswerWriter(plan("summarize_text"), TOOLS, "en", lambda _: None).finish([failed])
    assert answer == "This did not work: It is too long."


def test_citations_are_numbered_through() -> None:
    cited = {"number": 1, "document": "a.md", "heading": ["A", "B"], "chunk_id": "c", "text": "t"}
    reports = [
        ok(id_, "answer_question", answer="30 days [1]", citations=[cited]) for id_ in ("s1", "s2")
    ]
    made = plan("answer_question", "answer_question")
    answer = AnswerWriter(made, TOOLS, "en", lambda _: None).finish(reports)
    assert "[1]" in answer
    assert "[2]" in answer
    assert [citation.number for citation in citations(reports)] == [1, 2]
    assert citations(reports)[0].heading == "A › B"


def test_chat_remembers_a_bounded_part_of_the_conversation() -> None:
    history = [Message(role="user", content="x" * 1500) for _ in range(10)]
    messages = chat_prompt("hello", history, TOOLS, "en")
    assert messages[0].role == "system"
    assert messages[-1].content == "hello"
    assert 2 <= len(messages) <= 5
