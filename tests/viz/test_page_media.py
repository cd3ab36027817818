import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmgraph.viz.page_media import LONGEST, picture_file, sonogram, sound_file, sound_seconds


def opened(media: tuple[str, bytes]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(media[1])))


def test_a_small_picture_is_kept_exactly():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    assert np.array_equal(opened(picture_file(image)), image)
    grey = np.array([[0, 0.5], [1, 0.2]], dtype=np.float32)
    assert opened(picture_file(grey)).tolist() == [[0, 128], [255, 51]]


def test_floats_beyond_one_are_divided_by_the_largest():
    assert opened(picture_file(np.array([[0.0, 2.0], [4.0, 1.0]]))).tolist() == [[0, 128], [255, 64]]


def test_a_large_picture_is_scaled_down_and_compressed():
    image = np.random.default_rng(0).random((900, 1200, 3), dtype=np.float32)
    kind, content = picture_file(image)
    assert kind == "image/jpeg" and len(content) < 600_000
    assert opened((kind, content)).shape == (round(LONGEST * 0.75), LONGEST, 3)


def test_a_mapping_that_holds_a_picture_is_a_picture():
    assert picture_file({"image": np.ones((2, 2)), "box": []}) == picture_file(np.ones((2, 2)))


def test_what_is_no_picture_or_sound_is_refused():
    with pytest.raises(ValueError, match="the page takes images"):
        picture_file(np.zeros(3))
    with pytest.raises(ValueError, match="a sound is"):
        sound_file(np.zeros(3))


def test_a_sound_comes_back_within_16_bits_and_is_never_clipped():
    tone = np.sin(np.arange(4000) / 20).astype(np.float32)
    samples, rate = soundfile.read(io.BytesIO(sound_file((tone, 8000))[1]))
    assert rate == 8000 and np.abs(samples - tone).max() < 2**-14
    loud, _ = soundfile.read(io.BytesIO(sound_file((3 * tone, 8000))[1]))
    assert np.abs(loud - tone).max() < 1e-3
    assert sound_seconds((np.stack([tone, tone], 1), 8000)) == 0.5


@pytest.mark.parametrize("rate", [100, 8000, 44100])
def test_the_spectrogram_shows_a_tone_where_it_is(rate):
    seconds = np.arange(2 * rate) / rate
    low, high = 0.1 * min(rate, 16000), 0.4 * min(rate, 16000)
    tone = np.where(seconds < 1, np.sin(2 * np.pi * low * seconds), np.sin(2 * np.pi * high * seconds))
    pixels = sonogram((tone.astype(np.float32), rate))
    rows, columns = pixels.shape
    place = 1 - pixels.argmax(0) / (rows - 1)  # 0 at the bottom, 1 at the top: half the rate, or 8 kHz
    assert abs(place[[columns // 4, 3 * columns // 4]] - [0.2, 0.8]).max() < 0.03 + 0.5 / rows
    assert rows <= 72 and columns <= 901


def test_silence_is_black():
    assert not sonogram((np.zeros(4000), 8000)).any()
