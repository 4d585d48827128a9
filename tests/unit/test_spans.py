"""Spans: a tree of what was done, whoever did it; nothing where nobody records."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_servers.contracts import ModelBusy
from model_servers.spans import (
    Span,
    error_code,
    is_recorded,
    leaf,
    note,
    recording,
    span,
    spanned,
)


def tree(found: Span) -> object:
    return [found.name, *map(tree, found.children)]


async def test_tasks_record_below_the_span_that_made_them() -> None:
    at_work = asyncio.Barrier(2)

    async def step(name: str) -> None:
        with span(name):
            await at_work.wait()
            with leaf(f"model of {name}"):
                note(seen=name)

    with recording("turn") as root:
        async with asyncio.TaskGroup() as group:
            group.create_task(step("a"))
            group.create_task(step("b"))
        with span("after"):
            pass
    assert tree(root) == ["turn", ["a", ["model of a"]], ["b", ["model of b"]], ["after"]]
    # A leaf is never open: what is noted inside is its parent's.
    assert [child.attributes for child in root.children] == [{"seen": "a"}, {"seen": "b"}, {}]


async def test_two_recordings_at_once_do_not_mix() -> None:
    both = asyncio.Barrier(2)

    @spanned("work")
    async def work(name: str) -> None:
        await both.wait()
        with span(name):
            await asyncio.sleep(0)

    async def record(name: str) -> Span:
        with recording(name) as root:
            await work(name)
        return root

    roots = await asyncio.gather(record("a"), record("b"))
    assert [tree(root) for root in roots] == [["a", ["work", ["a"]]], ["b", ["work", ["b"]]]]


def test_without_a_recording_a_span_is_thrown_away() -> None:
    with span("alone", size=1) as made:
        note(lost=True)
        with leaf("below"):
            pass
    assert made.attributes == {"size": 1}
    assert made.children == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelBusy("Busy, says alice@example.com."), "rate_limit_exceeded"),
        (asyncio.CancelledError(), "cancelled"),
        (TimeoutError(), "deadline_exceeded"),
        (ZeroDivisionError("4111"), "ZeroDivisionError"),
    ],
)
def test_an_error_is_a_code_and_goes_on(error: BaseException, code: str) -> None:
    with pytest.raises(type(error)), recording("turn") as root, span("step"):
        raise error
    assert (root.error, root.children[0].error) == (code, code)
    assert error_code(error) == code
    assert root.ended is not None


def test_an_error_that_was_dealt_with_is_noted_by_hand() -> None:
    with recording("turn") as root, span("step") as step:
        step.error = "tool_error"
    assert (root.error, root.children[0].error) == (None, "tool_error")


async def test_an_async_generator_that_is_left_early_ends_its_leaf() -> None:
    async def pieces() -> AsyncIterator[int]:
        with leaf("llm"):
            for number in range(3):
                yield number

    with recording("turn") as root:
        stream = pieces()
        assert await anext(stream) == 0
        note(consumer=True)
        await stream.aclose()  # type: ignore[attr-defined]
    assert root.attributes == {"consumer": True}
    (call,) = root.children
    assert (call.error, call.ended is not None) == ("cancelled", True)


async def test_what_outlives_the_work_that_began_it_is_no_part_of_it() -> None:
    go_on = asyncio.Event()

    async def late() -> bool:
        await go_on.wait()
        note(late=True)
        with span("late"):
            pass
        return is_recorded()

    with recording("turn") as root:
        assert is_recorded()
        task = asyncio.create_task(late())
    go_on.set()
    assert await task is False
    assert (root.attributes, root.children) == ({}, [])


def test_the_first_end_counts() -> None:
    with recording("turn") as root, leaf("llm") as call:
        call.end()
        ended = call.ended
    assert root.children[0].ended == ended
    assert call.error is None


def test_a_recording_is_bounded_and_counts_what_it_drops() -> None:
    with recording("task", max_spans=3) as root:
        for number in range(10):
            with span("row", number=number), span("step"):
                pass
    assert tree(root) == ["task", ["row", ["step"]]]
    assert root.tally is not None
    assert root.tally.dropped == 18


@settings(deadline=None)
@given(st.recursive(st.just([]), lambda below: st.lists(below, max_size=4), max_leaves=30))
def test_any_nesting_comes_out_as_it_was(shape: list[object]) -> None:
    def run(below: list[object]) -> None:
        for inner in below:
            with span("s"):
                run(inner)  # type: ignore[arg-type]

    def nested(found: Span) -> list[object]:
        assert found.ended is not None
        assert all(found.begun <= c.begun <= (c.ended or 0) <= found.ended for c in found.children)
        return [nested(child) for child in found.children]

    with recording("turn") as root:
        run(shape)
    assert nested(root) == shape
