"""The gpu profile's encoder class, on a tiny model made here with random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from model_servers.encoders import RoledText, TorchEncoder

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    plain = tmp_path_factory.mktemp("bert")
    letters = [chr(code) for code in range(97, 123)]
    words = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        ":",
        *letters,
        *(f"##{c}" for c in letters),
    ]
    (plain / "vocab.txt").write_text("\n".join(words))
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(plain)
    BertTokenizerFast(str(plain / "vocab.txt")).save_pretrained(plain)
    transformer = Transformer(str(plain))
    saved = tmp_path_factory.mktemp("encoder")
    SentenceTransformer(modules=[transformer, Pooling(16)]).save(str(saved))
    return saved


def test_prefixes_dimensions_and_order(folder: Path) -> None:
    encoder = TorchEncoder(
        folder, dimensions=8, prefixes={"query": "ask: ", "passage": ""}, device="cpu"
    )
    encoder.load()
    query, passage, spelt, long = encoder.predict(
        [
            RoledText("hello", "query"),
            RoledText("hello", "passage"),
            RoledText("ask: hello", "passage"),
            RoledText("word " * 5_000, "passage"),
        ]
    )
    assert query.shape == (8,)
    assert query.dtype == np.float32
    assert_allclose(np.linalg.norm(query), 1, rtol=1e-5)
    assert_allclose(query, spelt, atol=1e-5)
    assert not np.allclose(query, passage, atol=1e-3)
    assert np.isfinite(long).all()
    encoder.unload()
