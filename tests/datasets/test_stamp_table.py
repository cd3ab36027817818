"""Which stamps are used, what belongs together, and the folds."""

import shutil

import numpy as np
import pytest

from mmgraph.datasets.stamp_files import LANGUAGES, open_stamps
from mmgraph.datasets.stamp_table import Stamp, list_stamps, picture_of, stamp_table


@pytest.fixture
def folder(tmp_path, small_stamps):
    """A copy that a test may change."""
    shutil.copytree(small_stamps, tmp_path / "stamps")
    return tmp_path / "stamps"


def add(folder, name, like, text=None, picture=None):
    """A further stamp with the sounds of another one."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        shutil.copyfile(folder / f"{like}_desc_{language}.ogg", folder / f"{name}_desc_{language}.ogg")
    (folder / f"{name}.txt").write_text(text or f"A {name}.")
    (folder / f"{name}.png").write_bytes(picture or (folder / f"{like}.png").read_bytes())


def group_of(folder, name, task="all"):
    table = stamp_table(folder, task)
    numbers = {stamp.name: int(group) for stamp, group in zip(table.stamps, table.groups, strict=True)}
    return {other for other in numbers if numbers[other] == numbers[name]}


def test_folders_are_labels_and_groups_are_single_where_nothing_is_alike(small_stamps):
    for task, classes in [("folder", ("animals", "food")), ("class", ("animals/birds", "food")), ("all", None)]:
        table = stamp_table(small_stamps, task)
        assert table.classes == (classes or ("animals", "food"))
        assert np.bincount(table.labels).tolist() == [16, 16]
        assert len(table.stamps) == 32
        assert stamp_table(small_stamps, task) is table


def test_a_group_with_two_labels_is_left_out_of_the_tasks(folder):
    for letter in "abc":
        for path in folder.glob(f"food/fthing{letter}*"):
            path.rename(path.with_name(path.name.replace("fthing", "athing")))
    assert group_of(folder, "food/athingb") == {"animals/birds/athingb", "food/athingb"}
    assert np.bincount(stamp_table(folder, "folder").labels).tolist() == [13, 13]


def test_texts_in_any_language_of_the_protocol_join(folder):
    add(folder, "food/x", "food/fthinga", "Something.\nbg.utf8=eднo", (folder / "food/fthingb.png").read_bytes())
    (folder / "food/fthingc.txt").write_text("Other.\nbg.utf8=eднo\n")
    (folder / "food/fthingd.txt").write_text("Else.\nca.utf8=u\n")
    (folder / "food/fthinge.txt").write_text("Way.\nca.utf8=u\n")
    assert {"food/x", "food/fthingb", "food/fthingc"} <= group_of(folder, "food/x")  # x has the picture of b
    assert "food/fthinge" not in group_of(folder, "food/fthingd")  # Catalan texts are not compared


def test_digits_and_mirrors_in_file_names_do_not_count(folder, as_png):
    noise = np.random.default_rng(9).integers(0, 256, (2, 20, 20, 3))
    for name, pixels in zip(("food/cake2", "food/cake_mirror"), noise, strict=True):
        add(folder, name, "food/fthinga", picture=as_png(pixels))
    assert group_of(folder, "food/cake2") == {"food/cake2", "food/cake_mirror"}


def test_a_stamp_needs_a_picture_an_english_text_and_all_languages(folder):
    before = {stamp.name for stamp in list_stamps(open_stamps(folder))}
    assert len(before) == 32
    (folder / "food/fthinga.png").unlink()
    (folder / "food/fthingb.txt").write_text("\nfr.utf8=Un gâteau.")
    (folder / "food/fthingc_desc_ro.ogg").unlink()
    (folder / "food/fthingd.txt").unlink()
    left = {stamp.name for stamp in list_stamps(open_stamps(folder))}
    assert before - left == {"food/fthinga", "food/fthingb", "food/fthingc", "food/fthingd"}


def test_letters_are_left_out(folder):
    add(folder, "symbols/alphabets/a", "food/fthinga", "A.")
    assert all(stamp.folder != "symbols" for stamp in stamp_table(folder, "all").stamps)


def test_a_png_is_preferred_to_an_svg(folder):
    (folder / "food/fthinga.svg").write_text("<svg/>")
    pictures = {stamp.name: stamp.picture for stamp in list_stamps(open_stamps(folder))}
    assert pictures["food/fthinga"] == "food/fthinga.png"


def test_a_class_is_the_first_two_folders_or_the_one_there_is():
    assert (
        Stamp("a/b/c/d", {}, "").kind == "a/b"
        and Stamp("a/d", {}, "").kind == "a"
        and Stamp("a/d", {}, "").folder == "a"
    )
    assert Stamp("a/d", {}, "").sound("es") == "a/d_desc_es.ogg"


def test_too_few_groups_are_an_error(folder):
    for path in folder.glob("food/*"):
        path.unlink()
    for path in folder.glob("animals/birds/athing[e-z]*"):
        path.unlink()
    with pytest.raises(ValueError, match="has 4 groups for task='folder': 5 folds need more"):
        stamp_table(folder, "folder")


def test_broken_files_are_named(folder):
    (folder / "food/fthinga.txt").write_bytes(b"A \xff.")
    with pytest.raises(ValueError, match=r"thinga\.txt, byte 2: no UTF-8 text"):
        stamp_table(folder, "all")
    (folder / "food/fthinga.png").write_bytes(b"")
    with pytest.raises(ValueError, match="no picture that can be read") as caught:
        picture_of(open_stamps(folder), Stamp("food/fthinga", {}, "food/fthinga.png"), 4)
    assert caught.value.__notes__ == [f"in {folder / 'food/fthinga.png'}"]
    with pytest.raises(ValueError, match="task='colour' is none of"):
        stamp_table(folder, "colour")
