"""The pictures of README are made by a script that runs."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

SCRIPT = Path(__file__).resolve().parents[3] / "docs" / "pictures.py"


def test_the_script_photographs_a_page_and_shrinks_the_figure(browser, one, tmp_path):
    folder, out = tmp_path / "demo", tmp_path / "pictures"
    folder.mkdir()
    (folder / "page.html").write_bytes(one.read_bytes())
    Image.new("RGB", (2000, 1000), "white").save(folder / "attention.png")
    command = [sys.executable, SCRIPT, folder, "--out", out, "--state", "theme=dark", "--width", "500"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    figure, page = (Image.open(out / name).convert("RGB") for name in ("attention.png", "page.png"))
    assert figure.size == (1280, 640) and page.size == (500, 720)
    assert page.getpixel((5, 300)) == (20, 23, 26)  # the dark theme's page
