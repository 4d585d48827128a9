"""Tells what happens in a video while it is still being watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tools.contracts import ToolEvent
from tools.detect_objects import FoundObject
from tools.tracks import Tracker
from tools.unusual import Moment


class VideoTelling:
    """Tells each thing once, as soon as it is known.

    Things that come and go are told before the cuts around them are known, so the result may
    number them otherwise, or take one that is seen before and after a cut for two.
    """

    def __init__(self, tell: Callable[[ToolEvent], None], step_s: float) -> None:
        """
        Args:
            step_s: seconds from one look to the next.
        """
        self._tell = tell
        self._tracker = Tracker(step_s)
        self._names: dict[int, str] = {}
        self._gone: set[int] = set()
        self._counts: dict[str, int] = {}
        self._shots = 0
        self._unusual_until = float("-inf")

    def look(self, time_s: float, things: Sequence[FoundObject]) -> None:
        """What is seen at a time: tells entries, exits and how many there are now."""
        self._tracker.look(time_s, things)
        self._tell_exits()
        counts: dict[str, int] = {}
        for track in self._tracker.present():
            counts[track.label] = counts.get(track.label, 0) + 1
            if track.number not in self._names:
                name = f"{track.label} #{len(self._names) + 1}"
                self._names[track.number] = name
                self._tell(ToolEvent(time_s=track.times[0], kind="entry", what=name))
        if counts != self._counts:
            self._counts = counts
            what = ", ".join(f"{count} × {label}" for label, count in counts.items()) or "nothing"
            self._tell(ToolEvent(time_s=time_s, kind="count", what=what))

    def shots(self, starts: Sequence[float]) -> None:
        """When each shot begins that is known by now; those told before are the first of them."""
        for number, start_s in enumerate(starts[self._shots :], start=self._shots + 1):
            self._tell(ToolEvent(time_s=start_s, kind="shot", what=f"shot {number}"))
        self._shots = max(self._shots, len(starts))

    def moments(self, moments: Sequence[Moment]) -> None:
        """What is unusual by now; moments that begin before the end of one told are left out."""
        for moment in moments:
            if moment.start_s > self._unusual_until:
                what = ", ".join(moment.reasons)
                self._tell(ToolEvent(time_s=moment.start_s, kind="unusual", what=what))
                self._unusual_until = moment.end_s

    def end(self) -> None:
        """The video is over: whatever is still there goes."""
        self._tracker.end()
        self._tell_exits()

    def _tell_exits(self) -> None:
        for track in self._tracker.gone():
            if track.number not in self._gone:
                self._gone.add(track.number)
                what = self._names[track.number]
                self._tell(ToolEvent(time_s=track.times[-1], kind="exit", what=what))
