"""Whatever the OpenAPI description allows, and much that it does not: never a 5xx."""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode

from tests.hostile.guarded import Guarded
from tests.hostile.test_costly_requests import CHAT, KNOWLEDGE, UPLOAD, ask

EXAMPLES = 5_000
PLAIN = "Translate this into French: Good morning"


@pytest.fixture
def known(guarded: Guarded) -> dict[str, str]:
    """Ids that exist, by the beginning of the paths that take them."""
    kept = guarded.taken("POST", CHAT, json=ask(PLAIN, switchboard={"store": True}))
    content = {"file": ("rows.csv", b"text\nthirty days\n")}
    file = guarded.taken("POST", UPLOAD, files=content, data={"purpose": "user_data"})
    document = guarded.taken("POST", KNOWLEDGE, files={"file": ("b.md", b"# B\n\nThirty days.")})
    passages = guarded.taken("POST", "/v1/kb/search", json={"query": "days"})
    task, _ = guarded.send("POST", "/v1/tasks", json={"request": PLAIN})
    return {
        "/v1/conversations/": kept["switchboard"]["conversation_id"],
        "/v1/messages/": kept["switchboard"]["message_id"],
        "/v1/traces/": kept["switchboard"]["id"],
        "/v1/files/": file["id"],
        "/v1/tasks/": task.json()["id"],
        "/v1/kb/documents/": document["data"][0]["id"],
        "/v1/kb/passages/": passages["data"][0]["chunk_id"],
        "/v1/tools/": "translate_text",
        "/v1/models/": "switchboard",
    }


def test_no_request_breaks_the_service(guarded: Guarded, known: dict[str, str]) -> None:
    description = requests.get(f"{guarded.address}/openapi.json", timeout=60).json()
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations()]
    taking = sum(_takes_something(operation) for operation in operations)
    each = math.ceil(1.1 * EXAMPLES / taking)  # some have fewer different ones
    seen: Counter[int] = Counter()
    with requests.Session() as session:
        for operation in operations:
            call = functools.partial(_call, guarded, session, known, seen)
            _many(each if _takes_something(operation) else 1, operation, call)
    assert seen.total() >= EXAMPLES
    assert seen[200] > EXAMPLES / 20, seen  # not all of it was refused at the door
    assert seen[400] > EXAMPLES / 20, seen


def _takes_something(operation: Any) -> bool:
    return bool(operation.body) or any(True for _ in operation.iter_parameters())


def _many(count: int, operation: Any, call: Any) -> None:
    """Call an operation so many times, the same way every time."""
    cases = operation.as_strategy()
    if _takes_something(operation):
        cases |= operation.as_strategy(GenerationMode.NEGATIVE)

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, like_a_client=st.booleans())
    def run(case: Case, like_a_client: bool) -> None:
        call(case, like_a_client)

    run()


def _call(
    guarded: Guarded,
    session: requests.Session,
    known: dict[str, str],
    seen: Counter[int],
    case: Case,
    like_a_client: bool,
) -> None:
    if like_a_client:  # with names and ids that exist, a request comes further
        _make_known(case, known)
    response = case.call(base_url=guarded.address, session=session, timeout=60)
    seen[response.status_code] += 1
    if response.status_code >= 500 or "Traceback" in response.text:
        raise AssertionError(f"{case.as_curl_command()}\n{response.status_code} {response.text}")


def _make_known(case: Case, known: dict[str, str]) -> None:
    if isinstance(case.body, dict) and "model" in case.body:
        case.body["model"] = "switchboard"
    for start, value in known.items():
        if case.path.startswith(start + "{") and case.path_parameters:
            case.path_parameters = dict.fromkeys(case.path_parameters, value)
