"""What is said in a recording, with times, by Whisper on CTranslate2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from model_servers.contracts import ItemError
from model_servers.repeats import repeats_itself, said_once
from model_servers.whisper_alignment import timed_words

SAMPLE_RATE = 16_000
"""Of what it listens to, in hertz."""

_STARTS = {"zh": "以下是普通话的句子。", "hi": "यह वाक्य हिन्दी में है।"}
"""Said before a language, so that it is written in simplified characters and with punctuation, and
not in the letters of Urdu."""
_VOICED = 0.35
"""Probability of a voice from which a passage is listened to: low, as a short word over a bad line
has little, and noise far less."""
_LEAD_S, _TAIL_S = 0.5, 1.0
"""Silence put before and after: without it the end of a short recording is not noticed, and words
are made up."""
_DETECTED_S = 30
"""How much of a recording its language is told by."""
_SHORT_S = 6.0
_TOKENS_A_SECOND = 25
"""Ten syllables a second are fast speech; the scripts that take most have two to three each."""
_FURTHER_TOKENS = 20
"""Marks, times, and what begins a text."""
_WINDOW_TOKENS = 448
_LONGEST_PROMPT = 223
"""Of Whisper, for what it may write with what it is told, and for each of what it is told."""
_TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Tried in turn where a passage comes out garbled."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A passage to listen to; a minute or two, as all of its spectrum is held at once.

    Attributes:
        samples: mono at SAMPLE_RATE from -1 to 1, shape (samples,).
        language: ISO 639-1; None has it detected.
        hints: words that are expected, separated by spaces.
        before: what was said just before.
        to_english: whether to write down an English translation instead.
        temperature: 0 takes the likeliest words; up to 1, more varied ones.
        words: whether to tell when each word is said, which takes longer.
    """

    samples: NDArray[np.float32]
    language: str | None = None
    hints: str | None = None
    before: str | None = None
    to_english: bool = False
    temperature: float = 0.0
    words: bool = False


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word with its white space and punctuation, its times in seconds, and how likely it is."""

    text: str
    start_s: float
    end_s: float
    probability: float


@dataclass(frozen=True, slots=True)
class HeardSegment:
    """A sentence or a part of one; times in seconds from the recording's start.

    Attributes:
        words: empty where they were not asked for.
        tokens: of its text, in Whisper's vocabulary.
        temperature: at which it came out.
        log_probability: mean of its tokens'.
        compression_ratio: of its text by gzip; high where it repeats itself.
        no_speech_probability: that nothing is said in the half minute around it.
    """

    text: str
    start_s: float
    end_s: float
    words: tuple[HeardWord, ...]
    tokens: tuple[int, ...]
    temperature: float
    log_probability: float
    compression_ratio: float
    no_speech_probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard; no segments where nobody speaks.

    Attributes:
        language: the one given, or the likeliest; None where nobody speaks.
        language_probability: 1 where it was given.
    """

    segments: tuple[HeardSegment, ...]
    language: str | None
    language_probability: float


_NOTHING = Heard((), None, 0.0)


class Whisper:
    """Listens to recordings, one after the other. Passages without a voice are passed over.

    Args:
        folder: a Whisper model as CTranslate2 saves it, with its tokenizer.
        threads: that one recording may use.
    """

    memory_mb: ClassVar[float] = 450
    max_batch: ClassVar[int] = 1
    device: ClassVar[str] = "cpu"
    compute_type: ClassVar[str] = "int8"

    def __init__(self, folder: Path, threads: int) -> None:
        self._folder = folder
        self._threads = threads
        self._model: Any = None

    def load(self) -> None:
        from faster_whisper import WhisperModel

        self._model = WhisperModel(
            str(self._folder),
            device=self.device,
            compute_type=self.compute_type,
            cpu_threads=self._threads,
            local_files_only=True,
        )

    def predict(self, batch: Sequence[Recording]) -> list[Heard | ItemError]:
        return [self._listen(recording) for recording in batch]

    def unload(self) -> None:
        self._model = None

    def _listen(self, recording: Recording) -> Heard | ItemError:
        from faster_whisper.transcribe import restore_speech_timestamps
        from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps

        voiced = get_speech_timestamps(recording.samples, VadOptions(threshold=_VOICED))
        if not voiced:
            return _NOTHING
        samples = np.concatenate(collect_chunks(recording.samples, voiced)[0])
        language, probability = recording.language, 1.0
        if language is not None and language not in self._model.supported_languages:
            return ItemError(
                f"Speech in the language {language!r} can't be written down here; leave the "
                "language out to have it detected."
            )
        if language is None:
            language, probability, _ = self._model.detect_language(
                samples[: _DETECTED_S * SAMPLE_RATE]
            )
        start = None if recording.to_english else _STARTS.get(language)
        padded = np.pad(samples, (round(_LEAD_S * SAMPLE_RATE), round(_TAIL_S * SAMPLE_RATE)))
        task = "translate" if recording.to_english else "transcribe"
        most_tokens = self._most_tokens(
            len(samples) / SAMPLE_RATE, recording.hints, recording.before or start
        )
        segments, _ = self._model.transcribe(
            padded,
            language=language,
            task=task,
            hotwords=recording.hints,
            initial_prompt=recording.before or start,
            temperature=_temperatures(recording.temperature),
            word_timestamps=recording.words,
            max_new_tokens=most_tokens,
            # What was cut off by that is no help for what comes next.
            condition_on_previous_text=most_tokens is None,
        )
        timed = self._timed(segments, padded, language, task)
        unpadded = _unpadded(timed, len(samples) / SAMPLE_RATE)
        restored = restore_speech_timestamps(unpadded, voiced, SAMPLE_RATE)
        heard = [self._once(_segment(found), words=recording.words) for found in restored]
        return Heard(tuple(heard), language, float(probability))

    def _most_tokens(self, duration_s: float, *prompts: str | None) -> int | None:
        """How many tokens a short sound may become.

        With words hinted, Whisper may go on with them after a single one was said, at each of its
        temperatures: more than a minute for half a second of sound.
        """
        if duration_s > _SHORT_S:
            return None
        encode = self._model.hf_tokenizer.encode
        told = sum(min(len(encode(prompt).ids), _LONGEST_PROMPT) for prompt in prompts if prompt)
        most = round(_TOKENS_A_SECOND * duration_s) + _FURTHER_TOKENS
        room = _WINDOW_TOKENS - told - _FURTHER_TOKENS
        return min(most, room) if room > 0 else None

    def _timed(
        self, segments: Iterable[Any], sound: NDArray[np.float32], language: str, task: str
    ) -> Iterator[Any]:
        """The segments, with the times of their words where they repeat themselves."""
        for segment in segments:
            if segment.words is None and repeats_itself(segment.text):
                segment.words = timed_words(
                    self._model, sound, segment, language=language, task=task
                )
            yield segment

    def _once(self, segment: HeardSegment, *, words: bool) -> HeardSegment:
        """The segment without repeats for which there was no time."""
        kept = said_once(segment.words)
        if len(kept) < len(segment.words):
            text = "".join(word.text for word in kept)
            tokens = self._model.hf_tokenizer.encode(text, add_special_tokens=False).ids
            segment = replace(segment, text=text, words=tuple(kept), tokens=tuple(tokens))
        return segment if words else replace(segment, words=())


def _unpadded(segments: Iterable[Any], duration_s: float) -> Iterator[Any]:
    """The segments with the times they have without the silence that was put around them.

    What follows others and lies in that silence was not said.
    """
    first = True
    for segment in segments:
        for timed in (segment, *(segment.words or ())):
            timed.start = min(max(0.0, timed.start - _LEAD_S), duration_s)
            timed.end = min(max(0.0, timed.end - _LEAD_S), duration_s)
        if first or segment.start < segment.end:
            yield segment
        first = False


def _temperatures(first: float) -> list[float]:
    return [first, *(temperature for temperature in _TEMPERATURES if temperature > first)]


def _segment(found: Any) -> HeardSegment:
    return HeardSegment(
        text=found.text,
        start_s=float(found.start),
        end_s=float(found.end),
        words=tuple(
            HeardWord(word.word, float(word.start), float(word.end), float(word.probability))
            for word in found.words or ()
        ),
        tokens=tuple(found.tokens),
        temperature=float(found.temperature),
        log_probability=float(found.avg_logprob),
        compression_ratio=float(found.compression_ratio),
        no_speech_probability=float(found.no_speech_prob),
    )
