"""Which chat models the settings lead to, and where they are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import SecretStr

    from model_servers.chat_endpoint import ChatEndpoint
    from model_servers.store import ModelStore
    from orchestrator.settings import Settings

_EMBEDDED_CHAT = "qwen2.5-coder-1.5b-instruct"
_GPU_CHAT = "qwen3-4b-instruct-2507"
_GPU_SEEING = "qwen3-vl-4b-instruct"
_SHARED_GPU = 0.45
"""Of a GPU's memory for each of our two vLLM servers, where there are two."""


def chat_model_of(settings: Settings) -> str:
    """The name of the chat model that the settings lead to."""
    if settings.llm_base_url is not None:
        return settings.llm_model or "the endpoint's own"
    if settings.profile == "embedded":
        return _EMBEDDED_CHAT
    return settings.vllm_model or _GPU_CHAT


def model_versions(settings: Settings) -> dict[str, str]:
    """Of the models, by the names that they are called by; of a chat model where it is ours."""
    from model_servers.catalog import load_catalog
    from model_servers.serving import versions

    own = chat_model_of(settings)
    catalog = load_catalog()
    chat = {"switchboard": catalog.version(own)} if own in (_EMBEDDED_CHAT, _GPU_CHAT) else {}
    return versions(settings.profile) | chat


def chat_model_endpoint(settings: Settings, store: ModelStore) -> ChatEndpoint:
    """Where the chat model is served: nothing is started or looked up for a given URL."""
    from model_servers.chat_endpoint import chat_endpoint
    from model_servers.serving import is_pulled
    from model_servers.vllm import VllmOptions

    own_vllm = settings.profile == "gpu" and settings.llm_base_url is None
    pulled = str(store.path(_GPU_CHAT)) if own_vllm and settings.vllm_model is None else ""
    beside = own_vllm and settings.vlm_base_url is None and is_pulled(store, _GPU_SEEING)
    return chat_endpoint(
        base_url=settings.llm_base_url,
        model=settings.llm_model,
        api_key=secret(settings.llm_api_key),
        profile=settings.profile,
        gguf=lambda: store.path(_EMBEDDED_CHAT),
        vllm=VllmOptions(
            model=settings.vllm_model or pulled,
            served_name="switchboard",
            context_tokens=settings.llm_context_tokens,
            parallel=settings.llm_parallel,
            tensor_parallel=settings.vllm_tensor_parallel,
            memory_share=_SHARED_GPU if beside else None,
            quantization=settings.vllm_quantization,
            prefix_caching=settings.vllm_prefix_caching,
            tool_parser=settings.vllm_tool_parser,
            python=settings.vllm_python,
        ),
        context_tokens=settings.llm_context_tokens,
        parallel=settings.llm_parallel,
        log_folder=settings.home_dir / "logs",
    )


def seeing_model_endpoint(settings: Settings, store: ModelStore) -> ChatEndpoint | None:
    """Where a chat model that sees pictures is served: at a given URL, or, where one was pulled for
    the gpu profile, by a vLLM of ours. None where there is none."""
    from model_servers.chat_endpoint import FixedEndpoint
    from model_servers.serving import is_pulled
    from model_servers.vllm import VllmOptions, VllmServer

    if settings.vlm_base_url is not None:
        key = secret(settings.vlm_api_key)
        return FixedEndpoint(settings.vlm_base_url, model=settings.vlm_model, api_key=key)
    if settings.profile != "gpu" or not is_pulled(store, _GPU_SEEING):
        return None
    options = VllmOptions(
        model=str(store.path(_GPU_SEEING)),
        served_name="switchboard-vision",
        context_tokens=settings.llm_context_tokens,
        parallel=settings.llm_parallel,
        tensor_parallel=settings.vllm_tensor_parallel,
        memory_share=_SHARED_GPU,
        python=settings.vllm_python,
    )
    return VllmServer(options, log=settings.home_dir / "logs" / "vllm-vision.log")


def secret(value: SecretStr | None) -> str | None:
    """What a setting hides."""
    return None if value is None else value.get_secret_value()
