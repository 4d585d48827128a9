"""Whether an answer's sentences stand on the passages they were drawn from. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tools.answer_extracts import says
from tools.knowledge.lexical import content_words
from tools.knowledge.passages import Passage
from tools.numbers import numbers_in, unfounded_numbers
from tools.sentences import split_sentences

_MARK = re.compile(r"\s*[\[［【](\d{1,2})(?:\s*[,，、]\s*\d{1,2})*[\]］】]")
_ONLY_MARKS = re.compile(rf"(?:{_MARK.pattern}|[\s.。,;])+")
_MARK_NUMBERS = re.compile(r"\d{1,2}")
_END = re.compile(r"[.!?。！？؟।…]+[\"'”’»)]*$")
_CJK_END = re.compile(r"[。！？」』]$")

_REFUSAL = re.compile(
    r"not found|i don.t know|i do not know|i cannot answer|i can.t answer"
    r"|(?:passages?|documents?|text|handbook|information)\b[^.]{0,40}"
    r"\b(?:do|does|is|are|did)(?:n.t| not)\b[^.]{0,30}"
    r"\b(?:say|state|mention|specif|provide|contain|hold|include|given|available|found|answer)"
    r"|no (?:information|mention|passage)\b|not (?:mentioned|specified|stated|provided) in"
    r"|不知道|未(?:找到|提及|提到|说明)|没有(?:提到|提及|说明|找到|相关|提供|关于)|无法(?:回答|确定|找到)"
    r"|no (?:lo )?sé\b|no (?:se )?(?:menciona|especifica|indica|encuentra|dice|encontrado)"
    r"|no hay información|sin información"
    r"|ne sais pas|(?:n.est|ne sont) pas (?:mentionn|précis|indiqu|fourni)|ne mentionne"
    r"|pas (?:trouvé|d.information)|aucune information"
    r"|weiß (?:es )?(?:ich )?nicht|ich weiß|nicht gefunden|nicht (?:erwähnt|angegeben|genannt)"
    r"|keine (?:information|angabe)"
    r"|não (?:sei|encontr|menciona|especifica|há informa)|nenhuma informação"
    r"|わかりません|分かりません|記載されていません|見つかりません|記載がありません|情報はありません"
    r"|لا أعرف|لا أعلم|لم (?:يتم|يُذكر|يذكر|أجد)|غير (?:مذكور|موجود)|لا (?:تذكر|يذكر|توجد معلومات)"
    r"|नहीं (?:पता|मिल|बताया|दी गई|है कि)|मुझे नहीं|जानकारी नहीं|पता नहीं",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence without its marks, the passages it names, and the white space before it."""

    gap: str
    text: str
    marks: tuple[int, ...]


def cited_sentences(text: str) -> list[Sentence]:
    """The sentences of an answer; marks after a full stop belong to the sentence before it."""
    sentences: list[Sentence] = []
    end = 0
    for span in split_sentences(text):
        written = text[span.start : span.end]
        leading = _ONLY_MARKS.match(written)
        if leading and sentences and _MARK.search(leading[0]):
            last = sentences[-1]
            sentences[-1] = Sentence(last.gap, last.text, (*last.marks, *_marks(leading[0])))
            written = written[leading.end() :]
        if _MARK.sub("", written).strip(" .。"):
            gap = "\n" if "\n" in text[end : span.start] else " "
            bare = " ".join(_MARK.sub("", written).split(" ")).strip()
            sentences.append(Sentence(gap, bare, _marks(written)))
        end = span.end
    return sentences


def _marks(text: str) -> tuple[int, ...]:
    return tuple(
        int(number) for mark in _MARK.finditer(text) for number in _MARK_NUMBERS.findall(mark[0])
    )


def is_refusal(text: str) -> bool:
    """Whether a reply says that the passages don't hold the answer, in whatever words."""
    return bool(_REFUSAL.search(text))


def unfounded(sentence: str, question: str, passages: Sequence[Passage]) -> list[str]:
    """Numbers of a sentence that neither the passages nor the question hold."""
    source = "\n".join([question, *(searched(passage) for passage in passages)])
    return unfounded_numbers(source, sentence)


def supporting(
    sentence: Sentence, question: str, passages: Sequence[Passage], language: str
) -> tuple[int, ...]:
    """The passages, counted from 1, that a sentence stands on: those it names where they hold its
    numbers, otherwise the one that shares most of its numbers and words."""
    named = tuple(n for n in dict.fromkeys(sentence.marks) if 1 <= n <= len(passages))
    if named and not unfounded(sentence.text, question, [passages[n - 1] for n in named]):
        return named
    wanted = content_words(sentence.text, language)
    numbers = numbers_in(sentence.text)

    def shared(number: int) -> tuple[int, int]:
        text = searched(passages[number - 1])
        held = [other.readings for other in numbers_in(text)]
        found = sum(any(each.readings & readings for readings in held) for each in numbers)
        return found, len(wanted & content_words(text, language))

    return (max(range(1, len(passages) + 1), key=shared),)


def with_marks(sentence: str, marks: Sequence[int]) -> str:
    """The sentence with its marks before the full stop."""
    written = "".join(f"[{mark}]" for mark in marks)
    end = _END.search(sentence)
    at = end.start() if end else len(sentence)
    return f"{sentence[:at].rstrip()} {written}{sentence[at:]}"


def joined(text: str, sentence: Sentence, marked: str) -> str:
    """What to write after `text` to go on with a sentence."""
    gap = "" if not text or (_CJK_END.search(text) and sentence.gap == " ") else sentence.gap
    return gap + marked


def best_sentence(passage: Passage, words: str, language: str) -> str:
    """The sentence of a passage that has these words in a row, or else most of them; the first of
    equals."""
    sentences = [passage.text[start:end] for start, end in split_sentences(passage.text)]
    wanted = content_words(words, language)
    return max(
        sentences,
        key=lambda each: (says(each, words), len(wanted & content_words(each, language))),
    )


def searched(passage: Passage) -> str:
    """A passage with its headings."""
    return "\n".join([*passage.heading, passage.text])
