"""Speaks texts: which voice, and the sound sentence by sentence."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING

from model_servers.kokoro import check_installed
from model_servers.languages import UNDETERMINED, identify
from model_servers.voices import FASTEST, SAMPLE_RATE, SLOWEST, VOICES, Utterance, Voice
from tools.errors import InvalidInput, ToolError
from tools.language_names import language_name
from tools.spoken_text import SpokenSentence, spoken_sentences

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from model_servers.pool import ModelPool

SENTENCE_PAUSE_S, PARAGRAPH_PAUSE_S = 0.35, 0.7
"""Silence after a sentence and after a paragraph, at the voice's own pace."""

_KINDS_OF_VOICE = ("female", "male", "british")
_SURE = 0.95
_LETTERS_TO_TELL = 40
_LIKELY = 0.6
_AUDIBLE = 0.01
_LEAD_S = 0.03
"""What stays of the silence around a sentence, where nothing louder than _AUDIBLE is."""


class NoVoice(ToolError):
    """No voice here speaks that language, or there is none of that name."""

    code = "voice_unavailable"


def spoken_languages() -> tuple[str, ...]:
    """The languages that have a voice, by ISO 639-1."""
    return tuple(dict.fromkeys(voice.language for voice in VOICES.values()))


def choose_voice(text: str, *, language: str | None = None, wanted: str | None = None) -> Voice:
    """The voice for a text.

    Args:
        language: the text's, ISO 639-1; read from the text where it is None.
        wanted: a voice's name, or "female", "male" or "british"; None takes the language's first.

    Raises NoVoice where the language has no such voice, VoicesMissing where it is not installed,
    InvalidInput where the text is plainly in another language than it is said to be.
    """
    spoken = _language(text, language)
    voice = _voice(spoken, wanted)
    if voice.model == "kokoro":
        check_installed()
    return voice


async def speak(
    text: str,
    voice: Voice,
    models: ModelPool,
    *,
    speed: float = 1.0,
    deadline: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> AsyncGenerator[NDArray[np.float32], None]:
    """The text's sound, a sentence with the pause after it at a time: as soon as each is there.

    Mono from -1 to 1 at `SAMPLE_RATE`. Raises InvalidInput where there is nothing to say, or the
    speed is out of bounds, and what `ModelPool.predict` raises.
    """
    check_speed(speed)
    sentences = spoken_sentences(text)
    if not sentences:
        raise InvalidInput("There is nothing in this text to read aloud.", param="text")
    heard = False
    for number, sentence in enumerate(sentences, start=1):
        utterance = Utterance(sentence.text, voice, speed)
        (samples,) = await models.predict(voice.model, [utterance], deadline=deadline)
        if len(samples):
            heard = True
            yield _with_pause(samples, sentence, speed)
        if progress is not None:
            progress(number / len(sentences))
    if not heard:
        raise InvalidInput(
            f"The voice {voice.name} can't pronounce anything in this text.", param="text"
        )


def check_speed(speed: float) -> None:
    """Raises InvalidInput where no voice can speak so fast or so slowly."""
    if not SLOWEST <= speed <= FASTEST:
        raise InvalidInput(
            f"speed: from {SLOWEST} to {FASTEST:g} is possible, and {speed:g} was asked for.",
            param="speed",
        )


def _language(text: str, given: str | None) -> str:
    guess = identify(text)
    if given is None:
        if guess.code == UNDETERMINED:
            return "en"
        # A name or a word or two in Latin letters may look like any language.
        unlikely = guess.probability < _LIKELY and guess.code not in spoken_languages()
        return "en" if unlikely else guess.code
    letters = sum(char.isalpha() for char in text)
    if guess.code != given and guess.probability >= _SURE and letters >= _LETTERS_TO_TELL:
        raise InvalidInput(
            f"This text is in {language_name(guess.code)}, not in {language_name(given)}: have it "
            "translated first, or leave the language out.",
            param="language",
        )
    return given


def _voice(language: str, wanted: str | None) -> Voice:
    own = [voice for voice in VOICES.values() if voice.language == language]
    if not own:
        listed = ", ".join(language_name(code) for code in spoken_languages())
        raise NoVoice(
            f"There is no voice that speaks {language_name(language)}; there are voices for "
            f"{listed}.",
            param="language",
        )
    if wanted is None:
        return own[0]
    fitting = [voice for voice in own if _is(voice, wanted)]
    if fitting:
        return fitting[0]
    names = ", ".join(voice.name for voice in own)
    if wanted in VOICES:
        problem = f"The voice {wanted} doesn't speak {language_name(language)}"
    elif wanted in _KINDS_OF_VOICE:
        problem = f"There is no {wanted} voice that speaks {language_name(language)}"
    else:
        problem = f"There is no voice {wanted!r}"
    raise NoVoice(f"{problem}; these do: {names}.", param="voice")


def _is(voice: Voice, wanted: str) -> bool:
    return wanted in (voice.name, voice.gender) or (wanted == "british" and voice.region == "GB")


def _with_pause(
    samples: NDArray[np.float32], sentence: SpokenSentence, speed: float
) -> NDArray[np.float32]:
    """The sentence without the silence that the model left around it, and our own after it."""
    import numpy as np

    loud = np.flatnonzero(np.abs(samples) > _AUDIBLE)
    if len(loud):
        lead = round(_LEAD_S * SAMPLE_RATE)
        samples = samples[max(0, loud[0] - lead) : loud[-1] + 1 + lead]
    pause_s = PARAGRAPH_PAUSE_S if sentence.ends_paragraph else SENTENCE_PAUSE_S
    silence = np.zeros(round(pause_s / speed * SAMPLE_RATE), dtype=np.float32)
    return np.concatenate([samples, silence])
