"""The tool answer_question: answers from documents, with citations, or "I don't know"."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, ClassVar
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ConfigDict, Field

from tools.answering import answer_from
from tools.contracts import (
    DocumentSlot,
    InvalidInput,
    Kind,
    LanguageCode,
    RunContext,
    TextSlot,
    Tool,
    ToolArgs,
    ToolData,
    ToolResult,
)
from tools.knowledge.passages import DEFAULT_COLLECTION, Passage

if TYPE_CHECKING:
    from model_servers.pool import ModelPool
    from tools.knowledge.base import KnowledgeBase

MAX_PASSAGES = 5
MAX_WORDS = 450
"""Of all passages of a prompt: a CPU reads about 50 words a second."""
_SHARE_OF_BEST = 0.5
"""Less relevant passages cost time and lead a small model astray. Without them 99 of 100 questions
on an article keep the passage that answers, and 30 of 31 on the sample shop that had it."""
_KEPT_DOCUMENTS = 8
_SUBJECT_CHARS = 300
_SAID_CHARS = 600
"""A longer request holds more than a question and what led to it."""
"""Of what a picture shows; a page of text in it would drown the question."""

UNKNOWN: Mapping[str, str] = {
    "en": "I don't know: I found nothing about that in the documents.",
    "zh": "我不知道：在文档中没有找到相关内容。",
    "es": "No lo sé: no he encontrado nada al respecto en los documentos.",
    "fr": "Je ne sais pas : je n'ai rien trouvé à ce sujet dans les documents.",
    "de": "Das weiß ich nicht: In den Dokumenten habe ich dazu nichts gefunden.",
    "pt": "Não sei: não encontrei nada sobre isso nos documentos.",
    "it": "Non lo so: nei documenti non ho trovato nulla in proposito.",
    "nl": "Dat weet ik niet: in de documenten heb ik er niets over gevonden.",
    "ja": "わかりません。文書の中に該当する内容が見つかりませんでした。",
    "ko": "모르겠습니다. 문서에서 관련 내용을 찾지 못했습니다.",
    "ru": "Я не знаю: в документах об этом ничего не нашлось.",
    "ar": "لا أعرف: لم أجد شيئًا عن ذلك في المستندات.",
    "hi": "मुझे नहीं पता: दस्तावेज़ों में इसके बारे में कुछ नहीं मिला।",
}


class AnswerQuestionArgs(ToolArgs):
    """Without a document and a context the knowledge base is asked."""

    question: Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"\S")]
    document: DocumentSlot | None = None
    context: TextSlot | None = None
    subject: TextSlot | None = Field(
        default=None, description="What the question's 'this' is, such as what a picture shows."
    )
    # A planner has never seen the collections' names, and makes one up.
    collection: str | None = Field(
        default=None, description="Of the knowledge base.", json_schema_extra={"planned": False}
    )
    language: LanguageCode | None = Field(default=None, description="Default: the question's.")


class Citation(BaseModel):
    """What a mark [number] of an answer stands for."""

    model_config = ConfigDict(frozen=True)

    number: int
    document: str
    heading: tuple[str, ...]
    chunk_id: str
    text: str


class AnswerQuestionResult(ToolData):
    """`known` is false, and nothing is cited, where the documents don't hold the answer.

    `extract` are the few words that the answer rests on, as a cited passage has them and in its
    language; None where the model named none that are there.
    """

    answer: str
    known: bool
    extract: str | None = None
    citations: tuple[Citation, ...] = ()


class AnswerQuestion(Tool):
    """See `description`."""

    name = "answer_question"
    description = (
        "Answers a question from the knowledge base (the company's policies, products, orders, "
        "delivery, returns, warranty, accounts, payments) or from an attached document, and cites "
        "its sources; says so when it does not know. Use it for any question of fact about the "
        "company, or about what a document says."
    )
    examples = (
        "How long do I have to send a laptop back?",
        "and for shoes?",
        "Do you ship to Canada, and what does it cost?",
        "My parcel hasn't arrived yet, what can I do?",
        "Can I pay by invoice?",
        "what's the warranty on the coffee machine",
        "How do I reset my password?",
        "Is the tent waterproof?",
        "can I still cancel my order",
        "How do I claim a refund for a damaged item?",
        "Which size should I take if my feet are 27 cm long?",
        "What do you do with my personal data?",
        "When does your store in Berlin open?",
        "What does this contract say about notice?",
        "According to the attached document, who has to pay for repairs?",
        "Look in the PDF: when is the rent due?",
        "Does the report mention any risks?",
        "How high is the penalty in this agreement?",
        "Who signed the letter I attached?",
        "Search the knowledge base for the return policy",
        "笔记本电脑多少天之内可以退货？",
        "你们的保修期是多久？",
        "这份合同里关于解约是怎么写的？",
        "¿Cuánto tiempo tengo para devolver unos zapatos?",
        "¿Hacéis envíos a Canarias?",
        "¿Qué dice este contrato sobre el preaviso?",
        "Combien de temps ai-je pour renvoyer un ordinateur portable ?",
        "Quels moyens de paiement acceptez-vous ?",
        "Que dit ce contrat au sujet du préavis ?",
        "Wie lange kann ich einen Laptop zurückgeben?",
        "Was kostet der Versand nach Österreich?",
        "Was steht in diesem Vertrag zur Kündigungsfrist?",
        "Quanto tempo tenho para devolver um computador portátil?",
        "Como posso cancelar a minha encomenda?",
        "O que diz este contrato sobre o aviso prévio?",
        "ノートパソコンは何日以内なら返品できますか？",
        "送料はいくらですか？",
        "この契約書では解約についてどう書かれていますか？",
        "كم من الوقت لدي لإرجاع حاسوب محمول؟",
        "ما هي طرق الدفع المتاحة؟",
        "ماذا يقول هذا العقد عن فترة الإشعار؟",
        "लैपटॉप वापस करने के लिए कितने दिन मिलते हैं?",
        "क्या आप घर पर डिलीवरी करते हैं?",
        "इस अनुबंध में नोटिस के बारे में क्या लिखा है?",
    )
    Args = AnswerQuestionArgs
    Result = AnswerQuestionResult
    outputs: ClassVar[Mapping[str, Kind]] = {"answer": "text"}
    prose = True
    titles: ClassVar[Mapping[str, str]] = {
        "en": "Answer",
        "zh": "回答",
        "es": "Respuesta",
        "fr": "Réponse",
        "de": "Antwort",
        "pt": "Resposta",
        "ja": "回答",
        "ar": "الإجابة",
        "hi": "उत्तर",
    }

    def __init__(self) -> None:
        self._attached: WeakKeyDictionary[ModelPool, OrderedDict[str, KnowledgeBase]] = (
            WeakKeyDictionary()
        )

    async def __call__(self, args: AnswerQuestionArgs, ctx: RunContext) -> ToolResult:
        """Raises InvalidInput, StoreUnavailable, ModelError, DeadlineExceeded."""
        from tools.knowledge.base import document_language

        asked_in = document_language(args.question)
        language = args.language or asked_in
        if args.document is None and args.context is None:
            passages = await self._from_knowledge(args, asked_in, ctx)
        else:
            passages = await self._from_document(args, asked_in, ctx)
        if not passages:
            return _unknown(language, ctx)
        answer = await answer_from(_about(args, ctx.said), passages, language, ctx)
        if not answer.text:
            result = _unknown(language, ctx)
            return ToolResult(result.data, usage=answer.usage)
        citations = tuple(
            Citation(
                number=number,
                document=passage.document,
                heading=passage.heading,
                chunk_id=passage.chunk_id,
                text=passage.text,
            )
            for number, passage in enumerate(answer.cited, 1)
        )
        data = AnswerQuestionResult(
            answer=answer.text, known=True, extract=answer.extract, citations=citations
        )
        return ToolResult(data, usage=answer.usage)

    async def _from_knowledge(
        self, args: AnswerQuestionArgs, asked_in: str, ctx: RunContext
    ) -> list[Passage]:
        from tools.knowledge.retrieve import RELEVANT

        found = await ctx.knowledge.search(
            _about(args, ctx.said),
            collection=args.collection or DEFAULT_COLLECTION,
            limit=MAX_PASSAGES,
            language=asked_in,
            deadline=ctx.deadline,
        )
        return _worth_reading([passage for passage in found if passage.score >= RELEVANT])

    async def _from_document(
        self, args: AnswerQuestionArgs, asked_in: str, ctx: RunContext
    ) -> list[Passage]:
        """The best passages of what is attached. It is about that, so none is left out as too
        unlikely: whether they hold the answer is for the model to say."""
        from tools.documents import document_text

        if args.document is not None and args.context is not None:
            raise InvalidInput("Give a document or a context, not both.", param="context")
        name, text = "text", args.context or ""
        if args.document is not None:
            name = args.document.name
            text = await document_text(args.document, ctx.artifacts, timeout_s=ctx.remaining_s())
        knowledge = await self._in_memory(name, text, asked_in, ctx)
        found = await knowledge.search(
            args.question, limit=MAX_PASSAGES, language=asked_in, deadline=ctx.deadline
        )
        return _worth_reading(found)

    async def _in_memory(
        self, name: str, text: str, asked_in: str, ctx: RunContext
    ) -> KnowledgeBase:
        """A knowledge base of one document, kept for the questions that follow."""
        from functools import partial

        from model_servers.encoders import encode
        from tools.knowledge.base import KnowledgeBase
        from tools.knowledge.qdrant import QdrantStore, memory_client

        multilingual = asked_in != "en"
        key = hashlib.sha256(f"{multilingual}\n{name}\n{text}".encode()).hexdigest()
        kept = self._attached.setdefault(ctx.models, OrderedDict())
        if key not in kept:
            knowledge = KnowledgeBase(QdrantStore(memory_client), partial(encode, ctx.models))
            await knowledge.add(
                name,
                text,
                multilingual=multilingual,
                deadline=ctx.deadline,
                progress=lambda share: ctx.progress(0.8 * share),
            )
            kept[key] = knowledge
        kept.move_to_end(key)
        while len(kept) > _KEPT_DOCUMENTS:
            _, oldest = kept.popitem(last=False)
            await oldest.close()
        return kept[key]


def _worth_reading(passages: Sequence[Passage]) -> list[Passage]:
    """The likeliest of them that fit into a prompt together, at least one."""
    from tools.knowledge.chunks import count_words

    chosen: list[Passage] = []
    words = 0.0
    for passage in passages:
        words += count_words(passage.text)
        if chosen and (words > MAX_WORDS or passage.score < _SHARE_OF_BEST * chosen[0].score):
            break
        chosen.append(passage)
    return chosen


def _about(args: AnswerQuestionArgs, said: str) -> str:
    """The question, with what it points at: "I bought a tent. Can I return it?" asks about a tent.

    Where there is a text or a document, what was said around the question may be part of that.
    """
    subject = args.subject
    if subject is None and not (args.context or args.document) and len(said) <= _SAID_CHARS:
        before, found, after = said.partition(args.question)
        subject = f"{before.strip()} {after.strip()}".strip() if found else None
    return f"{args.question} ({subject[:_SUBJECT_CHARS]})" if subject else args.question


def _unknown(language: str, ctx: RunContext) -> ToolResult:
    answer = UNKNOWN.get(language, UNKNOWN["en"])
    ctx.write(answer)
    return ToolResult(AnswerQuestionResult(answer=answer, known=False))
