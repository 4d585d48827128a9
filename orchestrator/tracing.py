"""Records a request as it is worked on, and hands its trace over when it ends."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from model_servers.spans import Span, is_recorded, leaf, recording, span
from orchestrator.database import now
from orchestrator.logs import current_request, request_id, tell
from orchestrator.shapes import keeping_words, shape
from orchestrator.trace import Kind
from orchestrator.traces import Recorded, TraceStore
from orchestrator.turn import Outcome, RouteReport, StepReport

log = logging.getLogger("orchestrator.requests")

_TOKENS = ("prompt_tokens", "completion_tokens")
_TOLD = ("path", "confidence", "tools", "steps", "llm_calls", *_TOKENS)
"""What the log tells of a trace."""


class Tracer:
    """Makes traces.

    Args:
        store: gets each of them.
        versions: of models, by the name that they are called by.
        words: whether texts may be kept, masked.
    """

    def __init__(
        self, store: TraceStore, *, versions: Mapping[str, str], words: bool = False
    ) -> None:
        self._store = store
        self._versions = versions
        self._words = words

    @contextmanager
    def trace(self, trace_id: str, kind: Kind, owner: str, **attributes: Any) -> Iterator[Span]:
        """Record what is done inside; note on the span that this gives what the request was.

        At the end the trace is kept, and told in the log: in the line of the HTTP request that
        is being served, or in one of its own. Within another trace it is a span of that.
        """
        if is_recorded():
            with span(kind, **attributes) as made:
                yield made
            return
        begun_at = now()
        root: Span | None = None
        try:
            with keeping_words(self._words), recording(kind, **attributes) as root:
                yield root
        finally:
            if root is not None:
                self._keep(root, trace_id, kind, owner, begun_at)

    def _keep(self, root: Span, trace_id: str, kind: Kind, owner: str, begun_at: datetime) -> None:
        request = current_request.get()
        if request is not None and not request.told and "queued_s" in request.facts:
            root.note(queued_s=request.facts["queued_s"])
        if "llm_calls" not in root.attributes:
            root.note(**_usage(root))
        asked = request_id()
        trace = _as_json(root, trace_id, kind, asked, self._versions)
        trace["begun_at"] = begun_at.isoformat()
        self._store.keep(Recorded(trace_id, asked, owner, begun_at, trace))
        _tell(trace_id, kind, owner, root)


def note_done_before(done: RouteReport | StepReport) -> None:
    """Record what an earlier attempt at a task had done, and this one does not do again."""
    if isinstance(done, RouteReport):
        with leaf("route", path=done.path, confidence=done.confidence, done_before=True):
            return
    with leaf("step", id=done.id, tool=done.tool, status=done.status, done_before=True) as made:
        made.note(seconds=done.seconds)
        made.error = None if done.error is None else done.error.code


def outcome_facts(outcome: Outcome) -> dict[str, Any]:
    """What a trace and the log tell of how a turn ended."""
    states = Counter(step.status for step in outcome.steps)
    usage = outcome.usage
    return {
        "path": outcome.route.path,
        "confidence": outcome.route.confidence,
        "tools": [step.tool for step in outcome.plan.steps],
        "steps": dict(states),
        "llm_calls": usage.llm_calls,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "answer": shape(outcome.answer),
    }


def _tell(trace_id: str, kind: Kind, owner: str, root: Span) -> None:
    facts = {name: root.attributes[name] for name in _TOLD if name in root.attributes}
    facts["trace_id"] = trace_id
    if root.error is not None:
        facts["error"] = root.error
    request = current_request.get()
    if request is not None and not request.told:
        request.facts |= facts
    else:
        seconds = round((root.ended or root.begun) - root.begun, 4)
        tell(log, kind, owner=owner, seconds=seconds, **facts)


def _as_json(
    root: Span, trace_id: str, kind: Kind, asked: str | None, versions: Mapping[str, str]
) -> dict[str, Any]:
    now_s = time.perf_counter()

    def spans_of(parent: Span) -> list[dict[str, Any]]:
        made = []
        for child in parent.children:
            ended = now_s if child.ended is None else child.ended
            about: dict[str, Any] = {
                "name": child.name,
                "start_ms": _ms(child.begun - root.begun),
                "duration_ms": _ms(ended - child.begun),
                "attributes": _versioned(child.attributes, versions),
            }
            if child.error is not None:
                about["error"] = child.error
            if child.children:
                about["spans"] = spans_of(child)
            made.append(about)
        return made

    found = {
        "id": trace_id,
        "kind": kind,
        "request_id": asked,
        "duration_ms": _ms((now_s if root.ended is None else root.ended) - root.begun),
        "error": root.error,
        "attributes": root.attributes,
        "spans": spans_of(root),
    }
    if root.tally is not None and root.tally.dropped:
        found["dropped_spans"] = root.tally.dropped
    return found


def _usage(root: Span) -> dict[str, int]:
    """What the chat model was asked below a span, failed calls too."""
    calls = [span.attributes for span in _below(root) if span.name == "llm"]
    used = {name: sum(call.get(name, 0) for call in calls) for name in _TOKENS}
    return {"llm_calls": len(calls), **used}


def _below(root: Span) -> Iterator[Span]:
    for child in root.children:
        yield child
        yield from _below(child)


def _versioned(attributes: dict[str, Any], versions: Mapping[str, str]) -> dict[str, Any]:
    version = versions.get(str(attributes.get("model")))
    return attributes if version is None else {**attributes, "version": version}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
