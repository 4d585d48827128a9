"""The embedded chat model's server, one for the session."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_servers.llama import LlamaServer
from model_servers.store import ModelStore
from orchestrator.settings import Settings


def embedded_weights() -> Path:
    """The embedded chat model's GGUF file."""
    return ModelStore(Settings().cache_dir).path("qwen2.5-coder-1.5b-instruct")


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """llama.cpp on the embedded chat model."""
    log = tmp_path_factory.mktemp("llama") / "llama.log"
    server = LlamaServer(embedded_weights(), context_tokens=4096, parallel=2, log=log)
    asyncio.run(server.url())
    yield server
    server.stop()
