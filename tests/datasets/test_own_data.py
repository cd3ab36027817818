"""docs/own_data.md: from own files, some missing and some broken, to a trained model and a picture of attention."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "own_data.md").read_text("utf-8")
USER_CODE, LARGE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def pets(tmp_path, as_png, as_sound) -> Path:
    """Cats and dogs: a reddish or a bluish picture, a word, a high or a low tone; every fifth input is missing."""
    folder, draw = tmp_path / "pets", np.random.default_rng(0)
    folder.mkdir()
    rows = ["id,image,audio,text_file,label,split,owner"]
    for number in range(72):
        dog, split = number % 2, ("train", "train", "train", "val", "test", "test")[number // 12]
        pixels = draw.integers(0, 120, (8, 8, 3))
        pixels[:, :, 2 if dog else 0] += 100
        (folder / f"{number}.png").write_bytes(as_png(pixels))
        tone = np.sin(np.arange(1600) * (0.3 if dog else 1.2)) + draw.normal(0, 0.1, 1600)
        (folder / f"{number}.wav").write_bytes(as_sound(0.4 * tone))
        (folder / f"{number}.txt").write_text(
            f"this {('one', 'pet', 'photo')[number % 3]} barks" if dog else "it purrs"
        )
        files = [f"{number}.png", f"{number}.wav", f"{number}.txt"]
        files = ["" if (number + kind) % 5 == 0 else file for kind, file in enumerate(files)]
        label = "" if number in (7, 8) else ("cat", "dog")[dog]
        rows.append(",".join([f"pet-{number}", *files, label, split, f"owner-{number // 12}"]))
    (folder / "1.png").write_bytes((folder / "1.png").read_bytes()[:50])  # cut off
    (folder / "2.wav").unlink()  # named, but not there
    (folder / "4.txt").write_bytes(b"")  # empty
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def test_the_whole_way_on_own_data_takes_less_than_40_lines(pets, monkeypatch, capsys):
    monkeypatch.chdir(pets)
    lines = [line for line in USER_CODE.splitlines() if line.strip()]
    assert len(lines) < 40 and f"in {len(lines)} lines" in PAGE
    variables: dict[str, object] = {"__name__": "own_data"}
    exec(compile(USER_CODE, "own_data.py", "exec"), variables)
    plt.close("all")
    printed = capsys.readouterr().out
    assert re.findall(r"^line \d+ \((pet-\d)\), (\w+) ", printed, re.MULTILINE) == [
        ("pet-1", "image"),
        ("pet-2", "audio"),
        ("pet-4", "text_file"),
    ]
    metrics, graphs = variables["metrics"], variables["graphs"]
    assert metrics["accuracy"] > 0.9
    assert graphs.present[1].tolist() == [False, True, True]
    assert graphs.targets["label"].mask.tolist() == [number not in (7, 8) for number in range(36)]
    exec(compile(LARGE, "own_data.py", "exec"), variables)
    assert variables["graphs"].equal(graphs)
    assert (pets / "attention.png").read_bytes().startswith(b"\x89PNG")
