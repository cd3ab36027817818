"""The rules by which the shipped speech was made, without the synthesiser."""

import numpy as np
import pytest

from mmgraph.datasets import shipped_digits
from mmgraph.datasets.make_spoken_digits import UNSTABLE, UNVOICED_OR_ROUGH, families, split_families, to_8k, trim


def write_variant(folder, name, *settings):
    path = folder / name
    path.write_text("\n".join(["language variant", f"name {name}", *settings]))
    return path


def test_variants_that_sound_alike_are_one_family(tmp_path):
    same = ("formant 1 95 150 120", "formant 2 100 120 140 // wide")
    variants = [
        write_variant(tmp_path, "steph"),
        write_variant(tmp_path, "steph2", "formant 1 120 80 160"),
        write_variant(tmp_path, "Hugo", *same, "formant 3 80 80 80"),
        write_variant(tmp_path, "michel", *same, "formant 3 95 95 140"),
        write_variant(tmp_path, "adam", "klatt 6"),
        write_variant(tmp_path, "klatt", "klatt 1"),
        write_variant(tmp_path, "linda", "formant 1 95 150 120", "# formant 2 100 120 140"),
        write_variant(tmp_path, "fast", "formant 1 100 100 100", "formant 2 100 100 100"),
        write_variant(tmp_path, "plain"),
    ]
    expected = [["Hugo", "michel"], ["adam", "klatt"], ["fast"], ["linda"], ["plain"], ["steph", "steph2"]]
    assert families(variants) == expected
    assert families(reversed(variants)) == expected


def test_a_family_is_whole_in_one_split_and_no_split_is_overfull():
    groups = [
        [f"{letter}{number}" for number in range(1 + n % 4)] for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
    ]
    split = split_families(groups, np.random.default_rng(0))
    assert all(len({split[variant] for variant in group}) == 1 for group in groups)
    names = list(split.values())
    assert names.count("test") <= 15 and names.count("val") <= 10
    assert len(split) == sum(map(len, groups))


def test_variants_that_were_left_out_are_not_in_the_file():
    variants = {voice.partition("/")[0] for voice in shipped_digits().voices}
    assert not variants & {*UNSTABLE, *UNVOICED_OR_ROUGH}


@pytest.mark.parametrize(("frequency", "gain"), [(300, 1), (3000, 1), (4500, 0), (9000, 0)])
def test_resampling_keeps_speech_and_drops_what_would_alias(frequency, gain):
    time = np.arange(22050) / 22050
    sound = to_8k(np.sin(2 * np.pi * frequency * time), 22050)
    assert len(sound) == 8000
    assert np.abs(sound[500:-500]).max() == pytest.approx(gain, abs=0.01 if gain else 1e-4)


def test_trimming_drops_silence_at_both_ends_and_sets_the_peak():
    sound = np.sin(np.arange(800))
    clip = trim(np.concatenate([np.zeros(4000), 0.1 * sound, np.zeros(4000)]))
    assert len(sound) <= len(clip) <= len(sound) + 200
    assert np.abs(clip).max() == pytest.approx(0.9)
    assert clip[0] == clip[-1] == 0
