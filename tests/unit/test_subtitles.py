from __future__ import annotations

import itertools

from model_servers.whisper import HeardSegment, HeardWord
from tools.subtitles import LINE_WIDTH, MAX_CUE_S, Cue, cues, srt, vtt


def segment(text: str, start_s: float, end_s: float) -> HeardSegment:
    """A segment whose words take equal time."""
    words = [f" {word}" for word in text.split()]
    each = (end_s - start_s) / max(1, len(words))
    return HeardSegment(
        text=f" {text}",
        start_s=start_s,
        end_s=end_s,
        words=tuple(
            HeardWord(word, start_s + i * each, start_s + (i + 1) * each, 0.9)
            for i, word in enumerate(words)
        ),
        tokens=(),
        temperature=0.0,
        log_probability=-0.1,
        compression_ratio=1.0,
        no_speech_probability=0.0,
    )


SHORT = segment("Hello there.", 0.5, 1.25)
LONG = segment("This sentence is one of very many words " * 6, 2.0, 3_725.5)


def test_a_short_segment_is_one_subtitle() -> None:
    assert cues([SHORT]) == [Cue("Hello there.", 0.5, 1.25)]


def test_a_long_segment_is_cut_between_its_words() -> None:
    slow = segment("one two three four five six seven eight", 0.0, 20.0)
    for found, whole in ((cues([LONG]), LONG), (cues([slow]), slow)):
        assert len(found) > 2
        assert " ".join(cue.text for cue in found) == whole.text.strip()
        assert found[0].start_s == whole.start_s
        assert found[-1].end_s == whole.words[-1].end_s
        assert all(a.end_s <= b.start_s for a, b in itertools.pairwise(found))
    assert all(cue.end_s - cue.start_s <= MAX_CUE_S for cue in cues([slow]))


def test_no_line_is_too_long() -> None:
    chinese = segment("您好 " * 40, 0.0, 5.0)
    for cue in cues([segment("word " * 60, 0.0, 6.0), chinese]):
        lines = srt([cue]).splitlines()[2:]
        assert 1 <= len(lines) <= 2
        assert all(len(line) <= LINE_WIDTH for line in lines)


def test_subrip() -> None:
    assert srt(cues([SHORT, segment("Bye.", 3_661.0, 3_662.9996)])) == (
        "1\n00:00:00,500 --> 00:00:01,250\nHello there.\n\n2\n01:01:01,000 --> 01:01:03,000\nBye.\n"
    )


def test_webvtt() -> None:
    assert vtt([Cue("Tom & <b>Ann</b> --> you", 0.5, 61.25)]) == (
        "WEBVTT\n\n00:00:00.500 --> 00:01:01.250\nTom &amp; &lt;b>Ann&lt;/b> → you\n"
    )
    assert vtt([]) == "WEBVTT\n"


def test_a_segment_without_text_is_not_shown() -> None:
    assert cues([segment("", 0.0, 1.0)]) == []
