"""Which servers the settings lead to: one for the chat model, and one for a model that sees."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model_servers.chat_endpoint import FixedEndpoint
from model_servers.store import ModelStore
from model_servers.vllm import VllmServer, vllm_argv
from orchestrator.chat_models import chat_model_endpoint, seeing_model_endpoint
from orchestrator.settings import Settings


class Pulled(ModelStore):
    """A store of which these models were pulled."""

    def __init__(self, *names: str) -> None:
        super().__init__(Path("cache"))
        self._names = names

    def path(self, name: str) -> Path:
        return Path("cache") / name

    def list(self) -> Any:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model_servers.serving.is_pulled", lambda store, name: name in store._names)


def seeing(store: ModelStore, **settings: Any) -> Any:
    return seeing_model_endpoint(Settings(**settings), store)


def test_a_given_address_goes_first() -> None:
    url = "http://127.0.0.1:9/v1"
    found = seeing(Pulled("qwen3-vl-4b-instruct"), profile="gpu", vlm_base_url=url)
    assert isinstance(found, FixedEndpoint)


def test_a_model_that_sees_is_served_where_it_was_pulled_for_the_gpu() -> None:
    found = seeing(Pulled("qwen3-vl-4b-instruct"), profile="gpu")
    assert isinstance(found, VllmServer)
    argv = " ".join(vllm_argv(found.options, 1234))
    assert "--model cache/qwen3-vl-4b-instruct" in argv
    assert "--gpu-memory-utilization 0.45" in argv
    assert seeing(Pulled(), profile="gpu") is None
    assert seeing(Pulled("qwen3-vl-4b-instruct"), profile="embedded") is None


@pytest.mark.parametrize("both", [True, False])
def test_two_servers_share_the_gpu_and_one_has_it_to_itself(both: bool) -> None:
    names = ("qwen3-4b-instruct-2507", *(["qwen3-vl-4b-instruct"] if both else []))
    chat = chat_model_endpoint(Settings(profile="gpu"), Pulled(*names))
    assert isinstance(chat, VllmServer)
    assert chat.options.memory_share == (0.45 if both else None)
