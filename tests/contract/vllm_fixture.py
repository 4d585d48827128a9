"""A real vLLM on the CPU, one for the session: `make test-vllm` sets up what it needs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from model_servers.store import ModelStore
from model_servers.vllm import VllmOptions, VllmServer
from orchestrator.settings import Settings

MODEL = "qwen2.5-coder-0.5b-instruct"
ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-vllm/bin/python"
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    """vLLM with a small instruct model; `await vllm_server.url()`, `.api_key`."""
    if not PYTHON.exists():
        pytest.fail("vLLM's environment is not set up: run `make test-vllm`")
    options = VllmOptions(
        model=str(_weights()),
        served_name=MODEL,
        context_tokens=8192,
        parallel=4,
        dtype="bfloat16",
        eager=True,
        python=PYTHON,
        env={**OFFLINE, "VLLM_CPU_KVCACHE_SPACE": "1"},
    )
    log = tmp_path_factory.mktemp("vllm") / "vllm.log"
    server = VllmServer(options, log=log, start_timeout_s=600)
    try:
        asyncio.run(server.url())
    except Exception:
        print(log.read_text()[-4_000:] if log.exists() else "vLLM wrote no log")
        raise
    yield server
    server.stop()


@pytest.fixture(scope="session")
def vllm_url(vllm_server: VllmServer) -> str:
    """vLLM's base URL with its /v1; its key is `vllm_server.api_key`."""
    return asyncio.run(vllm_server.url())


def _weights() -> Path:
    """The model in transformers' layout, unpacked once and kept in the cache."""
    cache = Settings().cache_dir
    gguf = ModelStore(cache).path(MODEL)
    folder = cache / "vllm" / MODEL
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            half = folder.with_name(f"{MODEL}.part")
            shutil.rmtree(half, ignore_errors=True)
            subprocess.run(
                [PYTHON, Path(__file__).with_name("gguf_to_transformers.py"), gguf, half],
                env={**os.environ, **OFFLINE},
                check=True,
            )
            half.rename(folder)
    return folder
