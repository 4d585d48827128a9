"""The embedded chat model: a llama.cpp server process on loopback."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from model_servers.child_server import ChildServer, Launch
from model_servers.contracts import WeightsError


class LlamaServer(ChildServer):
    """llama.cpp's server on one GGUF file, in a process of its own.

    Requests that share a prefix share its work: each slot keeps what it evaluated, a request goes
    to the slot with the most similar prompt, and prompts that lost their slot are kept in memory.

    Args:
        gguf: the weights, or what gives them when the server starts, or raises WeightsError.
        context_tokens: context window; the parallel requests share it.
        parallel: requests that run at once; more of them wait.
        threads: CPU threads; None takes all cores.
        prompt_cache_mib: memory for prompts that have no slot now.
        log: file for the server's output.
    """

    native_functions = False  # llama.cpp's tool grammar depends on the GGUF's chat template
    title = "embedded chat model"

    def __init__(
        self,
        gguf: Path | Callable[[], Path],
        *,
        context_tokens: int = 8192,
        parallel: int = 2,
        threads: int | None = None,
        prompt_cache_mib: int = 512,
        model: str = "switchboard",
        log: Path | None = None,
        start_timeout_s: float = 120.0,
    ) -> None:
        super().__init__(log=log, start_timeout_s=start_timeout_s)
        self._gguf = gguf
        self._model = model
        self._settings = {
            "model": model,
            "api_key": self.api_key,
            "context_tokens": context_tokens,
            "parallel": parallel,
            "threads": threads or len(os.sched_getaffinity(0)),
            "prompt_cache_mib": prompt_cache_mib,
        }

    async def warm_up(self) -> None:
        """Start it: its first caller would wait for seconds."""
        await self.url()

    def launch(self) -> Launch:
        gguf = self._gguf() if callable(self._gguf) else self._gguf
        if not gguf.is_file():
            raise WeightsError(
                f"The chat model's weights ({gguf.name}) are missing; "
                "get them with `switchboard models pull`."
            )
        return Launch(
            argv=(sys.executable, "-m", "model_servers.llama_process"),
            first_line=json.dumps({**self._settings, "gguf": str(gguf)}),
        )

    async def model_name(self) -> str:
        return self._model
