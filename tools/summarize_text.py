"""The tool summarize_text: what a text says, in fewer words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from model_servers.languages import identify
from tools.contracts import (
    Kind,
    LanguageCode,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.prose import Piece
from tools.sentences import split_sentences
from tools.summary import Summarized, Summary
from tools.translation import LLM, Translated, Translation

UNCHANGED = "unchanged"
SENTENCES = {"short": 2, "medium": 4, "long": 8}
_SHORT_SENTENCES = 2
_SHORT_CHARS = 600


class SummarizeTextArgs(ToolArgs):
    """`sentences`, where given, goes before `length`."""

    text: TextSlot
    length: Literal["short", "medium", "long"] = "medium"
    sentences: Annotated[int, Field(ge=1, le=20)] | None = None
    language: LanguageCode | None = Field(default=None, description="Default: the text's own.")


class SummarizeTextResult(ToolData):
    """`method` is "llm", or "unchanged" where the text was short already."""

    text: str
    language: str
    method: str
    warnings: tuple[str, ...] = ()
    note: str | None = None


class SummarizeText(Tool):
    """See `description`."""

    name = "summarize_text"
    description = (
        "Summarizes a text or a document: the main points in a few sentences, as short or long as "
        "asked, in the text's own language or another. Use it when something long should be made "
        "shorter or its gist is wanted."
    )
    examples = (
        "tl;dr",
        "summarize this",
        "boil this down to two lines",
        "give me the gist of the attached report",
        "what are the key points here?",
        "shorten this for me",
        "I have no time to read all of this, what does it say?",
        "one-sentence summary please",
        "sum up the meeting notes",
        "condense the article into a short paragraph",
        "make an executive summary of this document",
        "what is this email thread about, in brief?",
        "recap the main findings in three sentences",
        "can you make that shorter?",
        "give me a detailed summary of the contract",
        "summarize the PDF in Spanish",
        "总结一下这篇文章",
        "用两句话概括下面的内容",
        "帮我把这份报告的要点列出来",
        "resume este texto",
        "¿cuáles son los puntos principales del documento?",
        "hazme un resumen corto de esto",
        "résume ce texte en trois phrases",
        "fais-moi un résumé du rapport ci-joint",
        "de quoi parle cet article, en bref ?",
        "fasse das kurz zusammen",
        "worum geht es in dem Dokument?",
        "eine Zusammenfassung in zwei Sätzen bitte",
        "resuma este artigo",
        "quais são os pontos principais deste relatório?",
        "faz um resumo curto disso",
        "この記事を要約して",
        "要点を3つにまとめてください",
        "この資料を短くまとめて",
        "لخّص هذا النص",
        "ما هي النقاط الرئيسية في هذا التقرير؟",
        "أعطني ملخصًا قصيرًا للمقال",
        "इसका सारांश दीजिए",
        "इस लेख को दो वाक्यों में समझाओ",
        "इस रिपोर्ट की मुख्य बातें क्या हैं?",
    )
    Args = SummarizeTextArgs
    Result = SummarizeTextResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text"}
    prose = True
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Summary",
        "zh": "摘要",
        "es": "Resumen",
        "fr": "Résumé",
        "de": "Zusammenfassung",
        "pt": "Resumo",
        "ja": "要約",
        "ar": "الملخص",
        "hi": "सारांश",
    }

    async def __call__(self, args: SummarizeTextArgs, ctx: RunContext) -> ToolResult:
        """Raises ModelError, DeadlineExceeded.

        A summary in another language is made in the text's own and then translated: asked for
        both at once, a small model gets the facts wrong.
        """
        own = identify(args.text).code
        language = args.language or (own if own != "und" else "en")
        spans = split_sentences(args.text)
        most = args.sentences or SENTENCES[args.length]
        is_short = len(spans) <= min(most, _SHORT_SENTENCES) and len(args.text) <= _SHORT_CHARS
        # Half as many sentences as the text has are a summary; as many are a copy.
        wanted = args.sentences or min(most, max(1, len(spans) // 2))
        is_foreign = own not in {language, "und"}
        if is_short and not is_foreign:
            return _unchanged(args.text, language, ctx)
        if not is_foreign:
            done, methods = await Summary(ctx, language, wanted).of(args.text), {LLM}
        else:
            done, methods = Summarized(args.text), set()
            if not is_short:
                unheard = replace(ctx, write=lambda _: None)
                done, methods = await Summary(unheard, own, wanted).of(args.text), {LLM}
            translated = await _translated(done.text, own, language, ctx)
            methods |= translated.methods
            done = Summarized(
                translated.text,
                done.warnings + translated.warnings,
                done.note,
                done.usage + translated.usage,
            )
        data = SummarizeTextResult(
            text=done.text,
            language=language,
            method="+".join(sorted(methods)),
            warnings=done.warnings,
            note=done.note,
        )
        return ToolResult(data, usage=done.usage)

    def render(self, data: SummarizeTextResult, language: str) -> str:
        """The summary, and below it what a reader must know of how it came about."""
        remarks = [*data.warnings, *([data.note] if data.note else [])]
        return "\n\n".join([data.text, *(f"_{remark}_" for remark in remarks)])


async def _translated(summary: str, own: str, language: str, ctx: RunContext) -> Translated:
    """Sentence by sentence, each written as soon as it is there."""
    sentences = [
        Piece(summary[start:end], is_prose=True) for start, end in split_sentences(summary)
    ]
    between = Piece("" if language in {"zh", "ja"} else " ", is_prose=False)
    pieces: list[tuple[Piece, str | None]] = []
    for sentence in sentences:
        pieces += [(between, None), (sentence, own)] if pieces else [(sentence, own)]
    return await Translation(ctx, language).run(pieces)


def _unchanged(text: str, language: str, ctx: RunContext) -> ToolResult:
    ctx.write(text)
    return ToolResult(
        SummarizeTextResult(
            text=text,
            language=language,
            method=UNCHANGED,
            note="The text is so short already that it is returned as it is.",
        )
    )
