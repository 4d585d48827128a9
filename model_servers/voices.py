"""The voices there are, and which model speaks with each; both models give sound at 24 kHz."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

SAMPLE_RATE = 24_000
"""Of all speech that is made here, in hertz."""
SLOWEST, FASTEST = 0.5, 2.0
"""Bounds of `Utterance.speed`."""

Gender = Literal["female", "male"]
Speaker = Literal["hibari", "kokoro"]


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of one model.

    Attributes:
        name: as a caller names it, such as "pf_dora".
        language: ISO 639-1.
        region: of its accent, such as "GB".
        model: the pool's name of the model that has it.
    """

    name: str
    language: str
    region: str
    gender: Gender
    model: Speaker


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence to speak, by a voice of the model that it is given to.

    Attributes:
        speed: 1 is the voice's own pace, 2 twice as fast.
    """

    text: str
    voice: Voice
    speed: float = 1.0


def _voices() -> Mapping[str, Voice]:
    kokoro: tuple[tuple[str, str, str], ...] = (
        ("en", "US", "af_heart af_alloy af_bella af_nova af_sarah"),
        ("en", "US", "am_michael am_echo am_fenrir am_onyx am_puck"),
        ("en", "GB", "bf_emma bf_isabella bm_george bm_fable"),
        ("es", "ES", "ef_dora em_alex"),
        ("fr", "FR", "ff_siwis"),
        ("hi", "IN", "hf_alpha hf_beta hm_omega hm_psi"),
        ("it", "IT", "if_sara im_nicola"),
        ("ja", "JP", "jf_alpha jf_tebukuro jm_kumo"),
        ("pt", "BR", "pf_dora pm_alex"),
        ("zh", "CN", "zf_xiaoxiao zf_xiaoyi zm_yunxi zm_yunjian"),
    )
    found = {"heart": Voice("heart", "en", "US", "female", "hibari")}
    for language, region, names in kokoro:
        for name in names.split():
            gender: Gender = "female" if name[1] == "f" else "male"
            found[name] = Voice(name, language, region, gender, "kokoro")
    return found


VOICES: Mapping[str, Voice] = _voices()
"""By name. The first voice of a language and gender is the one to take where none is named."""
