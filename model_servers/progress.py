"""What a pull of models tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told how a pull goes; sizes in bytes. Called from several threads."""

    def waiting(self, name: str) -> None:
        """Another process is pulling this model."""

    def start(self, name: str, total_bytes: int | None, done_bytes: int) -> None:
        """A download begins (`done_bytes` were kept from before), or with None a build."""

    def advance(self, name: str, more_bytes: int) -> None: ...

    def checking(self, name: str) -> None:
        """All is here; its files are being joined and hashed."""

    def finish(self, name: str) -> None:
        """The model is ready."""


class Silent:
    """Progress that nobody watches."""

    def waiting(self, name: str) -> None: ...
    def start(self, name: str, total_bytes: int | None, done_bytes: int) -> None: ...
    def advance(self, name: str, more_bytes: int) -> None: ...
    def checking(self, name: str) -> None: ...
    def finish(self, name: str) -> None: ...
