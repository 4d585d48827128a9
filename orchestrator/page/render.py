"""Requests, steps, answers and lists as the page shows them. Pure: no Gradio, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypedDict

from orchestrator.conversations import ConversationSummary, Thumb
from orchestrator.page.markup import block, fold, prose, text
from orchestrator.page.results import as_json, result, share
from orchestrator.plan import Step
from orchestrator.turn import Citation, ErrorReport, RouteReport, StepReport, UsageReport
from tools.language_names import language_name

TRY_AGAIN = "Something went wrong inside the service. Please try again; its log says more."
_ICONS = {"ok": "✓", "failed": "✗", "skipped": "–", "running": "●", "waiting": "○"}
_HINT_CHARS = 60
_WORTH_SHOWING = 0.01


class Metadata(TypedDict, total=False):
    """As Gradio's chat takes it; a message with a title is a fold above the answer."""

    title: str
    id: str
    parent_id: str
    status: Literal["pending", "done"]


class Bubble(TypedDict):
    """One message in the form in which Gradio's chat takes it."""

    role: Literal["user", "assistant"]
    content: str
    metadata: Metadata


def seconds(value: float) -> str:
    """A duration for a person: "45 ms", "0.8 s", "12 s"."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def request(
    words: str, files: Iterable[str] = (), pictures: str = "", *, spoken: bool = False
) -> Bubble:
    """What the person sent; `spoken` where the words were heard, or are still listened to.

    `pictures` are ready HTML.
    """
    chips = "".join(f'<span class="chip file">{text(name)}</span>' for name in files)
    said = f'<p class="said" dir="auto">{text(words)}</p>' if words else ""
    attached = f'<p class="files">{chips}</p>' if chips else ""
    voice = f'<p class="voice">{"You said" if words else "Listening…"}</p>' if spoken else ""
    content = block("request", voice, said, pictures, attached)
    return {"role": "user", "content": content, "metadata": {}}


def answer(
    markdown: str,
    citations: Sequence[Citation] = (),
    message_id: str | None = None,
    rating: Thumb | None = None,
    *,
    media: str = "",
) -> Bubble:
    """The answer, its [1] marks as buttons, and below it what was made for it and the passages
    that it rests on. `media` is ready HTML.

    One that is stored, and so has an id, can be given a thumb.
    """
    labels = {c.number: _source(c) for c in citations}
    thumbs = _thumbs(message_id, rating) if message_id else ""
    words = f'<div class="words">{prose(markdown, labels)}</div>'
    return {
        "role": "assistant",
        "content": block("answer", words, media, _passages(citations), thumbs),
        "metadata": {},
    }


def person(markdown: str) -> Bubble:
    """What a person said who has taken over from the agent."""
    content = block("person", '<p class="who">Support</p>', prose(markdown))
    return {"role": "assistant", "content": content, "metadata": {}}


def banner(conversation: str, last_message: str | None, handoff: str, *, answered: bool) -> str:
    """That a person has the conversation. The page's script compares what it knows with it."""
    sentence = (
        "You are talking with a person. The assistant does not answer meanwhile."
        if answered
        else "A person is going to answer here. You can go on writing: all of it is passed on."
    )
    return (
        f'<p class="handoff" role="status" data-conversation="{text(conversation)}"'
        f' data-last-message="{text(last_message or "")}" data-handoff="{text(handoff)}">'
        f"{sentence}</p>"
    )


def error(sentence: str) -> Bubble:
    content = block("error", f'<p role="alert">{text(sentence)}</p>')
    return {"role": "assistant", "content": content, "metadata": {}}


def notice(sentence: str) -> Bubble:
    content = block("notice", f'<p role="status">{text(sentence)}</p>')
    return {"role": "assistant", "content": content, "metadata": {}}


def work(title: str, *parts: str, key: str, done: bool) -> Bubble:
    """The fold above an answer: what was done for it. `title` and `parts` are ready HTML."""
    return {
        "role": "assistant",
        "content": block("work", *parts),
        "metadata": {
            "title": block("work-title", title),
            "id": key,
            "status": "done" if done else "pending",
        },
    }


def step(report: StepReport | None, planned: Step, *, key: str, note: str | None = None) -> Bubble:
    """One step inside the fold. `report` is None while it waits; `note` says how far it is."""
    status = report.status if report else "waiting"
    hint = _hint(planned.args)
    when = note or (seconds(report.seconds) if report and report.seconds else status)
    title = (
        f'<span class="icon {status}">{_ICONS[status]}</span> <code>{text(planned.tool)}</code>'
        f"{' → ' + text(hint) if hint else ''} <small>{text(when)}</small>"
    )
    bubble = work(
        title,
        *(_findings(report) if report else ()),
        as_json("Arguments", planned.args),
        key=f"{key}-{planned.id}",
        done=status not in {"running", "waiting"},
    )
    bubble["metadata"]["parent_id"] = key
    # Only the whole is open while it runs; a step opens when it is asked for.
    bubble["metadata"]["status"] = "done"
    return bubble


def route(report: RouteReport, usage: UsageReport | None = None) -> str:
    """How the plan came about, in a sentence, with the tools that were considered."""
    how = {
        "router": "A clear request, planned without the language model "
        f"({share(report.confidence)} sure).",
        "planner": "Planned by the language model.",
        "chat": "Answered without a tool.",
        "handoff": "Passed on to a person.",
    }[report.path]
    parts = [f'<p class="route">{how}']
    if report.resolved_request:
        parts.append(f" Understood as “{text(report.resolved_request)}”")
    if usage and usage.llm_calls:
        calls = "one call" if usage.llm_calls == 1 else f"{usage.llm_calls} calls"
        parts.append(f" The language model took {calls} and {usage.total_tokens:,} tokens.")
    parts.append("</p>")
    considered = [s for s in report.shortlist if s.confidence >= _WORTH_SHOWING]
    if considered:
        chips = "".join(
            f'<span class="chip">{text(score.tool)} {share(score.confidence)}</span>'
            for score in considered
        )
        parts.append(f'<p class="shortlist">Considered {chips}</p>')
    return "".join(parts)


def conversations(summaries: Iterable[ConversationSummary]) -> str:
    """The side bar's list: links that work as links, too. The page marks the one it shows."""
    items = "".join(
        f'<li><a href="?conversation={text(s.id)}" data-conversation="{text(s.id)}" dir="auto"'
        f' title="{text(s.title)}">'
        f"{text(s.title)}</a></li>"
        for s in summaries
    )
    if not items:
        return '<p class="empty">Your conversations will be listed here.</p>'
    return f'<nav aria-label="Conversations"><ul class="conversations">{items}</ul></nav>'


def no_conversations(reason: str) -> str:
    """Why there is no list."""
    return f'<p class="empty" role="alert">{text(reason)}</p>'


def _thumbs(message_id: str, rating: Thumb | None) -> str:
    """Buttons for the page's own script. Gradio lets neither data nor ARIA attributes through."""
    buttons = "".join(
        f'<button type="button" class="thumb {kind}{" given" if rating == value else ""}"'
        f' value="{text(message_id)}" title="{name}"></button>'
        for kind, value, name in (("down", -1, "Dislike"), ("up", 1, "Like"))
    )
    aloud = (
        f'<button type="button" class="aloud" value="{text(message_id)}" title="Read aloud">'
        "</button>"
    )
    return f'<p class="thumbs">{buttons}{aloud}</p>'


def _findings(report: StepReport) -> tuple[str, ...]:
    parts: list[str] = []
    if report.error is not None:
        parts.append(_reason(report.error))
    if report.result is not None:
        parts.append(result(report.result))
    parts.extend(
        f'<p class="files"><span class="chip file">{text(a.name)}</span>'
        f"{text(a.media_type)}, {a.size:,} bytes</p>"
        for a in report.artifacts
    )
    return tuple(parts)


def _reason(error: ErrorReport) -> str:
    return f'<p class="reason">{text(error.message)} <small>{text(error.code)}</small></p>'


def _hint(args: Mapping[str, Any]) -> str:
    """What sets this call apart from another of the same tool."""
    language = args.get("target_language") or args.get("language")
    if isinstance(language, str):
        return language_name(language)
    labels = args.get("labels") or args.get("types")
    if isinstance(labels, list):
        joined = ", ".join(map(str, labels))
        return joined if len(joined) <= _HINT_CHARS else joined[: _HINT_CHARS - 1] + "…"
    return ""


def _source(citation: Citation) -> str:
    same = citation.heading in ("", citation.document)
    return citation.document if same else f"{citation.document} › {citation.heading}"


def _passages(citations: Sequence[Citation]) -> str:
    if not citations:
        return ""
    items = "".join(
        f'<li value="{c.number}">'
        + fold(
            text(_source(c)),
            f"<blockquote>{prose(c.text)}</blockquote>",
            name="passage",
        )
        + "</li>"
        for c in citations
    )
    return f'<div class="sources"><h4>Sources</h4><ol>{items}</ol></div>'
