"""Image, sound and text files: what becomes of them, and of broken ones."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmgraph.media import decode, decode_image, decode_sound, decode_text, pixels_of

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3) * 5


def image(kind: str, mode: str = "RGB", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).convert(mode).save(file, kind, **options)
    return file.getvalue()


def sound(kind: str, channels: int = 1, frames: int = 4000) -> bytes:
    file = io.BytesIO()
    tone = np.sin(np.arange(frames) * 0.1)[:, None].repeat(channels, 1) * 0.5
    soundfile.write(file, tone, 8000, format=kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_images_are_kept_exactly(kind):
    np.testing.assert_array_equal(decode_image(image(kind)), PIXELS)


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "RGBA", "LA", "I;16"])
def test_every_mode_becomes_three_colours(mode):
    grey = Image.fromarray(PIXELS).convert("L")
    given_image = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    assert pixels_of(given_image, 3).shape == (4, 4, 3)
    if mode in ("L", "LA", "RGBA", "I;16"):
        np.testing.assert_array_equal(pixels_of(given_image, 3)[:, :, 1], np.asarray(grey))


def test_an_image_is_turned_upright():
    file, turned = io.BytesIO(), Image.fromarray(PIXELS[:2])
    turned.getexif()[0x0112] = 6
    turned.save(file, "PNG", exif=turned.getexif())
    assert decode_image(file.getvalue()).shape == (4, 2, 3)


def test_numbers_of_unknown_range_are_refused():
    with pytest.raises(ValueError, match=r"its pixels are 0\.0 to 2\.0; of mode F those in 0\.\.1 can be shown"):
        pixels_of(Image.fromarray(np.array([[0, 2]], dtype=np.float32)), 3)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(decode, "MAX_PIXELS", 15)
    with pytest.raises(ValueError, match="4x4 pixels are more than max_pixels=15"):
        decode_image(image("PNG"))


def test_formats_that_start_programs_are_no_images():
    with pytest.raises(ValueError, match="no image that can be read"):
        decode_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")


@given(st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF"]), st.integers(0, 1000))
def test_an_image_that_was_cut_off_is_an_error_or_unchanged(kind, kept):
    content = image(kind)
    cut = content[: min(kept, len(content) - 1)]
    try:
        read = decode_image(cut)
    except ValueError as error:
        assert "the file is empty" in str(error) or "no image that can be read" in str(error)
    else:
        np.testing.assert_array_equal(read, decode_image(content))


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "OGG", "MP3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_sounds_keep_length_rate_and_channels(kind, channels):
    samples, rate = decode_sound(sound(kind, channels))
    assert rate == 8000 and samples.dtype == np.float32 and samples.ndim == channels
    tone = np.sin(np.arange(len(samples)) * 0.1) * 0.5
    assert len(samples) == 4000 or kind == "MP3"
    if kind != "MP3":
        np.testing.assert_allclose(samples.reshape(len(samples), -1)[:, 0], tone, atol=0.1 if kind == "OGG" else 1e-4)


@given(st.sampled_from(["WAV", "FLAC", "AIFF", "OGG"]), st.floats(0, 1, exclude_max=True))
def test_a_sound_that_was_cut_off_is_an_error(kind, share):
    content = sound(kind)
    with pytest.raises(ValueError, match=r"the file is empty|no sound that can be read|cut off|without samples"):
        decode_sound(content[: int(share * len(content))])


def test_a_wav_of_unknown_length_is_read():
    content = sound("WAV")
    assert len(decode_sound(content[:4] + b"\xff\xff\xff\xff" + content[8:])[0]) == 4000


def test_a_sound_without_samples_or_with_infinite_ones_is_refused():
    with pytest.raises(ValueError, match="a sound without samples"):
        decode_sound(sound("WAV", frames=0))
    file = io.BytesIO()
    soundfile.write(file, np.array([0, np.inf], dtype=np.float32), 8000, format="WAV", subtype="FLOAT")
    with pytest.raises(ValueError, match=r"sample 1 of the sound is \[inf\]"):
        decode_sound(file.getvalue())


def test_a_sound_that_announces_too_much_is_refused_before_memory_is_taken(monkeypatch):
    monkeypatch.setattr(decode, "MAX_SAMPLES", 3999)
    with pytest.raises(ValueError, match="4,000 samples, more than 3,999"):
        decode_sound(sound("FLAC"))
    header = b"RIFF" + struct.pack("<I", 2**31 - 40) + sound("WAV")[8:40] + struct.pack("<I", 2**31 - 80)
    with pytest.raises(ValueError, match="sound"):
        decode_sound(header)


def test_texts_lose_the_mark_and_white_space():
    assert decode_text(b"\xef\xbb\xbf one\r\ntwo \n") == "one\r\ntwo"


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b" \n", "empty"), (b"\xff", "no UTF-8 text"), (b"a\0b", "zero byte")]
)
def test_what_is_no_text_is_refused(content, message):
    with pytest.raises(ValueError, match=message):
        decode_text(content)
