"""The chat model on vLLM: a server process in an environment of its own.

A vLLM that someone else runs is attached to by its URL: see chat_endpoint.FixedEndpoint.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from model_servers.child_server import ChildServer, Launch


@dataclass(frozen=True, slots=True)
class VllmOptions:
    """How vLLM serves a model.

    Attributes:
        model: a hub name, or a folder in transformers' layout.
        served_name: the name that clients use; the model's own by default.
        revision: the hub's commit.
        context_tokens: context window; None takes the model's.
        parallel: sequences that run at once; None takes vLLM's default.
        tensor_parallel: GPUs that share the model.
        memory_share: of each GPU's memory that the server takes; None takes vLLM's default, which
            leaves no room for another.
        quantization: as vLLM names it ("fp8", "awq", …); None reads it from the model.
        prefix_caching: keep the work on shared prompt prefixes.
        tool_parser: vLLM's parser of the model's tool calls.
        dtype: of weights and activations.
        eager: no CUDA graphs and no compilation: a faster start, slower tokens.
        python: interpreter of the environment that vLLM is installed in; None takes this one.
        env: variables set for the server on top of our own.
    """

    model: str
    served_name: str | None = None
    revision: str | None = None
    context_tokens: int | None = None
    parallel: int | None = None
    tensor_parallel: int = 1
    memory_share: float | None = None
    quantization: str | None = None
    prefix_caching: bool = True
    tool_parser: str = "hermes"
    dtype: str = "auto"
    eager: bool = False
    python: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)


class VllmServer(ChildServer):
    """vLLM's OpenAI-compatible server in a child process.

    Args:
        options: what it serves, and how.
        log: file for the server's output.
        start_timeout_s: loading, compiling and warming up a large model takes minutes.
    """

    native_functions = True
    title = "vLLM server"

    def __init__(
        self, options: VllmOptions, *, log: Path | None = None, start_timeout_s: float = 1_800.0
    ) -> None:
        super().__init__(log=log, start_timeout_s=start_timeout_s)
        self.options = options

    async def warm_up(self) -> None:
        """Nothing: it takes minutes and most of a GPU, so it starts when it is first asked for."""

    def launch(self) -> Launch:
        port = _free_port()
        return Launch(
            # vLLM knows nothing of the pipe that ties it to us.
            argv=(sys.executable, "-m", "model_servers.leash", *vllm_argv(self.options, port)),
            env={
                "VLLM_NO_USAGE_STATS": "1",
                "DO_NOT_TRACK": "1",
                **self.options.env,
                "VLLM_API_KEY": self.api_key,
            },
            url=f"http://127.0.0.1:{port}",
        )

    async def model_name(self) -> str:
        return self.options.served_name or self.options.model


def vllm_argv(options: VllmOptions, port: int) -> tuple[str, ...]:
    """The command that serves `options` on loopback at `port`."""
    # `vllm serve` is the same, but asks for a distribution of that name; CPU builds have another.
    argv = [str(options.python or sys.executable), "-m", "vllm.entrypoints.openai.api_server"]
    argv += ["--model", options.model, "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--dtype", options.dtype]
    argv += ["--tensor-parallel-size", str(options.tensor_parallel)]
    argv += ["--enable-auto-tool-choice", "--tool-call-parser", options.tool_parser]
    argv.append(
        "--enable-prefix-caching" if options.prefix_caching else "--no-enable-prefix-caching"
    )
    argv.append("--enable-prompt-tokens-details")  # tells what the prefix cache served
    for flag, value in (
        ("--served-model-name", options.served_name),
        ("--revision", options.revision),
        ("--max-model-len", options.context_tokens),
        ("--max-num-seqs", options.parallel),
        ("--gpu-memory-utilization", options.memory_share),
        ("--quantization", options.quantization),
    ):
        if value is not None:
            argv += [flag, str(value)]
    if options.eager:
        argv.append("--enforce-eager")
    return tuple(argv)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
