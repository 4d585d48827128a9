"""After `switchboard models pull`, every embedded model works with the network cut."""

from __future__ import annotations

import subprocess

import pytest

from tests.offline import without_network

pytestmark = pytest.mark.models


def cut(*python_args: str) -> subprocess.CompletedProcess[str]:
    command = without_network(python_args)
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def run(*python_args: str) -> str:
    done = cut(*python_args)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


REACH_OUT = """
import socket
for address in (("192.0.2.1", 80), ("2001:db8::1", 80), ("example.com", 80)):
    try:
        socket.create_connection(address, timeout=5)
    except OSError:
        continue
    raise SystemExit(f"{address} was reached")
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
print("only loopback")
"""


def test_the_cut_leaves_nothing_but_loopback() -> None:
    done = cut("-c", REACH_OUT)
    assert "was reached" not in done.stderr
    assert done.stdout == "only loopback\n"


PULL = """
import sys
from orchestrator.cli import main
sys.argv = ["switchboard", "models", "pull"]
main()
"""


def test_a_second_pull_needs_no_network() -> None:
    assert "ready: " in run("-c", PULL)


LOAD_ALL = """
from model_servers.languages import identify
from model_servers.serving import factories
from model_servers.store import ModelStore
from orchestrator.settings import get_settings

for name, make in factories("embedded", ModelStore(get_settings().cache_dir), threads=1).items():
    model = make()
    model.load()
    model.unload()
    print(name)
print(identify("Wo ist mein Paket geblieben?").code)
"""


def test_every_model_in_process_loads() -> None:
    *loaded, language = run("-c", LOAD_ALL).split()
    assert {"minilm", "e5", "sentiment", "ner-en", "nmt-en-pt", "nmt-pt-en"} <= set(loaded)
    assert language == "de"


CHAT = """
import asyncio
from model_servers.chat import LiteLLMChat
from model_servers.contracts import ChatMessage
from model_servers.llama import LlamaServer
from model_servers.store import ModelStore
from orchestrator.settings import get_settings

async def ask():
    gguf = ModelStore(get_settings().cache_dir).path("qwen2.5-coder-1.5b-instruct")
    server = LlamaServer(gguf, context_tokens=1024, parallel=1)
    try:
        question = ChatMessage("user", "What is the capital of France? One word.")
        print((await LiteLLMChat(server).complete([question], max_tokens=8)).text)
    finally:
        await server.close()

asyncio.run(ask())
"""


@pytest.mark.llm
def test_the_chat_model_answers() -> None:
    assert "Paris" in run("-c", CHAT)
