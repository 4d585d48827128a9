"""The tool translate_text: any pair of languages, with everything that is no prose kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

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
from tools.language_names import language_name, what_is_wrong_with
from tools.prose import Piece, split_prose
from tools.translation import Translation, is_dense

UNCHANGED = "unchanged"
_SURE = 0.9
_LETTERS_TO_TELL = 20


class TranslateTextArgs(ToolArgs):
    text: TextSlot
    target_language: LanguageCode
    source_language: LanguageCode | None = None

    @field_validator("target_language", "source_language", mode="before")
    @classmethod
    def _a_language(cls, value: object) -> object:
        """Of a code that means nothing the chat model would make a language of its own choice."""
        if isinstance(value, str) and (wrong := what_is_wrong_with(value)) is not None:
            raise PydanticCustomError("language", "{wrong}", {"wrong": wrong})
        return value


class TranslateTextResult(ToolData):
    """`method` says what translated: a dedicated model, the chat model, or nothing."""

    text: str
    source_language: str
    target_language: str
    method: str
    warnings: tuple[str, ...] = Field(default=(), description="What may have been lost.")
    note: str | None = None


class TranslateText(Tool):
    """See `description`."""

    name = "translate_text"
    description = (
        "Translates text or a document from any language into another, keeping numbers, names, "
        "links, code, line breaks and Markdown. Use it when the answer is wanted in another "
        "language, or when someone asks what foreign words mean or how to say something."
    )
    examples = (
        "put this into French please",
        "translate this into Spanish",
        "how do you say this in Japanese?",
        "what does this say in English?",
        "I need a German version of the attached letter",
        "can you turn this into Portuguese?",
        "render the following in Chinese",
        "what's the Italian for this?",
        "my client only reads Korean, convert this message for him",
        "translate the document to Arabic",
        "English translation please",
        "give me that in Hindi",
        "make a Russian version of this page, keep the formatting",
        "I don't understand this, what does it mean in English?",
        "and now in Dutch",
        "localise these strings for Brazil",
        "把这段话翻成英文",
        "请把下面的内容翻译成法语",
        "这句话用日语怎么说？",
        "tradúceme esto al inglés",
        "¿cómo se dice esto en alemán?",
        "pasa este texto al francés, por favor",
        "traduis ça en anglais",
        "comment dit-on ceci en espagnol ?",
        "mets ce document en allemand s'il te plaît",
        "übersetze das ins Englische",
        "wie sagt man das auf Französisch?",
        "bitte diesen Brief auf Spanisch",
        "traduz isto para inglês",
        "como se diz isso em francês?",
        "passa este texto para espanhol",
        "これを英語に訳して",
        "この文章を中国語に翻訳してください",
        "これはフランス語で何と言いますか？",
        "ترجم هذا إلى الإنجليزية",
        "كيف أقول هذا بالفرنسية؟",
        "حوّل هذه الرسالة إلى اللغة الإسبانية",
        "इसे अंग्रेज़ी में अनुवाद करो",
        "यह फ़्रेंच में कैसे कहते हैं?",
        "इस संदेश का हिंदी में अनुवाद कर दीजिए",
    )
    Args = TranslateTextArgs
    Result = TranslateTextResult
    outputs: ClassVar[Mapping[str, Kind]] = {"text": "text"}
    prose = True
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Translation",
        "zh": "译文",
        "es": "Traducción",
        "fr": "Traduction",
        "de": "Übersetzung",
        "pt": "Tradução",
        "ja": "翻訳",
        "ar": "الترجمة",
        "hi": "अनुवाद",
    }

    async def __call__(self, args: TranslateTextArgs, ctx: RunContext) -> ToolResult:
        """Raises ModelError, DeadlineExceeded."""
        guess = identify(args.text)
        source = args.source_language or guess.code
        pieces: list[tuple[Piece, str | None]] = []
        for piece in split_prose(args.text):
            language = _language_of(piece, args.source_language, source)
            wanted = piece.is_prose and language != args.target_language
            pieces.append((piece, language if wanted else None))
        if all(language is None for _, language in pieces):
            return _unchanged(args, source, ctx)
        done = await Translation(ctx, args.target_language).run(pieces)
        data = TranslateTextResult(
            text=done.text,
            source_language=source,
            target_language=args.target_language,
            method="+".join(sorted(done.methods, reverse=True)),
            warnings=done.warnings,
        )
        return ToolResult(data, usage=done.usage)

    def render(self, data: TranslateTextResult, language: str) -> str:
        """The translation, and below it what may be wrong with it."""
        remarks = [*data.warnings, *([data.note] if data.note else [])]
        return "\n\n".join([data.text, *(f"_{remark}_" for remark in remarks)])


def _language_of(piece: Piece, given: str | None, source: str) -> str:
    """A paragraph in another language than the rest is translated from that one."""
    if given is None and piece.is_prose:
        guess = identify(piece.text)
        letters = sum(3 if is_dense(char) else char.isalpha() for char in piece.text)
        if guess.probability >= _SURE and letters >= _LETTERS_TO_TELL:
            return guess.code
    return source


def _unchanged(args: TranslateTextArgs, source: str, ctx: RunContext) -> ToolResult:
    is_there = source == args.target_language
    note = (
        f"The text is in {language_name(source)} already; it is returned as it is."
        if is_there
        else "There is nothing to translate in this text; it is returned as it is."
    )
    ctx.write(args.text)
    return ToolResult(
        TranslateTextResult(
            text=args.text,
            source_language=source,
            target_language=args.target_language,
            method=UNCHANGED,
            note=note,
        )
    )
