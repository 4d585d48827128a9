"""Entities, translations, transcripts, answers and citations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.metrics import (
    AdditiveMetric,
    Citations,
    ErrorRates,
    ExactTranscripts,
    MetricError,
    SpanEntities,
    SquadAnswers,
    TaggedEntities,
    Translation,
    normalise_answer,
    plain_words,
    printed_words,
    spoken_words,
    tokeniser_of,
)

TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), min_size=4, max_size=4)
WORDS = st.text(alphabet="ab c,", max_size=12)


def test_the_example_of_seqeval() -> None:
    # https://github.com/chakki-works/seqeval#usage
    golds = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    found = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    figures = TaggedEntities()(golds, found)
    assert figures["f1"] == 0.5
    assert figures["f1/PER"] == 1.0
    assert figures["f1/MISC"] == 0.0
    assert figures["macro_f1"] == 0.5


def test_strict_iob2_makes_no_entity_of_a_dangling_inside() -> None:
    assert TaggedEntities()([["B-PER"]], [["I-PER"]])["recall"] == 0.0


def test_an_error_finds_no_entity() -> None:
    figures = TaggedEntities()([["B-PER"], ["B-PER"]], [["B-PER"], None])
    assert (figures["precision"], figures["recall"]) == (1.0, 0.5)


def test_no_entity_anywhere_gives_no_figures() -> None:
    assert TaggedEntities()([["O"]], [["O"]]) == {}


@settings(deadline=None)
@given(st.lists(st.tuples(TAGS, TAGS), min_size=1, max_size=6))
def test_seqeval_and_the_sums_agree(pairs: list[tuple[list[str], list[str]]]) -> None:
    golds, found = map(list, zip(*pairs, strict=True))
    metric = TaggedEntities()
    assert metric(golds, found) == pytest.approx(AdditiveMetric.__call__(metric, golds, found))


@pytest.mark.parametrize(("found", "said"), [(["O", "O"], "2 predicted tags"), (["PER"], "IOB2")])
def test_tags_that_do_not_fit_are_said(found: list[str], said: str) -> None:
    with pytest.raises(MetricError, match=said):
        TaggedEntities()([["B-PER"]], [found])


def test_spans_are_strict_about_offset_label_and_number() -> None:
    ada = {"start": 0, "end": 3, "label": "PER"}
    golds = [[ada, {"start": 8, "end": 13, "label": "LOC"}]]
    found = [[ada, ada, {"start": 8, "end": 12, "label": "LOC"}]]
    figures = SpanEntities()(golds, found)
    assert figures["precision"] == pytest.approx(1 / 3)
    assert figures["recall"] == 0.5
    assert figures["f1/PER"] == pytest.approx(2 / 3)
    assert figures["f1/LOC"] == 0.0


def test_translation_is_sacrebleus_corpus_score() -> None:
    import sacrebleu

    golds = ["The dog bit the man.", "It was not surprising.", "The man had just bitten him."]
    found = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    figures = Translation("de")(golds, found)
    assert figures["bleu"] == pytest.approx(sacrebleu.corpus_bleu(found, [golds]).score)
    assert figures["chrf"] == pytest.approx(sacrebleu.corpus_chrf(found, [golds]).score)


def test_several_references_are_sacrebleus_own_example() -> None:
    # https://github.com/mjpost/sacrebleu#using-sacrebleu-from-python
    first = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    second = ["The dog had bit the man.", "No one was surprised.", "The man had bitten the dog."]
    found = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    golds: list[Any] = [list(pair) for pair in zip(first, second, strict=True)]
    assert Translation()(golds, found)["bleu"] == pytest.approx(48.53, abs=0.005)


def test_each_language_has_its_tokeniser() -> None:
    import sacrebleu

    chinese, found = "今天天气很好，我们去公园。", "今天天气很好，我去公园。"
    golds: list[Any] = [{"text": chinese, "lang": "zh-CN"}, {"text": "A b c d.", "lang": "en"}]
    alone = Translation()(golds[:1], [found])["bleu"]
    assert alone == pytest.approx(sacrebleu.corpus_bleu([found], [[chinese]], tokenize="zh").score)
    assert alone < Translation()(golds, [found, "A b c d."])["bleu"] < 100
    assert (tokeniser_of("ja"), tokeniser_of("fr")) == ("ja-mecab", "13a")


def test_japanese_is_cut_by_mecab() -> None:
    text = "今日は天気がいいので公園に行きます。"
    assert Translation("ja")([text], [text])["bleu"] == pytest.approx(100)


def test_an_untranslated_line_costs() -> None:
    golds: list[Any] = ["one two three four five"] * 2
    assert Translation()(golds, [golds[0], None])["chrf"] < 100
    assert Translation()(golds, [None, None]) == {"chrf": 0.0, "bleu": 0.0}


@settings(deadline=None)
@given(WORDS, WORDS)
def test_translation_lies_between_0_and_100(gold: str, found: str) -> None:
    assert all(0 <= value <= 100 + 1e-9 for value in Translation()([gold], [found]).values())


def test_the_example_of_jiwer() -> None:
    # https://jitsi.github.io/jiwer/usage/
    golds: list[Any] = ["hello world", "i like monthy python"]
    found: list[Any] = ["hello duck", "i like python"]
    assert ErrorRates()(golds, found)["wer"] == pytest.approx(2 / 6)
    assert ErrorRates()(["i can spell"], ["i cen spell"])["cer"] == pytest.approx(1 / 11)


def test_transcripts_are_compared_by_sound() -> None:
    assert plain_words("“Don’t, STOP!”") == "don't stop"
    assert ErrorRates()(["Don't stop."], ["don’t  stop"]) == {"wer": 0.0, "cer": 0.0}


def test_a_transcript_is_exact_or_not() -> None:
    golds: list[Any] = ["press five", "press five", "press five", "press five"]
    found: list[Any] = ["Press 5!", "press five now", None, {"text": "Press five."}]
    assert ExactTranscripts(spoken_words)(golds, found) == {"exact": 0.5}
    assert ExactTranscripts()(golds, found) == {"exact": 0.25}
    assert printed_words(" Ａ  b\n") == "A b"


def test_a_missing_transcript_is_all_wrong() -> None:
    assert ErrorRates()(["one two"], [None]) == {"wer": 1.0, "cer": 1.0}


@settings(deadline=None)
@given(WORDS.filter(str.strip), WORDS)
def test_error_rates_are_no_less_than_zero_and_zero_for_the_same(gold: str, found: str) -> None:
    assert all(value >= 0 for value in ErrorRates(str)([gold], [found]).values())
    assert set(ErrorRates(str)([gold], [gold]).values()) <= {0.0}


@pytest.mark.parametrize(
    ("text", "language", "plain"),
    [
        ("The  quick, brown fox!", "en", "quick brown fox"),
        ("an «apple»", "en", "«apple»"),
        ("¿El perro?", "es", "perro"),
        ("Der Hund", "de", "hund"),
        ("在 1990年，北京", "zh", "在 1990 年 北 京"),
    ],
)
def test_answers_are_normalised_as_the_scripts_do(text: str, language: str, plain: str) -> None:
    assert normalise_answer(text, language) == plain


def test_squad_by_hand() -> None:
    golds: list[Any] = [{"answers": ["Denver Broncos", "The Broncos"]}, {"answers": ["1990"]}]
    figures = SquadAnswers()(golds, ["the Denver team", "It was 1990."])
    assert figures["exact_match"] == 0.0
    # One of two words, of two gold words; one of three, of one.
    assert figures["f1"] == pytest.approx((0.5 + 0.5) / 2)
    assert figures["answerable_contains"] == 0.5


def test_chinese_answers_are_compared_by_character() -> None:
    figures = SquadAnswers("zh")([["北京市"]], ["北京"])
    assert figures["f1"] == pytest.approx(0.8)


def test_dont_know_is_the_answer_where_there_is_none() -> None:
    golds: list[Any] = [[], [], [], ["Rome"]]
    figures = SquadAnswers()(golds, [{"answer": None}, "Paris", None, {"answer": ""}])
    assert figures["exact_match"] == 0.25
    assert figures["answerable_f1"] == 0.0
    assert figures["abstention_precision"] == 0.5
    assert figures["abstention_recall"] == pytest.approx(1 / 3)
    assert figures["answerable_answered"] == 0.0


def test_an_answer_may_be_the_short_words_of_a_whole_one() -> None:
    golds: list[Any] = [["Rome"], ["Rome"], ["Rome"], []]
    whole = {"answer": "the city", "whole": "It is the city of Rome."}
    figures = SquadAnswers()(golds, [whole, "Paris", None, None])
    assert figures["answerable_exact_match"] == 0.0
    assert figures["answerable_contains"] == pytest.approx(1 / 3)
    assert figures["answerable_answered"] == pytest.approx(2 / 3)


def test_a_gold_that_no_answer_can_match_is_said() -> None:
    with pytest.raises(MetricError, match="No prediction can match"):
        SquadAnswers()([["the"]], ["the"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.lists(st.sampled_from("xyz")), st.lists(st.sampled_from("xyz")))))
def test_citations_turned_round_swap_precision_and_recall(
    pairs: list[tuple[list[str], list[str]]],
) -> None:
    golds: list[Any] = [gold for gold, _ in pairs]
    cited: list[Any] = [found for _, found in pairs]
    one, other = Citations()(golds, cited), Citations()(cited, golds)
    assert one.get("citation_precision") == other.get("citation_recall")
    assert one.get("citation_f1") == other.get("citation_f1")


def test_citations_by_hand() -> None:
    golds: list[Any] = [["p1"], ["p2"], [], ["p3"]]
    cited: list[Any] = [{"citations": ["p1", "p9"]}, ["p2"], ["p5"], None]
    figures = Citations()(golds, cited)
    assert figures["citation_precision"] == 0.5
    assert figures["citation_recall"] == pytest.approx(2 / 3)
