"""How a request is varied while an adapter is trained."""

from __future__ import annotations

import numpy as np

from model_servers.request_reader import File
from model_servers.request_training import Labelled, _masked, _varied

NO_LABELS = np.zeros(0, dtype=np.float32)


def test_a_varied_request_says_the_same_in_the_same_places() -> None:
    text = "Who signed for Ana?"
    row = Labelled(text, (File("image", "Ana.png"),), NO_LABELS, NO_LABELS, {"asked": [(0, 19)]})
    pick = np.random.default_rng(0)
    varied = [_varied(row, pick) for _ in range(200)]
    assert {v.text for v in varied} == {text, text.lower(), text[:-1], text.lower()[:-1]}
    assert all(v.tags == row.tags for v in varied)
    names = {v.attached[0].name for v in varied}
    assert "Ana.png" in names
    assert all(name.startswith("IMG_") for name in names - {"Ana.png"})
    assert len(names) > 10


def test_of_several_files_each_keeps_its_name() -> None:
    row = Labelled(
        "both", (File("image", "a.png"), File("image", "b.png")), NO_LABELS, NO_LABELS, {}
    )
    pick = np.random.default_rng(0)
    assert {_varied(row, pick).attached for _ in range(50)} == {row.attached}


def test_some_tokens_are_masked_but_never_the_frame() -> None:
    ids, pick = np.arange(100, 150), np.random.default_rng(0)
    masked = [_masked(ids, 7, pick) for _ in range(200)]
    assert all(one[0] == ids[0] and one[-1] == ids[-1] for one in masked)
    assert all(((one == ids) | (one == 7)).all() for one in masked)
    assert 0.03 < np.mean([(one == 7).mean() for one in masked]) < 0.09
