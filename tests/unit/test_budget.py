"""One budget for all models that a request asks."""

from __future__ import annotations

import pytest

from model_servers.contracts import ChatMessage
from orchestrator.budget import BudgetExceeded, MeteredChat

from .small_tools import FakeChat

ASKED = [ChatMessage("user", "What is it?")]


async def test_what_a_model_beside_is_asked_counts_too() -> None:
    chat = MeteredChat(FakeChat("words"), max_calls=2, max_completion_tokens=100)
    seeing = chat.beside(FakeChat("a cat", "a dog"))
    await chat.complete(ASKED, max_tokens=10)
    reply = await seeing.complete(ASKED, max_tokens=10)
    assert reply.text == "a cat"
    assert chat.calls == seeing.calls == 2
    assert chat.usage == seeing.usage
    assert chat.usage.completion_tokens == len("words") + len("a cat")
    for model in (chat, seeing):
        with pytest.raises(BudgetExceeded):
            await model.complete(ASKED, max_tokens=10)
