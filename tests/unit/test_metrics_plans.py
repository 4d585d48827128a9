"""Plans: tools, edges, arguments, chat and handing over."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.metrics import (
    HANDOFF,
    AdditiveMetric,
    MetricError,
    PlanMatch,
    PlanTools,
    SingleTool,
)


def plan(*tools: str, chained: bool = False, **rest: Any) -> Any:
    """A plan of tools side by side, or one after the other."""
    steps = [
        {"id": f"s{i}", "tool": tool, "after": [f"s{i - 1}"] if chained and i > 1 else []}
        for i, tool in enumerate(tools, start=1)
    ]
    return {"steps": steps, **rest}


def step(tool: str, **args: Any) -> Any:
    return {"steps": [{"id": "s1", "tool": tool, "args": args, "after": []}]}


def judge(gold: Any, prediction: Any) -> dict[str, float]:
    return PlanMatch()([gold], [prediction])


def test_nodes_are_multisets_counted_over_all_plans() -> None:
    golds = [plan("a", "a", "b"), plan("c")]
    figures = PlanMatch()(golds, [plan("a", "b", "x"), plan("c")])
    assert figures["node_precision"] == 0.75
    assert figures["node_recall"] == 0.75
    assert figures["node_f1"] == 0.75
    assert figures["exact_plan"] == 0.5


def test_edges_join_tools_whatever_the_ids() -> None:
    gold = plan("a", "b", "c", chained=True)
    renamed: Any = {
        "steps": [
            {"id": "x", "tool": "a"},
            {"id": "y", "tool": "b", "after": ["x"]},
            {"id": "z", "tool": "c", "after": ["x"]},
        ]
    }
    figures = judge(gold, renamed)
    assert figures["node_f1"] == 1.0
    assert figures["edge_f1"] == 0.5
    assert figures["exact_plan"] == 0.0


def test_an_alternative_is_as_right_as_the_gold() -> None:
    gold = plan("a", alternatives=[["b", "c"]])
    figures = judge(gold, plan("b", "c", chained=True))
    assert figures["node_f1"] == figures["edge_f1"] == figures["exact_plan"] == 1.0
    assert judge(gold, plan("b", "c"))["exact_plan"] == 0.0


def test_an_alternative_in_another_order_is_found_by_its_edges() -> None:
    gold = plan("a", "b", chained=True, alternatives=[["b", "a"]])
    assert judge(gold, plan("b", "a", chained=True))["edge_f1"] == 1.0


def test_an_alternative_states_no_arguments() -> None:
    gold = step("a", n=1) | {"alternatives": [["b"]]}
    assert "arg_f1" not in judge(gold, step("b", n=2))


def test_arguments_are_compared_by_value() -> None:
    gold = step("translate", target="de", n=2, options={"x": ["A"]})
    assert judge(gold, step("translate", target=" DE", n=2.0, options={"x": ["a"]})) == (
        judge(gold, gold) | {"no_llm_share": 0.0}
    )
    # One of three is right, and one is made up.
    figures = judge(gold, step("translate", target="de", n=True, more=1))
    assert figures["arg_f1"] == pytest.approx(2 / 6)
    # The right value for the wrong tool is wrong.
    assert judge(gold, step("summarise", target="de"))["arg_f1"] == 0.0


def test_a_text_counts_by_its_words_and_a_list_by_its_items() -> None:
    gold = step("answer", question="what does it cost?", types=["date", "place"])
    given = step("answer", question="Hello, what does it cost", types=["place"])
    assert judge(gold, given)["arg_f1"] == pytest.approx((8 / 9 + 2 / 3) / 2)
    # Files and results are the same or not, however alike their names are.
    assert judge(step("a", text="input:a.pdf"), step("a", text="input:b.pdf"))["arg_f1"] == 0.0
    assert judge(step("a", mark="+"), step("a", mark="-"))["arg_f1"] == 0.0


def test_in_chinese_a_text_counts_by_its_characters() -> None:
    gold, given = step("answer", question="可以退货吗"), step("answer", question="请问可以退货吗")
    assert judge(gold, given)["arg_f1"] == pytest.approx(10 / 12)


def test_each_argument_is_matched_once_by_the_likest() -> None:
    def two(first: str, second: str) -> Any:
        ids = enumerate((first, second), start=1)
        return {"steps": [{"id": f"s{i}", "tool": "a", "args": {"q": text}} for i, text in ids]}

    given = two("red green", "red blue")
    assert judge(two("red blue", "red"), given)["arg_f1"] == pytest.approx((1 + 2 / 3) / 2)


def test_a_tool_has_a_figure_of_its_own() -> None:
    golds = [plan("a", "b"), plan("a"), plan("c", alternatives=[["b"]])]
    figures = PlanTools()(golds, [plan("a", "b"), plan("x"), plan("b")])
    assert figures == {
        "node_f1/a": pytest.approx(2 / 3),
        "node_f1/b": 1.0,
        # What is served by an alternative is judged by it, and nobody planned c.
    }


def test_a_reference_stands_for_its_tool() -> None:
    def chain(first: str, second: str) -> Any:
        return {
            "steps": [
                {"id": first, "tool": "a", "args": {"text": "input:text"}},
                {"id": second, "tool": "b", "args": {"text": f"{first}.text"}, "after": [first]},
            ]
        }

    assert judge(chain("s1", "s2"), chain("one", "two"))["arg_f1"] == 1.0


def test_chat_is_an_abstention_and_an_error_is_none() -> None:
    golds = [plan(), plan(), plan(), plan("a"), plan("a")]
    figures = PlanMatch()(golds, [plan(), plan("a"), None, plan(), plan("a")])
    # Right once; abstained twice, and three golds want it.
    assert figures["abstention_f1"] == pytest.approx(2 / 5)
    assert figures["exact_plan"] == pytest.approx(2 / 5)


def test_an_empty_alternative_allows_chat() -> None:
    gold = plan("a", alternatives=[[]])
    assert judge(gold, plan())["exact_plan"] == 1.0
    assert judge(gold, plan())["abstention_f1"] == 1.0
    # Nobody abstained where the plan is right too.
    assert "abstention_f1" not in judge(gold, plan("a"))


@pytest.mark.parametrize("gold", [plan(HANDOFF), plan(path=HANDOFF)])
def test_handing_over_is_a_step(gold: Any) -> None:
    predictions = [plan(path=HANDOFF), plan(HANDOFF), plan(path="chat"), None]
    figures = PlanMatch()([gold] * 4, predictions)
    assert figures["handoff_recall"] == 0.5
    assert figures["exact_plan"] == 0.5
    assert figures["abstention_f1"] == 0.0


def test_the_share_without_the_chat_model() -> None:
    predictions = [
        plan(path="router"),
        plan(path="planner"),
        plan(path="planner", llm_calls=0),
        plan(path="router", llm_calls=2),
        plan(),
    ]
    assert PlanMatch()([plan()] * 5, predictions)["no_llm_share"] == pytest.approx(0.4)


def test_a_made_up_edge_is_a_wrong_edge() -> None:
    made_up: Any = {"steps": [{"id": "s1", "tool": "a", "after": ["s9"]}]}
    figures = judge(plan("a"), made_up)
    assert (figures["node_f1"], figures["edge_f1"], figures["exact_plan"]) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ({"steps": [{"id": "s1", "tool": "a", "after": ["s2"]}]}, "is no step"),
        ({"steps": [{"id": "s1", "tool": "a"}, {"id": "s1", "tool": "b"}]}, "one id"),
        ("a", "is an object"),
    ],
)
def test_a_gold_that_no_plan_can_match_is_said(gold: Any, said: str) -> None:
    with pytest.raises(MetricError, match=said):
        judge(gold, plan("a"))


TOOLS = st.lists(st.sampled_from("abc"), max_size=4)


@given(st.lists(st.tuples(TOOLS, st.lists(TOOLS, max_size=2), TOOLS), min_size=1, max_size=8))
def test_plan_figures_are_shares_and_alternatives_never_hurt(
    rows: list[tuple[list[str], list[list[str]], list[str]]],
) -> None:
    bare = [plan(*gold, chained=True) for gold, _, _ in rows]
    golds = [plan(*gold, chained=True, alternatives=others) for gold, others, _ in rows]
    predictions = [plan(*tools, chained=True, path="router") for _, _, tools in rows]
    figures = PlanMatch()(golds, predictions)
    assert all(0 <= value <= 1 for value in figures.values())
    assert figures["exact_plan"] >= PlanMatch()(bare, predictions)["exact_plan"]


@given(st.lists(st.tuples(TOOLS, TOOLS), min_size=1, max_size=8))
def test_node_f1_is_the_same_both_ways(rows: list[tuple[list[str], list[str]]]) -> None:
    one, other = [plan(*gold) for gold, _ in rows], [plan(*found) for _, found in rows]
    assert PlanMatch()(one, other).get("node_f1") == PlanMatch()(other, one).get("node_f1")
    own = PlanMatch()(one, one)
    assert own["exact_plan"] == 1.0
    assert own.get("node_f1", 1.0) == 1.0


# --- one tool or none ---


def alone(tool: str | None, **rest: Any) -> Any:
    return plan(*([tool] if tool else []), **rest)


def test_macro_f1_takes_no_tool_for_a_class() -> None:
    golds = [alone("a"), alone("a"), alone("b"), alone(None), alone(None)]
    found = [alone("a"), alone(None), alone("b"), alone(None), alone("b")]
    # a: 1 of 1 and 2, F1 2/3; b: 1 of 2 and 1, 2/3; none: 1 of 2 and 2, 1/2
    figures = SingleTool()(golds, found)
    assert figures == pytest.approx({"single_macro_f1": 11 / 18, "single_accuracy": 3 / 5})


def test_requests_of_several_steps_and_handoffs_are_left_out() -> None:
    golds = [plan("a", "b"), plan(HANDOFF), plan(path="handoff"), alone("a")]
    found = [plan("a", "b"), plan(HANDOFF), plan(), alone("a")]
    assert SingleTool()(golds, found) == {"single_macro_f1": 1.0, "single_accuracy": 1.0}
    assert SingleTool()(golds[:3], found[:3]) == {}
    assert AdditiveMetric.__call__(SingleTool(), golds[:3], found[:3]) == {}


@pytest.mark.parametrize("wrong", [plan("a", "b"), plan(HANDOFF), plan(path="handoff"), None])
def test_what_is_neither_one_tool_nor_none_is_wrong(wrong: Any) -> None:
    for gold in (alone("a"), alone(None)):
        assert SingleTool()([gold], [wrong])["single_macro_f1"] == 0.0


def test_an_alternative_counts_as_the_gold() -> None:
    gold = alone("a", alternatives=[[], ["b"], ["c", "d"]])
    for accepted in (alone(None), alone("b"), plan("c", "d", chained=True)):
        assert SingleTool()([gold], [accepted])["single_macro_f1"] == 1.0
    assert SingleTool()([gold], [plan("c")])["single_macro_f1"] == 0.0


@settings(deadline=None)  # the library takes long on a busy machine
@given(st.lists(st.tuples(st.sampled_from([alone("a"), alone("b"), alone(None), plan("a", "b")]),
                          st.sampled_from([alone("a"), alone("c"), alone(None), plan("a", "b"),
                                           None])), min_size=1, max_size=20))  # fmt: skip
def test_the_library_and_the_sums_agree_on_one_tool(pairs: list[tuple[Any, Any]]) -> None:
    golds, found = (list(part) for part in zip(*pairs, strict=True))
    metric = SingleTool()
    assert metric(golds, found) == pytest.approx(AdditiveMetric.__call__(metric, golds, found))
