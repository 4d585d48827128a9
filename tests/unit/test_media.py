"""Pictures, sound, videos and pages as arrays: what they become, and where it stops."""

from __future__ import annotations

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from tests.hostile.documents import pdf
from tests.media_files import gif_of, picture, png_of, sound, tone, video, wav
from tools.containers import container_type
from tools.errors import InvalidInput
from tools.file_types import detect_file_type
from tools.media import (
    DEFAULT_LIMITS,
    SAMPLE_RATE,
    audio_facts,
    check_media,
    check_pages,
    decode_audio,
    decode_image,
    decode_pages,
    image_size,
    open_video,
)

LIMITS = DEFAULT_LIMITS


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_becomes_its_pixels(form: str) -> None:
    data = picture(form=form)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    found = decode_image(data)
    assert (found.dtype, found.shape) == (np.uint8, (48, 64, 3))
    assert np.array_equal(found, expected)
    assert image_size(data) == (48, 64)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = picture(exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    assert np.array_equal(decode_image(data), expected)
    assert image_size(data) == expected.shape[:2]


def saved(image: Image.Image, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def test_a_picture_higher_than_a_strip_is_whole() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (1_700, 1_100, 3), dtype=np.uint8)
    assert np.array_equal(decode_image(saved(Image.fromarray(pixels))), pixels)


def test_other_modes_become_rgb() -> None:
    clear = decode_image(saved(Image.new("RGBA", (2, 2), (0, 0, 0, 0))))
    assert (clear == 255).all()
    half = decode_image(saved(Image.new("LA", (2, 2), (0, 128))))
    assert (abs(half.astype(int) - 127) <= 1).all()
    deep = decode_image(saved(Image.fromarray(np.full((2, 2), 0x80FF, np.uint16))))
    assert (deep == 0x80).all()
    assert (decode_image(saved(Image.new("1", (2, 2), 1))) == 255).all()
    with pytest.raises(InvalidInput, match="measured values"):
        decode_image(saved(Image.new("F", (2, 2)), "TIFF"))


def many_scans(count: int) -> bytes:
    """A progressive JPEG with its last scan over and over again."""
    data = picture(form="JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def webp_of(width: int, height: int) -> bytes:
    head = struct.pack("<4sI4s4sI", b"RIFF", 22, b"WEBP", b"VP8X", 10)
    return head + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (png_of(50_000, 50_000), "50,000 × 50,000 pixels"),
        (png_of(2, 1_000_000), "on a side"),
        (webp_of(16_000_000, 16_000_000), "16,000,000 × 16,000,000 pixels"),
        (png_of(100, 100), "cut off"),
        (picture()[:100], "cut off"),
        (picture(form="JPEG")[:-300], "cut off"),
        (picture(form="WEBP")[:-30], "cut off"),
        (picture()[:20], "damaged or cut off"),
        (b"", "is empty"),
        (gif_of(1_001), "animation of 1,001 frames"),
        (many_scans(101), "more than 100 passes"),
        (wav(tone(0.1)), "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG drawing"),
    ],
)
def test_a_bad_picture_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        decode_image(data)


def test_the_first_frame_of_an_animation_is_taken() -> None:
    assert decode_image(gif_of(1_000)).shape == (16, 16, 3)
    assert decode_image(many_scans(20)).shape == (48, 64, 3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_first_look_sees_that_a_picture_is_cut_off(form: str) -> None:
    data = picture(form=form)
    check_media(data, "image", name="a")
    with pytest.raises(InvalidInput, match="cut off"):
        check_media(data[:-20], "image", name="a")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"]))
def test_a_damaged_picture_is_a_picture_or_bad_input(data: st.DataObject, form: str) -> None:
    broken = bytearray(picture(form=form))
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    small = replace(LIMITS, max_pixels=100_000)
    try:
        assert decode_image(bytes(broken), small).ndim == 3
    except InvalidInput:
        return


SOUNDS = [
    *(("ogg", "libopus"), ("mp3", "libmp3lame"), ("flac", "flac"), ("ipod", "aac")),
    *(("adts", "aac"), ("webm", "libopus"), ("aiff", "pcm_s16be"), ("wav", "pcm_s24le")),
]


@pytest.mark.parametrize(("form", "codec"), SOUNDS)
def test_sound_comes_in_blocks_of_a_second(form: str, codec: str) -> None:
    data = sound(form, codec)
    assert detect_file_type(data, "").kind == "audio"
    blocks = list(decode_audio(data))
    assert all(block.dtype == np.float32 for block in blocks)
    assert {block.shape for block in blocks[:-1]} == {(SAMPLE_RATE,)}
    samples = np.concatenate(blocks)
    assert abs(samples.size / SAMPLE_RATE - 2.0) < 0.05
    spectrum = np.abs(np.fft.rfft(samples[8_000:24_000]))
    assert spectrum.argmax() == 440
    facts = audio_facts(data)
    assert facts.sample_rate == 48_000
    assert facts.channels == 1


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_mixed_down(channels: int) -> None:
    same = np.stack([tone(1.0)] * channels, axis=1).ravel()
    (block,) = decode_audio(wav(same, channels=channels))
    assert np.abs(block).max() == pytest.approx(0.5, abs=0.01)


def with_field(data: bytes, form: str, offset: int, value: int) -> bytes:
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


SHORT = wav(tone(0.5))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wav(tone(0.5), rate=1), "sample rate of 1 Hz"),
        (wav(tone(0.0)), "empty or damaged"),
        (b"", "is empty"),
        (with_field(SHORT, "<H", 22, 65_535), "channels"),
        (with_field(SHORT, "<I", 24, 2**32 - 1), "can't be read"),
        (b"\xff\xfb" + bytes(range(256)) * 40, "can't be read"),
        (video(), "no sound in it"),
        (picture(), "neither sound nor video"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", "neither sound nor video"),
    ],
)
def test_bad_sound_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        list(decode_audio(data))


def test_a_wav_that_says_it_is_endless_has_what_it_has() -> None:
    samples = np.concatenate(list(decode_audio(with_field(SHORT, "<I", 40, 2**32 - 1))))
    assert samples.size == 8_000


def unknown_length(flac: bytes) -> bytes:
    """The FLAC file without the number of its samples, as one that was streamed."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


@pytest.mark.parametrize("streamed", [False, True])
def test_sound_that_goes_on_too_long_is_refused_before_it_is_decoded(streamed: bool) -> None:
    data = sound("flac", "flac", 3.0)
    data = unknown_length(data) if streamed else data
    assert (audio_facts(data).duration_s is None) == streamed
    short = replace(LIMITS, max_audio_s=2.0)
    blocks = decode_audio(data, short, name="talk.flac")
    with pytest.raises(InvalidInput, match=r"talk\.flac goes on for more than"):
        next(blocks)


VIDEOS = [
    *(("mp4", "libx264"), ("mov", "libx264"), ("matroska", "libx264"), ("webm", "libvpx")),
    *(("avi", "mpeg4"), ("mpegts", "mpeg2video"), ("mpeg", "mpeg1video"), ("flv", "flv1")),
]


@pytest.mark.parametrize(("form", "codec"), VIDEOS)
def test_a_video_becomes_pictures_with_times(form: str, codec: str) -> None:
    data = video(form, codec)
    assert detect_file_type(data, "").kind == "video"
    with open_video(data) as opened:
        assert (opened.width, opened.height, opened.fps) == (64, 48, 25.0)
        assert not opened.has_sound
        whole = list(opened.frames())
        sampled = list(opened.frames(5))
    assert len(whole) == 50
    assert [frame.time_s for frame in sampled] == pytest.approx(
        [n / 5 for n in range(10)], abs=1e-2
    )
    for number, frame in enumerate(sampled):
        assert frame.image.shape == (48, 64, 3)
        assert abs(frame.image.mean() - number * 20) < 8


def test_frames_are_scaled_and_turned() -> None:
    with open_video(video(turned=90)) as opened:
        assert (opened.width, opened.height) == (48, 64)
        assert next(opened.frames()).image.shape == (64, 48, 3)
        assert next(opened.frames(max_side=32)).image.shape == (32, 24, 3)
        assert next(opened.frames(max_side=640)).image.shape == (64, 48, 3)


def test_frames_end_with_the_video() -> None:
    with open_video(video()) as opened:
        frames = opened.frames()
        next(frames)
    assert next(frames, None) is None


MP4 = video(frames=100)
BOX = MP4.index(b"stco")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (MP4[: len(MP4) // 2], "damaged, cut off or not finished"),
        (MP4[: BOX + 12] + b"\xff\xff\xff\xff" + MP4[BOX + 16 :], "no picture that can be decoded"),
        (sound("mp4", "aac"), "sound alone"),
        (wav(tone(0.1)), "sound alone"),
        (video(width=4_200, height=2_400, frames=1), "4,200 × 2,400 pixels"),
        (b"", "is empty"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(60), "can't be read"),
    ],
)
def test_a_bad_video_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message), open_video(data):
        pass


def test_what_is_damaged_in_the_middle_is_left_out_and_counted() -> None:
    broken = bytearray(MP4)
    start, end = broken.index(b"mdat") + 1_500, broken.index(b"moov") - 4
    for place in range(start, end, 7):
        broken[place] ^= 0xFF
    with open_video(bytes(broken)) as opened:
        frames = list(opened.frames())
        assert opened.damaged > 0
        assert 0 < len(frames) < 100


def test_a_video_that_goes_on_too_long_is_refused() -> None:
    with (
        pytest.raises(InvalidInput, match="goes on for more than"),
        open_video(MP4, replace(LIMITS, max_video_s=3.0)),
    ):
        pass
    with open_video(MP4, replace(LIMITS, max_video_frames=10)) as opened:
        frames = opened.frames(25)
        assert len([next(frames) for _ in range(10)]) == 10
        with pytest.raises(InvalidInput, match="10 frames"):
            next(frames)


def test_pages_become_pictures() -> None:
    (page, second) = decode_pages(pdf(2), dpi=72)
    assert page.shape == second.shape == (792, 612, 3)
    assert page.max() == 255
    assert (page[60:100, 60:160] < 128).any(), "the words stand at the top left"


def sized(width: int, height: int) -> bytes:
    return pdf(1).replace(b"0 0 612 792", b"0 0 %d %d" % (width, height))


@pytest.mark.parametrize("data", [sized(99_999, 99_999), sized(1, 99_999_999), sized(9_999_999, 2)])
def test_large_pages_are_drawn_smaller(data: bytes) -> None:
    limits = replace(LIMITS, max_page_pixels=10_000, max_side=1_000)
    (page,) = decode_pages(data, limits)
    assert max(page.shape) <= 1_001
    assert page.size / 3 <= 10_500


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pdf(5_000), "5,000 pages; at most 200"),
        (pdf(1)[:300], "damaged"),
        (b"%PDF-1.4 and nothing more", "damaged"),
        (picture(), "no PDF"),
    ],
)
def test_a_bad_document_has_no_pages(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        next(decode_pages(data))


def test_a_page_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(InvalidInput, match=r"longer than 0\.01 s"):
        next(decode_pages(pdf(1), page_timeout_s=0.01))


ZIP_END = (
    b"PK\x01\x02" + bytes(42) + b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", 1, 1, 46, 0, 0)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (picture() + ZIP_END, "two files in one, an image file .PNG. and an archive"),
        (sound("mp3", "libmp3lame") + ZIP_END, "two files in one"),
        (picture(form="JPEG", comment=b"%PDF-1.7 1 0 obj"), "two files in one, .* and a PDF"),
        (
            b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///x'>]><svg>&x;</svg>",
            "SVG",
        ),
        (b"\x00\x00\x00\x18ftypheic" + bytes(30), "HEIC"),
    ],
)
def test_two_files_in_one_and_drawings_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        detect_file_type(data, "a")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (sound("mp4", "aac"), "audio/mp4"),
        (sound("matroska", "libopus"), "audio/x-matroska"),
        (sound("webm", "libopus"), "audio/webm"),
        (video("webm", "libvpx"), "video/webm"),
        (video("mpegts", "mpeg2video"), "video/mp2t"),
        (b"G" * 600, None),
        (b"The ftyp box comes first.", None),
    ],
)
def test_containers_are_told_by_what_they_hold(data: bytes, media_type: str | None) -> None:
    assert container_type(data) == media_type


@given(st.binary(max_size=300))
def test_any_bytes_are_some_container_or_none(data: bytes) -> None:
    for start in (
        b"\x1a\x45\xdf\xa3",
        b"OggS",
        b"\x00\x00\x00\x18ftyp",
        b"\x1a\x45\xdf\xa3\x16\x54\xae\x6b",
    ):
        assert container_type(start + data)


def test_a_documents_pages_are_counted_without_drawing_them() -> None:
    check_pages(pdf(3), 3)
    with pytest.raises(InvalidInput, match="4 pages; at most 3"):
        check_pages(pdf(4), 3)
    with pytest.raises(InvalidInput, match="damaged"):
        check_pages(b"%PDF-1.7 nothing", 3)
