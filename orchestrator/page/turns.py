"""A turn as the page shows it: events go in, messages come out. Pure: the clock is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.conversations import StoredMessage, Thumb
from orchestrator.page import media, render
from orchestrator.page.cards import cards
from orchestrator.page.media import Link
from orchestrator.page.render import Bubble
from orchestrator.page.timeline import timeline
from orchestrator.plan import Plan, Step
from orchestrator.turn import (
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
)
from tools.analyze_video import AnalyzeVideo
from tools.artifacts import Artifact
from tools.recommend_items import RecommendItems


@dataclass(slots=True)
class TurnView:
    """What is known so far of a turn that runs.

    `key` sets its messages apart from those of other turns on the page; `started` is on the clock
    of the `now` that the methods are given, in seconds; `link` gives the addresses of files.
    """

    key: str
    started: float
    link: Link
    _route: RouteReport | None = None
    _plan: Plan = Plan()
    _steps: dict[str, StepReport] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _fractions: dict[str, float] = field(default_factory=dict)
    _pieces: list[str] = field(default_factory=list)
    _error: str | None = None
    heard: HeardReport | None = None
    outcome: Outcome | None = None

    def apply(self, event: Event, now: float) -> None:
        match event:
            case Heard(heard=heard):
                self.heard = heard
            case Routed(route=route):
                self._route = route
            case Planned(plan=plan):
                self._plan = plan
            case StepChanged(step=step):
                self._steps[step.id] = step
                self._began.setdefault(step.id, now)
            case StepProgress(id=step_id, fraction=fraction):
                self._fractions[step_id] = fraction
            case TextDelta(text=piece):
                self._pieces.append(piece)
            case Finished(outcome=outcome):
                self.outcome = outcome

    def fail(self, sentence: str) -> None:
        """The turn ended here, for this reason."""
        self._error = sentence

    def bubbles(self, now: float) -> list[Bubble]:
        if self.outcome is not None:
            return outcome(self.outcome, self.key, self.link)
        ended = self._error is not None
        shown: list[Bubble] = []
        if self._route is not None or not ended:
            shown.append(
                render.work(
                    self._headline(now, ended=ended),
                    render.route(self._route) if self._route else "",
                    key=self.key,
                    done=ended,
                )
            )
            shown.extend(
                render.step(
                    self._steps.get(step.id), step, key=self.key, note=self._note(step, now)
                )
                for step in self._plan.steps
            )
        if self._pieces:
            shown.append(render.answer("".join(self._pieces)))
        if self._error is not None:
            shown.append(render.error(self._error))
        return shown

    def _headline(self, now: float, *, ended: bool) -> str:
        took = render.seconds(now - self.started)
        if ended:
            return f"Not finished <small>{took}</small>"
        if self._route is None:
            return "Reading the request"
        if not self._plan.steps:
            return "Answering"
        finished = sum(s.status != "running" for s in self._steps.values())
        return f"Step {min(finished + 1, len(self._plan.steps))} of {len(self._plan.steps)}"

    def _note(self, step: Step, now: float) -> str | None:
        report = self._steps.get(step.id)
        if report is None or report.status != "running":
            return None
        if step.id in self._fractions:
            return f"running, {self._fractions[step.id]:.0%}"
        return f"running, {max(0.0, now - self._began[step.id]):.0f} s"


def outcome(done: Outcome, key: str, link: Link, rating: Thumb | None = None) -> list[Bubble]:
    """A finished turn: the fold with its steps, then the answer with what was made, and its thumb.

    Where nothing was done but to hand it to a person or back, that is said and no more. A message
    to the person has no answer that is kept: the banner says where it went.
    """
    if done.route.path == "handoff" and done.handoff is not None and done.handoff.id is not None:
        return [render.notice(done.answer)] if done.message_id else []
    reports = {report.id: report for report in done.steps}
    steps = [render.step(reports.get(s.id), s, key=key) for s in done.plan.steps]
    shown = [
        render.work(_summary(done), render.route(done.route, done.usage), key=key, done=True),
        *steps,
    ]
    pictured = _drawn(done.steps) + media.made(done.artifacts, link)
    if done.answer or pictured or done.error is None:
        shown.append(
            render.answer(done.answer, done.citations, done.message_id, rating, media=pictured)
        )
    if done.error is not None:
        shown.append(render.error(done.error.message))
    return shown


_DRAWN = {AnalyzeVideo.name: timeline, RecommendItems.name: cards}
"""Results that a person would rather look at, and what draws them."""


def _drawn(steps: Iterable[StepReport]) -> str:
    return "".join(
        _DRAWN[step.tool](step.result)
        for step in steps
        if step.tool in _DRAWN and step.result is not None
    )


def _summary(done: Outcome) -> str:
    if done.error is not None:
        return f"Not finished <small>{render.seconds(done.seconds)}</small>"
    count = len(done.plan.steps)
    failed = sum(report.status == "failed" for report in done.steps)
    steps = "No tool needed" if not count else "1 step" if count == 1 else f"{count} steps"
    return f"{steps}{f', {failed} failed' if failed else ''} · {render.seconds(done.seconds)}"


def stopped(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The page's messages once the person has stopped the turn that ran last."""
    shown = [_closed(message) for message in history]
    shown.append(render.notice("You stopped this request."))
    return shown


_UNFINISHED = re.compile(r'<span class="icon (?:running|waiting)">.</span>(.*)<small>[^<]*')


def _closed(message: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = message.get("metadata") or {}
    title = metadata.get("title") or ""
    if metadata.get("status") == "pending":
        title = render.work("Stopped", key="", done=True)["metadata"]["title"]
    else:
        title = _UNFINISHED.sub(r'<span class="icon skipped">–</span>\1<small>stopped', title)
    if title == (metadata.get("title") or ""):
        return message
    return {**message, "metadata": {**metadata, "title": title, "status": "done"}}


def stored(messages: Iterable[StoredMessage], link: Link) -> list[Bubble]:
    """A conversation that was kept, as the page shows it."""
    shown: list[Bubble] = []
    for message in messages:
        if message.role == "user":
            shown.append(_request(message, link))
        elif message.role == "person":
            shown.append(render.person(message.content))
        elif message.outcome is None:
            shown.append(render.answer(message.content, (), message.id, message.rating))
        else:
            # Stored before the message had its id.
            done = Outcome.model_validate({**message.outcome, "message_id": message.id})
            shown.extend(outcome(done, message.id, link, message.rating))
    return shown


def _request(message: StoredMessage, link: Link) -> Bubble:
    kept = message.outcome or {}
    files = [Artifact.model_validate(file) for file in kept.get("attachments", ())]
    names = [file.name for file in files]
    pictures = media.attached(files, link)
    return render.request(message.content, names, pictures, spoken="heard" in kept)
