"""Links to files, and answers that end with them."""

from __future__ import annotations

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.file_links import FileLinks, without_files_shown
from tools.artifacts import Artifact, ArtifactKind, clean_name

LINKS = FileLinks(b"key", 3_600)


@st.composite
def files(draw: st.DrawFn) -> Artifact:
    return Artifact(
        id=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
        kind=draw(st.sampled_from(get_args(ArtifactKind))),
        media_type="application/octet-stream",
        size=draw(st.integers(0, 3)),
        name=clean_name(draw(st.text())),
        origin="tool",
    )


@given(st.text(), st.lists(files(), max_size=3))
def test_what_is_shown_is_taken_off_again(said: str, made: list[Artifact]) -> None:
    shown = LINKS.shown(made, "http://127.0.0.1:8000/")
    assert bool(shown) == any(file.size for file in made)
    # Line ends before the links are theirs.
    assert without_files_shown(said + shown) == (said.rstrip("\n") if shown else said)


def test_each_file_is_shown_once_and_a_picture_as_one() -> None:
    facts = {"id": "a" * 64, "media_type": "image/png", "size": 3, "origin": "tool"}
    picture = Artifact(kind="image", name="a [b].png", **facts)
    sound = Artifact(kind="audio", name="c.wav", **facts | {"id": "b" * 64})
    shown = LINKS.shown([picture, sound, picture], "https://shop.example/")
    first, second = shown.removeprefix("\n\n").split("\n")
    assert first == rf"![a \[b\].png](https://shop.example{LINKS.link('a' * 64)})"
    assert second == f"[c.wav](https://shop.example{LINKS.link('b' * 64)})"


def test_links_within_a_text_stay() -> None:
    shown = LINKS.shown([], "") + f"[a](http://x{LINKS.link('a' * 64)}) is it."
    assert without_files_shown(shown) == shown
