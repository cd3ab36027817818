"""Image and sound files; files of every kind are made here."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmgraph.features import read_image, read_sound
from mmgraph.media import pixels_of

RED = [[[255, 0, 0]] * 3] * 2


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (Image.new("RGB", (3, 2), "red"), "rgb.png"),
        (Image.new("RGBA", (3, 2), (255, 0, 0, 255)), "rgba.png"),
        (Image.new("RGB", (3, 2), "red").convert("P"), "palette.gif"),
        (Image.new("RGB", (3, 2), "red").convert("P"), "palette.png"),
        (Image.new("CMYK", (3, 2), (0, 255, 255, 0)), "cmyk.tif"),
        (Image.new("RGB", (3, 2), "red").convert("LAB"), "lab.tif"),
    ],
)
def test_red_is_red_in_every_mode(image: Image.Image, name: str, tmp_path: Path) -> None:
    pixels = read_image(saved(image, tmp_path / name))
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - RED).max() <= 6  # of 255: Lab has 8 bits


def test_grey_is_asked_for_or_tripled(tmp_path: Path) -> None:
    path = saved(Image.fromarray(np.array([[0, 128]], dtype=np.uint8)), tmp_path / "grey.png")
    assert read_image(path, colours=1).tolist() == [[0, 128]]
    assert read_image(path).tolist() == [[[0] * 3, [128] * 3]]


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    half = saved(Image.new("RGBA", (1, 1), (0, 0, 0, 51)), tmp_path / "half.png")
    assert read_image(half).tolist() == [[[204] * 3]]
    palette = Image.new("P", (1, 1), 0)
    palette.putpalette([255, 0, 0])
    assert read_image(saved(palette, tmp_path / "clear.png", transparency=0)).tolist() == [[[255] * 3]]
    grey = saved(Image.new("LA", (1, 1), (0, 0)), tmp_path / "grey.png")
    assert read_image(grey, colours=1).tolist() == [[255]]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    deep = Image.fromarray(np.array([[0, 257, 32768, 65535]], dtype=np.uint16))
    assert read_image(saved(deep, tmp_path / "deep.png"), colours=1).tolist() == [[0, 1, 128, 255]]
    floats = Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32))
    assert read_image(saved(floats, tmp_path / "floats.tif"), colours=1).tolist() == [[0, 128, 255]]


@pytest.mark.parametrize("value", [np.float32(2), np.float32("nan"), np.int32(-1), np.int32(70000)])
def test_numbers_of_unknown_range_are_refused(value: Any, tmp_path: Path) -> None:
    image = Image.fromarray(np.full((1, 1), value))
    with pytest.raises(ValueError, match=rf"its pixels are .* of mode {image.mode} those in 0\.\."):
        pixels_of(image, 1)
    with pytest.raises(ValueError, match=r"wide\.tif: no image that can be read \(its pixels are"):
        read_image(saved(image, tmp_path / "wide.tif"))


def test_an_image_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter
    path = saved(Image.fromarray(np.array([[0, 255]], dtype=np.uint8)), tmp_path / "turned.png", exif=exif)
    assert read_image(path, colours=1).tolist() == [[0], [255]]


def test_an_animation_gives_its_first_picture(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (3, 2), "red"), Image.new("RGB", (3, 2), "blue")
    path = saved(first, tmp_path / "two.gif", save_all=True, append_images=[second])
    assert read_image(path).tolist() == RED


def test_a_large_image_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = saved(Image.new("L", (40, 30)), tmp_path / "large.png")
    with pytest.raises(ValueError, match=r"large\.png: .*40x30 pixels are more than max_pixels=1000"):
        read_image(path, max_pixels=1000)
    # A header that promises 10^18 pixels.
    header = bytearray(path.read_bytes())
    header[16:24] = struct.pack(">II", 10**9, 10**9)
    (tmp_path / "bomb.png").write_bytes(header)
    with pytest.raises(ValueError, match=r"bomb\.png: "):
        read_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.tif", "a.webp", "a.bmp"])
def test_a_file_that_was_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    data = saved(Image.fromarray(noise), tmp_path / name).read_bytes()
    for length in (0, 1, 20, len(data) // 2):
        (tmp_path / name).write_bytes(data[:length])
        with pytest.raises(ValueError, match=rf"{name}: (no image that can be read|the file is empty)"):
            read_image(tmp_path / name)


def test_what_is_not_there_or_no_file_is_named(tmp_path: Path) -> None:
    for read in (read_image, read_sound):
        with pytest.raises(ValueError, match=rf"{tmp_path.name} cannot be read"):
            read(tmp_path)
        with pytest.raises(FileNotFoundError, match=r"nothing\.xyz"):
            read(tmp_path / "nothing.xyz")


def noise(path: Path, number: int = 8000, channels: int = 1, rate: int = 8000, **options: Any) -> Path:
    samples = np.random.default_rng(0).standard_normal((number, channels)) / 10
    soundfile.write(path, samples, rate, **options)
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_and_rate_of_every_format(name: str, channels: int, tmp_path: Path) -> None:
    samples, rate = read_sound(noise(tmp_path / name, 8000, channels))
    assert samples.shape == ((8000,) if channels == 1 else (8000, 2))
    assert (samples.dtype, rate) == (np.dtype("float32"), 8000)
    assert 0.03 < samples.std() < 0.15


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.aiff", "a.mp3"])
def test_a_sound_that_was_cut_off_is_refused(name: str, tmp_path: Path) -> None:
    data = noise(tmp_path / name).read_bytes()
    for length in (0, 10, 100, len(data) // 2):
        (tmp_path / name).write_bytes(data[:length])
        with pytest.raises(
            ValueError, match=rf"{name}: (the sound was cut off|no sound that can be read|the file is empty)"
        ):
            read_sound(tmp_path / name)


def test_a_wav_whose_writer_did_not_know_its_length_is_whole(tmp_path: Path) -> None:
    data = bytearray(noise(tmp_path / "pipe.wav", subtype="PCM_16").read_bytes())
    data[4:8] = data[40:44] = b"\xff" * 4
    (tmp_path / "pipe.wav").write_bytes(data)
    assert len(read_sound(tmp_path / "pipe.wav")[0]) == 8000


def test_a_sound_without_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"none\.wav: a sound without samples"):
        read_sound(noise(tmp_path / "none.wav", 0))


def test_a_sound_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"long\.wav: .*a sound of 1 s is longer than max_seconds=0\.5"):
        read_sound(noise(tmp_path / "long.wav"), max_seconds=0.5)


def test_samples_that_are_not_finite_are_named(tmp_path: Path) -> None:
    samples = np.zeros(10, dtype=np.float32)
    samples[7] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 8000, subtype="FLOAT")
    with pytest.raises(ValueError, match=r"nan\.wav: sample 7 of the sound is \[nan\], not finite"):
        read_sound(tmp_path / "nan.wav")
