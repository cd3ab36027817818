"""Stamps as a data set: made-up ones, and Tux Paint's where they are installed."""

import shutil
from itertools import combinations

import numpy as np
import pytest

from mmgraph.datasets import Stamps, length_retrieval, room_tone_control
from mmgraph.datasets.stamp_table import FOLDS, stamp_table

SPLITS = ("train", "val", "test")


def test_a_stamp_becomes_a_sample(small_stamps):
    data = Stamps("train", root=small_stamps, size=10, text="es")
    sample = data[0]
    assert sample["id"] == data.stamps[0].name and sample["image"].shape == (10, 10, 3)
    assert sample["text"].startswith("El ") and sample["label"] == data.labels[0]
    assert sample["truth"]["class"] == data.stamps[0].folder and sample["truth"]["fold"] not in (0, 1)
    samples, rate = sample["audio"]
    assert rate == 8000 and samples.dtype == np.float32
    assert abs(float(samples.mean())) < 1e-4 and np.sqrt((samples**2).mean()) == pytest.approx(0.1, rel=1e-3)
    assert [one["id"] for one in data[:2]] == [stamp.name for stamp in data.stamps[:2]] and data[-1]["id"]


def test_as_recorded_is_as_recorded(small_stamps):
    data = Stamps("test", root=small_stamps)
    recorded, normal = data.sound(0, recorded=True)[0], data.sound(0)[0]
    assert len(recorded) == len(normal)
    np.testing.assert_allclose(np.corrcoef(recorded, normal)[0, 1], 1, atol=1e-6)


def test_every_stamp_is_in_the_test_of_one_fold_and_no_group_is_in_two_splits(small_stamps):
    seen = []
    for fold in range(FOLDS):
        parts = {split: Stamps(split, fold=fold, root=small_stamps) for split in SPLITS}
        assert sum(map(len, parts.values())) == 32
        for one, other in combinations(parts.values(), 2):
            assert not set(one.groups) & set(other.groups)
        seen += [stamp.name for stamp in parts["test"].stamps]
    assert len(seen) == len(set(seen)) == 32


def test_stamps_without_a_text_in_the_language_are_left_out(tmp_path, small_stamps):
    root = shutil.copytree(small_stamps, tmp_path / "stamps")
    name = Stamps("test", root=small_stamps).stamps[0].name
    (root / f"{name}.txt").write_text("A thing of its own.")
    assert len(Stamps("test", root=root, text="es")) == len(Stamps("test", root=root)) - 1
    with pytest.raises(ValueError, match="text='ru': no stamp of split='test' has a text in it"):
        Stamps("test", root=small_stamps, text="ru")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "dev"}, "split='dev' is not"),
        ({"speech": "en"}, "speech='en' is none of"),
        ({"fold": 5}, "fold=5, size=64"),
        ({"size": 0}, "fold=0, size=0"),
        ({"task": "colour"}, "task='colour' is none of"),
    ],
)
def test_options_that_do_not_fit_are_refused(small_stamps, options, message):
    with pytest.raises(ValueError, match=message):
        Stamps(**({"split": "test", "root": small_stamps} | options))


def test_a_broken_sound_is_named(tmp_path, small_stamps):
    root = shutil.copytree(small_stamps, tmp_path / "stamps")
    data = Stamps("test", root=root)
    path = root / data.stamps[0].sound("es")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="cut off") as caught:
        data[0]
    assert caught.value.__notes__ == [f"in {path}"]


def test_the_package_itself_gives_the_same(tmp_path, small_stamps, as_package, stamp_files):
    package = tmp_path / "stamps.deb"
    package.write_bytes(as_package(stamp_files(16)))
    one, other = Stamps("test", root=small_stamps), Stamps("test", root=package)
    assert one.stamps == other.stamps
    np.testing.assert_array_equal(one.groups, other.groups)
    np.testing.assert_array_equal(one[3]["image"], other[3]["image"])
    np.testing.assert_array_equal(one[3]["audio"][0], other[3]["audio"][0])


# --- Tux Paint's ---


def test_the_tasks_have_the_sizes_of_the_card(real_stamps):
    folder, kind, everything = (stamp_table(real_stamps, task) for task in ("folder", "class", "all"))
    assert (len(folder.stamps), len(folder.classes), np.bincount(folder.labels).max()) == (629, 10, 135)
    assert (len(kind.stamps), len(kind.classes), np.bincount(kind.labels).max()) == (392, 15, 68)
    assert len(everything.stamps) == 731
    for table in (folder, kind):
        for group in np.unique(table.groups):
            assert len(set(table.labels[table.groups == group])) == len(set(table.folds[table.groups == group])) == 1
    for wanted, given in [(629, Stamps.__doc__), (392, Stamps.__doc__), (731, Stamps.__doc__)]:
        assert str(wanted) in str(given)


def test_no_text_and_no_sound_is_in_two_groups(real_stamps):
    table = stamp_table(real_stamps, "all")
    for language in ("en", "es", "ro", "fr"):
        first = {}
        for stamp, group in zip(table.stamps, table.groups.tolist(), strict=True):
            assert first.setdefault(stamp.texts.get(language, stamp.name), group) == group
    first = {}
    for stamp, group in zip(table.stamps, table.groups.tolist(), strict=True):
        assert first.setdefault(table.files.read(stamp.sound("es")), group) == group


def test_every_kind_of_file_of_tux_paint_is_read(real_stamps):
    data = Stamps("test", root=real_stamps, speech="ro", size=32)
    drawn = [i for i, stamp in enumerate(data.stamps) if stamp.picture.endswith(".svg")]
    assert len(drawn) > 10
    for i in [*drawn[:5], *range(0, len(data), 25)]:
        sample = data[i]
        assert sample["image"].shape == (32, 32, 3) and sample["image"].min() < 200
        assert sample["audio"][1] == 44100 and 0.3 < len(sample["audio"][0]) / 44100 < 10


def test_room_tone_alone_tells_classes_in_catalan(real_stamps):
    control = room_tone_control("class", "ca", real_stamps)
    assert control.samples == 392 and control.accuracy > control.majority + 0.04


def test_length_alone_ranks_pairs_of_text_and_sound(real_stamps):
    train, test = (Stamps(split, task="class", text="es", root=real_stamps) for split in ("train", "test"))
    found = length_retrieval(train, test)
    assert found.auc > 0.75 and found.recall_at_1 < 0.2
