"""What vLLM is started with, and which endpoint the settings pick."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import pytest

from model_servers.chat_endpoint import ChatEndpoint, FixedEndpoint, chat_endpoint
from model_servers.llama import LlamaServer
from model_servers.vllm import VllmOptions, VllmServer, vllm_argv


def pairs(argv: tuple[str, ...]) -> dict[str, str]:
    return dict(itertools.pairwise(argv))


def test_defaults_leave_the_rest_to_vllm() -> None:
    argv = vllm_argv(VllmOptions(model="Qwen/Qwen3-4B-Instruct-2507"), port=7001)
    assert argv[:3] == (sys.executable, "-m", "vllm.entrypoints.openai.api_server")
    values = pairs(argv)
    assert values["--model"] == "Qwen/Qwen3-4B-Instruct-2507"
    assert (values["--host"], values["--port"]) == ("127.0.0.1", "7001")
    assert values["--tool-call-parser"] == "hermes"
    assert "--enable-prefix-caching" in argv
    assert not {"--quantization", "--revision", "--max-model-len", "--enforce-eager"} & {*argv}


def test_every_option_reaches_the_command_line() -> None:
    options = VllmOptions(
        model="org/model",
        served_name="switchboard",
        revision="abc",
        context_tokens=16_384,
        parallel=64,
        tensor_parallel=4,
        quantization="fp8",
        prefix_caching=False,
        tool_parser="qwen3_xml",
        dtype="bfloat16",
        eager=True,
        python=Path("/opt/vllm/bin/python"),
    )
    argv = vllm_argv(options, port=7001)
    assert argv[0] == "/opt/vllm/bin/python"
    assert pairs(argv).items() >= {
        ("--served-model-name", "switchboard"),
        ("--revision", "abc"),
        ("--max-model-len", "16384"),
        ("--max-num-seqs", "64"),
        ("--tensor-parallel-size", "4"),
        ("--quantization", "fp8"),
        ("--tool-call-parser", "qwen3_xml"),
        ("--dtype", "bfloat16"),
    }
    assert {"--no-enable-prefix-caching", "--enforce-eager"} <= {*argv}


def test_the_key_is_no_part_of_the_public_command_line() -> None:
    server = VllmServer(VllmOptions(model="m", env={"HF_HUB_OFFLINE": "1", "VLLM_API_KEY": "x"}))
    launch = server.launch()
    assert server.api_key not in " ".join(launch.argv)
    assert launch.env["VLLM_API_KEY"] == server.api_key
    assert launch.env["HF_HUB_OFFLINE"] == "1"
    assert launch.url is not None
    assert launch.url.rpartition(":")[2] in launch.argv


async def test_the_served_name_is_what_clients_ask_for() -> None:
    assert await VllmServer(VllmOptions(model="org/m")).model_name() == "org/m"
    named = VllmServer(VllmOptions(model="org/m", served_name="chat"))
    assert await named.model_name() == "chat"


def pick(**changed: Any) -> ChatEndpoint:
    def never() -> Path:
        raise AssertionError("the weights are wanted only when the server starts")

    values: dict[str, Any] = {
        "base_url": None,
        "model": None,
        "api_key": None,
        "profile": "embedded",
        "gguf": never,
        "vllm": VllmOptions(model="m"),
        "context_tokens": 4096,
        "parallel": 2,
        "log_folder": Path("logs"),
    }
    return chat_endpoint(**{**values, **changed})


@pytest.mark.parametrize("profile", ["embedded", "gpu"])
async def test_a_given_url_goes_before_the_profile(profile: str) -> None:
    endpoint = pick(base_url="http://127.0.0.1:9/v1/", model="m", api_key="k", profile=profile)
    assert isinstance(endpoint, FixedEndpoint)
    assert await endpoint.url() == "http://127.0.0.1:9/v1"
    assert await endpoint.model_name() == "m"
    assert endpoint.api_key == "k"


def test_a_profile_has_its_own_server() -> None:
    assert isinstance(pick(), LlamaServer)
    assert isinstance(pick(profile="gpu"), VllmServer)
