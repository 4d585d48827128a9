"""One service for all hostile requests: whatever they are, it must go on serving."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.guarded import Guarded, guarded_service


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_service(tmp_path_factory.mktemp("home")) as service:
        # What is loaded once, by the first who needs it, is no request's cost.
        body = {
            "model": "switchboard",
            "messages": [{"role": "user", "content": "Translate this into French: Good morning"}],
        }
        service.send("POST", "/v1/chat/completions", json=body)
        service.send("POST", "/v1/kb/documents", files={"file": ("days.md", b"# Days\n\nThirty.")})
        yield service
