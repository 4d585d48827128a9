"""The clip and the plot of a video's analysis, from made looks."""

from __future__ import annotations

import numpy as np
import pytest

from tools.drawing import Mark, draw_caption, group_colour
from tools.media import open_video
from tools.unusual import Moment
from tools.video_clip import LONGEST_S, MOST_BITS_PER_S, ClipFrame, draw_clip
from tools.video_plot import AREA, LINES, SIZE, UNUSUAL, draw_plot, tick_step


def frames(count: int, step_s: float, *, size: tuple[int, int] = (360, 640)) -> list[ClipFrame]:
    grey = np.full((*size, 3), 90, np.uint8)
    name = "person #1"
    return [
        ClipFrame(
            step * step_s, grey, [Mark((50.0 + 10 * step, 100, 250, 300), name, name)], "0:00"
        )
        for step in range(count)
    ]


def shows(image: np.ndarray, colour: tuple[int, int, int], near: int = 0) -> bool:
    off = np.abs(image.astype(int) - colour).max(axis=-1)
    return bool((off <= near).any())


def test_a_clip_shows_the_tracks_at_their_times() -> None:
    content = draw_clip(frames(6, 0.5), 3.0)
    with open_video(content) as video:
        shown = list(video.frames())
        assert (video.width, video.height) == (640, 360)
    # The last picture stays to the end.
    assert [frame.time_s for frame in shown] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5, 3], abs=0.01)
    colour = np.array(group_colour("person #1"))
    for step, frame in enumerate(shown[:6]):
        edge = frame.image[150:250, 50 + 10 * step].mean(axis=0)
        assert np.abs(edge - colour).sum() < np.abs(np.array([90, 90, 90]) - colour).sum() / 2


def test_a_long_video_gives_a_clip_of_bounded_length_and_size() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (120, 360, 640, 3), np.uint8)
    made = [ClipFrame(step * 30.0, image, (), "") for step, image in enumerate(noise)]
    content = draw_clip(made, 3_600.0)
    with open_video(content) as video:
        times = [frame.time_s for frame in video.frames()]
    assert len(times) == 121
    assert times[-1] == pytest.approx(LONGEST_S, abs=0.01)
    assert len(content) < 1.2 * LONGEST_S * MOST_BITS_PER_S / 8


@pytest.mark.parametrize("size", [(1, 1), (333, 501), (5, 640), (640, 3)])
def test_a_clip_of_any_size_can_be_played(size: tuple[int, int]) -> None:
    with open_video(draw_clip(frames(2, 0.5, size=size), 1.0)) as video:
        assert len(list(video.frames())) == 3
        assert video.width % 2 == video.height % 2 == 0


def test_no_frames_make_no_clip() -> None:
    with pytest.raises(ValueError, match="one frame"):
        draw_clip([], 1.0)


def test_a_caption_stands_at_the_foot() -> None:
    drawn = draw_caption(np.full((360, 640, 3), 90, np.uint8), "0:12.5")
    assert shows(drawn[320:], (255, 255, 255), 5)
    assert (drawn[:300] == 90).all()


def test_a_plot_has_a_line_for_each_label_and_marks_what_is_unusual() -> None:
    times = [step * 0.5 for step in range(20)]
    counts = [{"person": 1 + (step > 10), "car": 1} for step in range(20)]
    moment = Moment(5.0, 6.0, 7.0, ("count",))
    plot = draw_plot(times, counts, [moment], [4.0], 10.0)
    assert plot.shape == (SIZE[1], SIZE[0], 3)
    left, top, right, bottom = AREA
    inside = plot[top + 1 : bottom - 1, left + 3 : right]
    for colour in LINES[:2]:
        assert shows(inside, colour)
    assert not shows(plot, LINES[2])
    marked = np.flatnonzero((inside == UNUSUAL).all(axis=-1).any(axis=0))
    spans = (marked[[0, -1]]) / (right - left) * 10
    assert spans == pytest.approx([5, 6], abs=0.06)
    # The reason stands above it.
    above = plot[top - 30 : top - 1, (left + right) // 2 : (left + right) // 2 + 150]
    assert (above != 255).any()


def test_counts_are_drawn_at_their_height() -> None:
    plot = draw_plot([0.0, 5.0], [{"dog": 1}, {"dog": 4}], [], [], 10.0)
    left, top, right, bottom = AREA
    heights = []
    for share in (0.25, 0.75):
        column = plot[:, round(left + share * (right - left))]
        heights.append(np.flatnonzero((column == LINES[0]).all(axis=-1))[:50].mean())
    assert heights == pytest.approx([bottom - (bottom - top) / 4, top], abs=3)


@pytest.mark.parametrize("duration_s", [0.0, 0.04, 59.0, 3_600.0, 400_000.0])
def test_a_video_of_any_length_has_a_plot_with_few_ticks(duration_s: float) -> None:
    assert duration_s / tick_step(duration_s) <= 10
    empty = draw_plot([0.0], [{}], [], [], duration_s)
    assert (empty[AREA[1] + 100 : AREA[3] - 100, 400:900] < 100).any()  # says that nothing was seen
    many = {f"a long label {place}": place for place in range(30)}
    crowded = [Moment(t, t, 6.0, ("motion", "appearance")) for t in np.linspace(0, duration_s, 9)]
    assert draw_plot([0.0], [many], crowded, [], duration_s).shape == empty.shape
