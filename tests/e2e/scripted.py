"""A service whose agent follows a script: what it says to each request is written here."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from fastapi import FastAPI
from PIL import Image

from model_servers.contracts import ModelUnavailable
from orchestrator.admission import Admission, Bounds
from orchestrator.api.app import create_app
from orchestrator.api.facade import Service
from orchestrator.conversations import ConversationStore
from orchestrator.database import open_database
from orchestrator.file_links import FileLinks
from orchestrator.handoffs import HandoffStore
from orchestrator.keys import KeyStore
from orchestrator.page import mount_page
from orchestrator.plan import Plan, Step
from orchestrator.settings import Settings
from orchestrator.turn import (
    Citation,
    ErrorReport,
    Event,
    Finished,
    Heard,
    HeardReport,
    Outcome,
    Planned,
    Routed,
    RouteReport,
    StepChanged,
    StepProgress,
    StepReport,
    TextDelta,
    ToolScore,
    Turn,
    UsageReport,
)
from tests.media_files import sound
from tools.artifacts import Artifact, FileArtifactStore
from tools.drawing import Mark, draw_marks
from tools.errors import NotFound
from tools.media import decode_image

T = TypeVar("T")

TOOLS = ("answer_question", "classify_text", "extract_entities", "translate_text", "summarize_text")
PERIOD = (
    "A customer has **30 days** from delivery to send a laptop back to Lindenmart. "
    "The 30 days begin on the day after the laptop is delivered."
)
HOSTILE = (
    "<script>window.broken = 1</script> <img src=http://evil.example/a.png onerror='broken=1'> "
    "![b](http://evil.example/b.png) [click](http://evil.example/c) <http://evil.example/d> "
    "<style>@import url(http://evil.example/e)</style> [here](javascript:broken=1) [1]"
)


BOX = (40.0, 60.0, 200.0, 180.0)
"""Of the thing that is found in every picture, in pixels."""
SPOKEN = "Maria wants to hear this"


@dataclass
class Answer:
    """What the script lets a request come to."""

    text: str
    plan: Plan = Plan()
    steps: tuple[StepReport, ...] = ()
    citations: tuple[Citation, ...] = ()
    route: RouteReport = RouteReport(path="router", confidence=0.97)
    made: tuple[Artifact, ...] = ()


HANDED_OVER = RouteReport(path="handoff", confidence=1.0)
PASSED_ON = Answer("Your message was passed on.", route=HANDED_OVER)


@dataclass
class ScriptedShop:
    """Notes what is pressed on cards; while it is `gone`, it can't."""

    pressed: Queue[tuple[str, str, str]] = field(default_factory=Queue)
    gone: bool = False

    async def feedback(self, showing: str, item: str, kind: str) -> None:
        if self.gone:
            raise NotFound("That was not shown there.")
        self.pressed.put((showing, item, kind))

    async def picture(self, item: str) -> bytes | None:
        drawn = io.BytesIO()
        Image.new("RGB", (64, 48), "red").save(drawn, "JPEG")
        return drawn.getvalue() if item == "red mug" else None


@dataclass
class ScriptedService:
    """The facade that the page uses. `open` and `close` belong to the loop that serves.

    A request that holds the word "wait" halts after its first words until `go_on` is called.
    """

    home: Path
    host: str = "127.0.0.1"
    registry: tuple[str, ...] = TOOLS
    turns: list[Turn] = field(default_factory=list)
    cancelled: Queue[str] = field(default_factory=Queue)

    def __post_init__(self) -> None:
        self.settings = Settings(home=self.home, host=self.host, max_request_bytes=100_000)
        self.artifacts = FileArtifactStore(
            self.home / "files", max_file_bytes=50_000, quota_bytes=1_000_000
        )
        self.admission = Admission(Bounds())
        self.links = FileLinks(b"key", 3_600)
        self.shop = SimpleNamespace(asked=ScriptedShop())
        self._gate = asyncio.Event()

    async def open(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._database = await open_database(self.settings.sqlalchemy_url)
        self.conversations = ConversationStore(self._database)
        self.handoffs = HandoffStore(self._database)
        self.keys = KeyStore(self._database)

    async def close(self) -> None:
        await self._database.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop that serves."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=30)

    def go_on(self) -> None:
        self.loop.call_soon_threadsafe(self._gate.set)

    def hold(self) -> None:
        """Let the requests that wait do so again."""
        self.loop.call_soon_threadsafe(self._gate.clear)

    async def hear(self, speech: Artifact) -> HeardReport:
        """What a spoken request says: the same, whatever it is."""
        return HeardReport(text=SPOKEN, language="en", confidence=0.9, seconds=1.0, audio=speech)

    async def run(self, turn: Turn) -> AsyncGenerator[Event, None]:
        self.turns.append(turn)
        conversation = turn.conversation_id
        assert conversation is not None
        kept: dict[str, Any] = {
            "attachments": [file.model_dump(mode="json") for file in turn.attachments]
        }
        if turn.speech is not None:
            heard = await self.hear(turn.speech)
            turn = turn.model_copy(update={"text": heard.text, "heard": heard})
            kept["heard"] = heard.model_dump(mode="json")
            yield Heard(heard=heard)
        await self.conversations.append(conversation, "user", turn.text, kept)
        try:
            async for event in self._play(turn, conversation):
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.put(turn.text)
            raise

    async def _play(self, turn: Turn, conversation: str) -> AsyncIterator[Event]:
        handoff = await self.handoffs.open_for(conversation)
        answer = PASSED_ON if handoff else self._media(turn) or script(turn)
        if "a human" in turn.text:
            handoff = await self.handoffs.open(conversation, "turn_1", "human_requested")
        yield Routed(route=answer.route)
        yield Planned(plan=answer.plan)
        for step in answer.plan.steps:
            yield StepChanged(step=StepReport(id=step.id, tool=step.tool, status="running"))
        if "wait" in turn.text:
            yield StepProgress(id="s1", fraction=0.45)
            yield TextDelta(text=answer.text[:10])
            await self._gate.wait()
            yield TextDelta(text=answer.text[10:])
        for report in answer.steps:
            yield StepChanged(step=report)
        if "wait" not in turn.text:
            for word in answer.text.split(" "):
                yield TextDelta(text=word + " ")
        outcome = Outcome(
            id="turn_1",
            conversation_id=conversation,
            answer=answer.text,
            plan=answer.plan,
            steps=answer.steps,
            citations=answer.citations,
            artifacts=answer.made,
            route=answer.route,
            usage=UsageReport(total_tokens=840, llm_calls=1),
            seconds=1.42,
            handoff=handoff.report if handoff else None,
        )
        message_id = None
        if answer is not PASSED_ON:
            message_id = await self.conversations.append(
                conversation, "assistant", answer.text, outcome.model_dump(mode="json")
            )
        yield Finished(outcome=outcome.model_copy(update={"message_id": message_id}))

    def _media(self, turn: Turn) -> Answer | None:
        """What comes with a file that is made here and now."""
        if "say it" in turn.text:
            spoken = sound("mp3", "libmp3lame", 0.5)
            return Answer("I have said it.", made=(self._made(spoken, "speech.mp3"),))
        for file in turn.attachments:
            if file.kind == "image":
                with self.artifacts.open(file.id) as content:
                    image = decode_image(content.read())
                drawn = io.BytesIO()
                marked = draw_marks(image, [Mark(BOX, "dog 98%", "dog")])
                Image.fromarray(marked).save(drawn, "PNG")
                return Answer("There is one dog.", made=(self._made(drawn.getvalue(), "dog.png"),))
        return None

    def _made(self, data: bytes, name: str) -> Artifact:
        return self.artifacts.put(data, name=name, origin="tool")


def script(turn: Turn) -> Answer:
    words = turn.text
    if "break" in words:
        raise ModelUnavailable("The language model does not answer just now. Try again.")
    if "crash" in words:
        raise RuntimeError("secret path /srv/keys")
    if "hostile" in words:
        return _hostile()
    if "a human" in words:
        return Answer("I am handing this conversation over to a person.", route=HANDED_OVER)
    if "Maria" in words:
        return _fan_out()
    if "happens" in words:
        return _video()
    if "gifts" in words:
        return _products()
    if turn.attachments:
        names = ", ".join(f"{a.name} ({a.kind}, {a.size} bytes)" for a in turn.attachments)
        return Answer(f"I have read {names}.")
    if "בעברית" in words:
        return Answer("יש לך **30 יום** להחזיר מחשב נייד.\n\nAnd this line is English.")
    return _laptop()


def _laptop() -> Answer:
    citations = (
        Citation(
            number=1,
            document="Returning laptops and other electronics",
            heading="How long you have to return a laptop",
            chunk_id="c1",
            text=PERIOD,
        ),
        Citation(
            number=2,
            document="Warranty",
            heading="Length of the warranty",
            chunk_id="c2",
            text="New laptops have a warranty of 3 years, refurbished ones of 1 year.",
        ),
    )
    question = {"question": "How long do I have to send a laptop back?"}
    return Answer(
        "You have **30 days from delivery** to send a laptop back; the 30 days begin on the day "
        "after it is delivered [1]. After that, faults are still covered by the warranty, "
        "3 years for new laptops [2].",
        Plan(steps=(Step(id="s1", tool="answer_question", args=dict(question)),)),
        (
            StepReport(
                id="s1",
                tool="answer_question",
                status="ok",
                seconds=1.31,
                result={
                    "answer": "30 days from delivery",
                    "confidence": 0.93,
                    "passages": [
                        {"document": c.document, "heading": c.heading, "score": 0.9 - c.number / 10}
                        for c in citations
                    ],
                },
            ),
        ),
        citations,
        RouteReport(
            path="router",
            confidence=0.97,
            shortlist=(
                ToolScore(tool="answer_question", confidence=0.97),
                ToolScore(tool="summarize_text", confidence=0.02),
            ),
        ),
    )


def _fan_out() -> Answer:
    text = "Maria Silva flew from Lisbon to Paris on Tuesday to meet Dr. Chen."
    steps: list[tuple[str, dict[str, Any], float, dict[str, Any] | None]] = [
        (
            "translate_text",
            {"text": text, "target_language": "fr"},
            0.82,
            {"text": "Maria Silva a pris l’avion de Lisbonne à Paris mardi."},
        ),
        ("translate_text", {"text": text, "target_language": "pt"}, 0.91, None),
        (
            "extract_entities",
            {"text": text, "types": ["person", "place"]},
            0.04,
            {
                "entities": [
                    {"text": "Maria Silva", "type": "person", "start": 0, "end": 11, "score": 0.99},
                    {"text": "Lisbon", "type": "place", "start": 22, "end": 28, "score": 0.98},
                    {"text": "Paris", "type": "place", "start": 32, "end": 37, "score": 0.97},
                    {"text": "Dr. Chen", "type": "person", "start": 57, "end": 65, "score": 0.91},
                ]
            },
        ),
    ]
    plan = Plan(
        steps=tuple(
            Step(id=f"s{n}", tool=tool, args=args) for n, (tool, args, _, _) in enumerate(steps, 1)
        )
    )
    reports = tuple(
        StepReport(
            id=f"s{n}",
            tool=tool,
            status="ok" if data else "failed",
            seconds=took,
            result=data,
            error=None
            if data
            else ErrorReport(code="model_unavailable", message="The translator is being loaded."),
        )
        for n, (tool, _, took, data) in enumerate(steps, 1)
    )
    return Answer(
        "**French:** Maria Silva a pris l’avion de Lisbonne à Paris mardi pour rencontrer le "
        "Dr Chen.\n\n**Portuguese:** this part failed: the translator is being loaded.\n\n"
        "| Name | What |\n|---|---|\n| Maria Silva | person |\n| Lisbon | place |\n"
        "| Paris | place |\n| Dr. Chen | person |\n",
        plan,
        reports,
        route=RouteReport(path="planner", confidence=0.41),
    )


def _products() -> Answer:
    items = [
        {"id": id, "title": title, "price": 9.5, "currency": "EUR", "categories": ["kitchen"]}
        | {"picture": picture, "score": 1.0, "reasons": [{"kind": "popular"}]}
        for id, title, picture in (("red mug", "Red mug", "mug.jpg"), ("jar", "Jar", None))
    ]
    return Answer(
        "1. **Red mug**\n2. **Jar**",
        Plan(steps=(Step(id="s1", tool="recommend_items", args={"request": "gifts"}),)),
        (
            StepReport(
                id="s1",
                tool="recommend_items",
                status="ok",
                seconds=0.1,
                result={"items": items, "showing": "show1"},
            ),
        ),
    )


def _video() -> Answer:
    track = {"number": 1, "label": "dog", "score": 0.8, "first_box": BOX, "last_box": BOX}
    result = {
        "text": "A dog comes at 0:02 and goes at 0:06.",
        "duration_s": 8.0,
        "shots": [{"start_s": 0.0, "end_s": 4.0}, {"start_s": 4.0, "end_s": 8.0}],
        "tracks": [{**track, "entry_s": 2.0, "exit_s": 6.0}],
        "unusual": [{"start_s": 6.0, "end_s": 7.0, "score": 4.0, "reasons": ["motion"]}],
    }
    return Answer(
        "A dog comes at 0:02 and goes at 0:06.",
        Plan(steps=(Step(id="s1", tool="analyze_video", args={}),)),
        (StepReport(id="s1", tool="analyze_video", status="ok", seconds=3.1, result=result),),
    )


def _hostile() -> Answer:
    return Answer(
        HOSTILE,
        Plan(steps=(Step(id="s1", tool="translate_text", args={"target_language": HOSTILE}),)),
        (
            StepReport(
                id="s1",
                tool="translate_text",
                status="ok",
                seconds=0.2,
                result={"text": HOSTILE, "rows": [{HOSTILE: HOSTILE}], "chips": [HOSTILE]},
                error=ErrorReport(code="x", message=HOSTILE),
            ),
        ),
        (Citation(number=1, document=HOSTILE, heading=HOSTILE, chunk_id="c", text=HOSTILE),),
        RouteReport(path="planner", confidence=0.5, resolved_request=HOSTILE),
    )


@asynccontextmanager
async def scripted_app(service: ScriptedService) -> AsyncIterator[FastAPI]:
    """The page beside the API, as it is served."""
    await service.open()
    try:
        facade = cast("Service", service)
        yield mount_page(create_app(facade), facade)
    finally:
        await service.close()
