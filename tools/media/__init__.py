"""Pictures, sound, videos and scanned pages as arrays: decoded within bounds that hold meanwhile.

All of it blocks: tools call it through `asyncio.to_thread`. What can't be decoded, or would take
more than `MediaLimits` allow, raises InvalidInput with a sentence for the person who sent it.
"""

from tools.media.audio import SAMPLE_RATE, AudioFacts, audio_facts, decode_audio
from tools.media.check import check_media
from tools.media.images import decode_image, image_size
from tools.media.limits import DEFAULT_LIMITS, MediaLimits
from tools.media.live import LiveVideo
from tools.media.pages import check_pages, decode_pages
from tools.media.video import Video, VideoFrame, open_video

__all__ = [
    "DEFAULT_LIMITS",
    "SAMPLE_RATE",
    "AudioFacts",
    "LiveVideo",
    "MediaLimits",
    "Video",
    "VideoFrame",
    "audio_facts",
    "check_media",
    "check_pages",
    "decode_audio",
    "decode_image",
    "decode_pages",
    "image_size",
    "open_video",
]
