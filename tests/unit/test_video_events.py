"""Tracks, unusual moments and shots, from numbers alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.analyze_video_words import clock
from tools.detect_objects import FoundObject
from tools.tracks import Tracker
from tools.unusual import FEWEST_LOOKS, robust_scores, unusual_moments
from tools.video_looks import (
    LOOKS_PER_S,
    MOST_LOOKS,
    MOST_SHOT_FRAMES,
    choose_pace,
    shot_starts,
)


def thing(label: str, left: float, top: float = 100, side: float = 100) -> FoundObject:
    return FoundObject(label=label, score=0.8, box=(left, top, left + side, top + side))


def spans(tracker: Tracker) -> list[tuple[str, float, float]]:
    return [(track.label, track.times[0], track.times[-1]) for track in tracker.tracks()]


def test_a_thing_that_moves_on_is_one_track() -> None:
    tracker = Tracker()
    for step in range(8):
        tracker.look(step * 0.5, [thing("car", 70 * step), thing("person", 600)])
    assert spans(tracker) == [("car", 0, 3.5), ("person", 0, 3.5)]


def test_two_that_pass_each_other_are_not_exchanged() -> None:
    tracker = Tracker()
    for step in range(9):
        near, far = thing("dog", 50 * step, 100), thing("dog", 400 - 50 * step, 170)
        tracker.look(step * 0.5, [far, near] if step % 2 else [near, far])
    ends = {(t.boxes[0][0], t.boxes[-1][0]) for t in tracker.tracks()}
    assert ends == {(0, 400), (400, 0)}


def test_a_short_absence_is_bridged_and_a_long_one_is_not() -> None:
    for missing, expected in ((2, 1), (5, 2)):
        tracker = Tracker()
        for step in range(12):
            gone = 4 <= step < 4 + missing
            tracker.look(step * 0.5, [] if gone else [thing("cat", 100)])
        assert len(spans(tracker)) == expected


def test_a_cut_ends_every_track() -> None:
    tracker = Tracker()
    for step in range(6):
        tracker.look(step * 0.5, [thing("person", 100)], cut=step == 3)
    assert spans(tracker) == [("person", 0, 1), ("person", 1.5, 2.5)]


def test_what_is_seen_once_is_no_track_and_labels_are_kept_apart() -> None:
    tracker = Tracker()
    tracker.look(0, [thing("cat", 100)])
    tracker.look(0.5, [thing("dog", 100)])
    assert spans(tracker) == []


looks = st.lists(
    st.lists(st.builds(thing, st.sampled_from(["cat", "dog"]), st.integers(0, 300)), max_size=5),
    max_size=12,
)


@given(looks)
def test_every_sighting_is_in_one_track_at_most(seen: list[list[FoundObject]]) -> None:
    tracker = Tracker()
    for step, things in enumerate(seen):
        tracker.look(step * 0.5, things)
    for track in tracker.tracks():
        assert (np.diff(track.times) > 0).all()
        assert len(track.times) == len(track.boxes) == len(track.scores) >= 2
    total = sum(len(track.times) for track in tracker.tracks())
    assert total <= sum(map(len, seen))


def test_a_flash_is_unusual_and_its_neighbours_are_one_moment() -> None:
    times = [step * 0.5 for step in range(40)]
    light = np.random.default_rng(5).normal(100, 2, 40)
    light[20:23] += 80
    (moment,) = unusual_moments(times, {"brightness": light})
    assert (moment.start_s, moment.end_s) == (10, 11)
    assert moment.reasons == ("brightness",)
    assert moment.score > 5


def test_one_more_thing_is_nothing_unusual_but_a_crowd_is() -> None:
    times = [step * 0.5 for step in range(20)]
    counts = np.full(20, 2.0)
    counts[5] = 3
    assert unusual_moments(times, {"count": counts}) == []
    counts[12] = 9
    (moment,) = unusual_moments(times, {"count": counts})
    assert moment.start_s == 6


def test_a_few_looks_say_nothing_of_what_is_usual() -> None:
    values = np.zeros(FEWEST_LOOKS - 1)
    values[3] = 1_000
    assert unusual_moments(list(range(len(values))), {"motion": values}) == []


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.floats(0.1, 10))
def test_scores_are_finite_and_not_negative(values: list[float], floor: float) -> None:
    scores = robust_scores(np.array([*values, np.nan]), floor)
    assert np.isfinite(scores).all()
    assert (scores >= 0).all()
    assert scores[-1] == 0


@given(st.floats(0.1, 100_000))
def test_a_long_video_is_looked_at_less_often(duration_s: float) -> None:
    pace = choose_pace(duration_s)
    assert 0 < pace.looks_per_s <= LOOKS_PER_S
    assert pace.looks_per_s * duration_s <= MOST_LOOKS + 1
    if pace.shot_frames_per_s is not None:
        assert pace.shot_frames_per_s * duration_s <= MOST_SHOT_FRAMES + 1
    else:
        assert duration_s > 600


def test_shots_begin_after_the_likeliest_frame_of_a_cut() -> None:
    times = [step / 10 for step in range(10)]
    cuts = np.array([0, 0, 0.6, 0.9, 0.7, 0, 0, 0, 0, 0.9], np.float32)
    # The last frame ends the video, not a shot.
    assert shot_starts(times, cuts, 0.5) == [0, 0.4]
    assert shot_starts(times, np.zeros(10, np.float32), 0.5) == [0]


@pytest.mark.parametrize(("time_s", "shown"), [(0, "0:00.0"), (59.96, "1:00.0"), (64.5, "1:04.5")])
def test_times_are_shown_in_minutes(time_s: float, shown: str) -> None:
    assert clock(time_s) == shown


def test_what_is_looked_at_rarely_is_followed_from_look_to_look() -> None:
    tracker = Tracker(step_s=15.0)
    for step in range(4):
        tracker.look(step * 15.0, [thing("car", 100)] if step != 2 else [])
        tracker.look(step * 15.0 + 7.5, [thing("bus", 600)])
    assert spans(tracker) == [("car", 0, 15), ("bus", 7.5, 52.5)]
