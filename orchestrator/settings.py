"""The one settings object, and the only reader of the environment.

Every field is read from `SWITCHBOARD_<NAME>`; layers below get values, never this object.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, IPvAnyNetwork, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Profile = Literal["embedded", "gpu"]


class Settings(BaseSettings):
    """Frozen; times in seconds, sizes in bytes unless the name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="SWITCHBOARD_", frozen=True, extra="ignore")

    home: Path = Path(".switchboard")
    """Database, vectors, artifacts and the lock of the running service."""
    cache: Path = Path("~/.cache/switchboard")
    """Models, shared by all checkouts."""
    profile: Profile = "embedded"

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65_535)
    api_key: SecretStr | None = None
    """What commands show to a running service that asks for a key."""
    debug: bool = False
    """Show the traceback of an internal error on the command line."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] | None = None
    """Default is text on a terminal, JSON lines elsewhere."""
    traces_kept: int = Field(default=10_000, ge=0)
    """The newest traces that stay in the database; 0 keeps none."""
    trace_text: bool = False
    """Keep texts in traces and errors' words in the log, masked; else only their sizes."""

    database_url: str | None = None
    """SQLAlchemy URL; default is SQLite in `home`. PostgreSQL: postgresql+psycopg://…"""
    qdrant_url: str | None = None
    """A Qdrant server or cluster; default is Qdrant Edge in `home`."""
    qdrant_api_key: SecretStr | None = None

    llm_base_url: str | None = None
    """Any OpenAI-compatible endpoint, with its /v1; default is the profile's own server."""
    llm_model: str | None = None
    llm_api_key: SecretStr | None = None
    llm_context_tokens: int = Field(default=8192, ge=1024)
    llm_parallel: int = Field(default=2, ge=1, le=256)

    llm_timeout_s: float = Field(default=120.0, gt=0)
    warm_up: bool = True
    """Whether `serve` starts the embedded chat model, and imports what is slow to import, before
    someone asks."""

    vlm_base_url: str | None = None
    """An OpenAI-compatible endpoint, with its /v1, whose model sees pictures; questions about
    pictures need one. It may be the chat model's own."""
    vlm_model: str | None = None
    vlm_api_key: SecretStr | None = None

    vllm_model: str | None = None
    vllm_tensor_parallel: int = Field(default=1, ge=1)
    vllm_quantization: str | None = None
    vllm_prefix_caching: bool = True
    vllm_tool_parser: str = "hermes"
    vllm_python: Path | None = None
    """The interpreter of the environment that vLLM is installed in."""

    models_memory_mb: int = Field(default=6_000, ge=500)
    """What the models of this process may take together, the chat model's server aside: for one
    more, those go whose last use is longest ago, and never one that is at work."""
    models_idle_s: float = Field(default=900.0, gt=0)
    """A model that nobody used for so long is unloaded, and its memory given back."""

    artifacts_quota_mb: int = Field(default=2_000, ge=10)
    artifacts_kept_days: float = Field(default=30.0, gt=0)
    """How long files stay that came with requests or were made; uploads stay until deleted."""
    file_links_s: float = Field(default=86_400.0, gt=0)
    """How long links to files work, at least."""
    fetch_allowed: tuple[IPvAnyNetwork, ...] = ()
    """Networks that files may be fetched from although they are not public, such as 10.1.0.0/16."""
    request_timeout_s: float = Field(default=180.0, gt=0)
    """For all of a request: the wait for its turn, its plan, every step and model call."""
    max_steps: int = Field(default=12, ge=1, le=64)
    max_llm_calls: int = Field(default=400, ge=1)
    max_completion_tokens: int = Field(default=100_000, ge=1)
    """Tokens that the chat model may write for one request, and how often it may be called."""
    grace_s: float = Field(default=30.0, ge=0)
    """How long requests in flight may go on after SIGTERM."""

    max_running: int = Field(default=16, ge=1)
    """Requests at work at once. Most need no chat model; those that do queue for its slots."""
    max_waiting: int = Field(default=64, ge=0)
    """Requests that wait for their turn; one more is refused with 429."""
    max_running_per_key: int = Field(default=12, ge=1)
    max_waiting_per_key: int = Field(default=32, ge=0)

    task_workers: int = Field(default=2, ge=1, le=64)
    """Tasks at work at once, beside the requests."""
    task_timeout_s: float = Field(default=3_600.0, gt=0)
    """For the plan and the steps of a task, anew after a restart."""

    max_request_bytes: int = Field(default=32 * 1024 * 1024, ge=1024)
    max_prompt_chars: int = Field(default=100_000, ge=100)
    max_messages: int = Field(default=200, ge=1)
    route_threshold: float = Field(default=0.3, ge=0, le=1)
    """Confidence from which the router's plan is used without asking the LLM."""

    @property
    def home_dir(self) -> Path:
        return self.home.expanduser().resolve()

    @property
    def cache_dir(self) -> Path:
        return self.cache.expanduser().resolve()

    @property
    def sqlalchemy_url(self) -> str:
        """Async URL of the state's database."""
        return self.database_url or f"sqlite+aiosqlite:///{self.home_dir / 'switchboard.db'}"


@cache
def get_settings() -> Settings:
    """The process's settings, read once."""
    return Settings()
