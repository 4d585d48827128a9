"""A first look at a file that came in, before anything is done with it."""

from __future__ import annotations

from tools.artifacts import ArtifactKind
from tools.media.audio import audio_facts
from tools.media.images import image_size
from tools.media.limits import DEFAULT_LIMITS, MediaLimits
from tools.media.video import open_video


def check_media(
    data: bytes, kind: ArtifactKind, limits: MediaLimits = DEFAULT_LIMITS, *, name: str
) -> None:
    """Whether a picture, sound or video opens and is within the limits; other kinds always pass.

    Headers are read, packets counted and a video's first frame decoded: milliseconds of work, so
    that a bad file is refused where it was sent and not in the middle of a plan.

    Raises InvalidInput.
    """
    if kind == "image":
        image_size(data, limits, name=name)
    elif kind == "audio":
        audio_facts(data, limits, name=name)
    elif kind == "video":
        with open_video(data, limits, name=name):
            pass
