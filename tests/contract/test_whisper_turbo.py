"""The gpu profile's Whisper on a tiny model made here, with random weights and turbo's shapes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.hibari import Hibari
from model_servers.voices import SAMPLE_RATE as SPOKEN_RATE
from model_servers.voices import VOICES, Utterance
from model_servers.whisper import SAMPLE_RATE, Heard, Recording
from model_servers.whisper_turbo import WhisperTurbo

pytestmark = pytest.mark.models

MELS = 128
"""Of large-v3's spectrum; every smaller Whisper has 80."""
LANGUAGES = ("en", "zh", "de", "pt")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from ctranslate2.converters.transformers import WhisperLoader
    from tokenizers import AddedToken, Tokenizer
    from tokenizers.decoders import ByteLevel as ByteLevelDecoder
    from tokenizers.models import BPE
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(5)
    made = tmp_path_factory.mktemp("turbo")
    letters = sorted(ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE({letter: i for i, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    tasks = ("translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps")
    special = ["endoftext", "startoftranscript", *LANGUAGES, *tasks]
    tokenizer.add_special_tokens([AddedToken(f"<|{name}|>", special=True) for name in special])
    tokenizer.add_tokens([AddedToken(f"<|{step * 0.02:.2f}|>") for step in range(1501)])
    tokenizer.save(str(made / "tokenizer.json"))
    (made / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))

    size = tokenizer.get_vocab_size()
    end, start = (tokenizer.token_to_id(f"<|{name}|>") for name in special[:2])
    config = WhisperConfig(
        vocab_size=size,
        num_mel_bins=MELS,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
    )
    spec = WhisperLoader().get_model_spec(WhisperForConditionalGeneration(config).eval())
    spec.register_vocabulary([tokenizer.id_to_token(i) for i in range(size)])
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [end]
    spec.config.alignment_heads = [[0, 0]]
    spec.config.lang_ids = [tokenizer.token_to_id(f"<|{name}|>") for name in LANGUAGES]
    spec.validate()
    spec.optimize(quantization="float16")
    spec.save(str(made))
    return made


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    voice = Hibari(threads=1)
    voice.load()
    (spoken,) = voice.predict([Utterance("Where is my order? It has not come.", VOICES["heart"])])
    voice.unload()
    assert not isinstance(spoken, ItemError)
    times = np.arange(0, len(spoken) / SPOKEN_RATE, 1 / SAMPLE_RATE)
    return np.interp(times * SPOKEN_RATE, np.arange(len(spoken)), spoken).astype(np.float32)


def test_recordings_become_segments_with_times(folder: Path, speech: NDArray[np.float32]) -> None:
    model = WhisperTurbo(folder, threads=1)
    model.load()
    silence = np.zeros(SAMPLE_RATE, np.float32)
    told, still, unknown = model.predict(
        [
            Recording(speech, language="en"),
            Recording(silence, language="en"),
            Recording(speech, language="xx"),
        ]
    )
    assert isinstance(told, Heard)
    assert (told.language, told.language_probability) == ("en", 1.0)
    assert told.segments
    for segment in told.segments:
        assert 0 <= segment.start_s <= segment.end_s <= len(speech) / SAMPLE_RATE + 0.1
        assert segment.tokens
    assert isinstance(still, Heard)
    assert still.segments == ()
    assert isinstance(unknown, ItemError)
    assert "'xx'" in unknown.message
    model.unload()
