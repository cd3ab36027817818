import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmgraph.viz import draw_sound
from mmgraph.viz.sound import STRIP, frame_cells

RATE = 8000
SPANS = [[0.0, 0.5], [0.5, 1.0]]


def tone(frequency: float, start: float, stop: float, length: float = 1.0) -> np.ndarray:
    time = np.arange(int(length * RATE)) / RATE
    return (np.sin(2 * np.pi * frequency * time) * ((time >= start) & (time < stop))).astype(np.float32)


def test_a_tone_is_dark_at_its_time_and_frequency():
    ax = draw_sound((tone(1000, 0.4, 0.6), RATE), SPANS)
    picture = ax.images[0]
    level = np.asarray(picture.get_array())
    left, right, low, high = picture.get_extent()
    row, column = np.unravel_index(level.argmax(), level.shape)
    assert low + (row + 0.5) / level.shape[0] * (high - low) == pytest.approx(1.0, abs=0.05)  # kHz
    assert 0.4 < left + (column + 0.5) / level.shape[1] * (right - left) < 0.6
    assert picture.norm.vmax - picture.norm.vmin == 60


def test_the_axis_is_in_seconds_and_ends_with_the_sound_or_the_last_frame():
    assert draw_sound((tone(500, 0, 1), RATE), SPANS).get_xlim() == (0, 1)
    assert draw_sound((tone(500, 0, 1), RATE), [[0.0, 1.5]]).get_xlim() == (0, 1.5)
    assert draw_sound(None, [[0.0, 0.25]]).get_xlim() == (0, 0.25)
    assert draw_sound(None, []).get_xlim() == (0, 1)


def test_frames_stand_above_the_spectrogram():
    ax = draw_sound((tone(500, 0, 1), RATE), SPANS)
    strip = next(c for c in ax.collections if c.get_gid() == "frames")
    corners = [path.get_extents().extents.tolist() for path in strip.get_paths()]
    assert corners == [[0.0, STRIP[0], 0.5, STRIP[1]], [0.5, STRIP[0], 1.0, STRIP[1]]]


def test_the_tint_is_stronger_where_there_is_more_flow():
    ax = draw_sound(None, SPANS, flow=torch.tensor([0.1, 0.3]))
    strip = next(c for c in ax.collections if c.get_gid() == "frames")
    assert strip.get_facecolor()[0, 2] > strip.get_facecolor()[1, 2]


def test_frames_that_overlap_are_parted_in_the_middle():
    spans = np.array([[0.4, 0.8], [0.0, 0.4], [0.2, 0.6]])
    assert frame_cells(spans).tolist() == pytest.approx(np.array([[0.5, 0.8], [0.0, 0.3], [0.3, 0.5]]))
    nested = np.array([[0.0, 1.0], [0.2, 0.4]])
    assert frame_cells(nested).tolist() == nested.tolist()
    assert frame_cells(np.zeros((0, 2))).tolist() == []


def test_channels_are_averaged():
    mono = tone(800, 0, 1)
    pictures = [draw_sound((s, RATE), SPANS).images[0].get_array() for s in (mono, np.stack([mono, mono], 1))]
    assert np.array_equal(*pictures)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(3), np.zeros(RATE), np.ones(20)])
def test_short_and_silent_sounds_are_drawn(samples):
    ax = draw_sound((samples, RATE), [[0.0, 0.1]])
    ax.figure.draw_without_rendering()
    assert len(ax.images) == int(len(samples) > 0)


def test_silence_is_white():
    (picture,) = draw_sound((np.zeros(RATE, np.float32), RATE), SPANS).images
    assert np.asarray(picture.norm(picture.get_array())).max() == pytest.approx(0, abs=1e-6)
    assert picture.norm.vmax - picture.norm.vmin == 60


def test_long_sounds_have_at_most_about_two_thousand_columns():
    ax = draw_sound((np.zeros(10 * 60 * RATE, dtype=np.float32), RATE), [])
    assert np.asarray(ax.images[0].get_array()).shape[1] < 2100


def test_without_a_waveform_it_says_so():
    ax = draw_sound(None, SPANS)
    assert [text.get_text() for text in ax.texts] == ["no waveform"]


def test_a_given_axes_is_used_and_returned():
    ax = Figure().subplots()
    assert draw_sound(None, SPANS, ax=ax) is ax


@pytest.mark.parametrize("sound", [(np.zeros(5), 0), (np.zeros((1, 2, 3)), 8000)])
def test_what_is_no_sound_is_refused(sound):
    with pytest.raises(ValueError, match="a sound is"):
        draw_sound(sound, SPANS)
