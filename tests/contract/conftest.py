"""Servers that the contract tests share: here, so that one of each serves the whole session."""

from __future__ import annotations

from tests.contract.llama_fixture import llama_server
from tests.contract.vllm_fixture import vllm_server, vllm_url

__all__ = ["llama_server", "vllm_server", "vllm_url"]
