"""Files in the conversation: pictures to look at, sound and video to play, the rest to save."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.page.markup import text
from tools.artifacts import Artifact

Link = Callable[[str], str | None]
"""Gives a file's address by its id; None where the file is not kept any more."""


def made(files: Iterable[Artifact], link: Link) -> str:
    """The files that tools made, each as a person takes it in. Ready HTML."""
    found = {file.id: file for file in files if file.origin == "tool"}
    shown = "".join(_figure(file, link(file.id)) for file in found.values())
    return f'<div class="media">{shown}</div>' if shown else ""


def attached(files: Iterable[Artifact], link: Link) -> str:
    """The pictures that came with a request, small. Ready HTML."""
    addresses = ((file, link(file.id)) for file in files if file.kind == "image")
    shown = "".join(_picture(file, address) for file, address in addresses if address)
    return f'<div class="attached">{shown}</div>' if shown else ""


def _figure(file: Artifact, address: str | None) -> str:
    if address is None:
        gone = f'<span class="chip file">{text(file.name)}</span>This file is not kept any more.'
        return f'<p class="files">{gone}</p>'
    save = f'<a href="{text(address)}" download="{text(file.name)}">{text(file.name)}</a>'
    match file.kind:
        case "image":
            content = _picture(file, address)
        case "audio":
            content = _player("audio", file, address)
        case "video":
            content = _player("video", file, address)
        case _:
            return f'<p class="files"><span class="chip file">{save}</span></p>'
    return f'<figure class="{file.kind}">{content}<figcaption>{save}</figcaption></figure>'


def _picture(file: Artifact, address: str) -> str:
    return f'<img src="{text(address)}" alt="{text(file.name)}" loading="lazy">'


def _player(element: str, file: Artifact, address: str) -> str:
    return (
        f'<{element} controls preload="metadata" src="{text(address)}" title="{text(file.name)}">'
        f"</{element}>"
    )
