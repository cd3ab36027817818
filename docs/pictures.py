"""The pictures of README, from what `mmgraph demo` wrote: its figure, and its page in a browser.

    mmgraph demo --out demo-out --seed 0
    python docs/pictures.py demo-out

Needs Chromium, and playwright (`pip install "mmgraph[dev]"`). Other states of the page stand in the hash of its
address: `python docs/pictures.py demo-out --state "view=flow&theme=dark" --width 360 --out pictures`.
"""

import argparse
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    """Writes `attention.png` and `page.png`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", type=Path, help="folder that the demo wrote")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the pictures")
    parser.add_argument("--state", default="select=image.2&direction=from", help="hash of the page's address")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    shrink(options.demo / "attention.png", options.out / "attention.png")
    photograph(options.demo / "page.html", options.state, (options.width, options.height), options.out / "page.png")
    shrink(options.out / "page.png", options.out / "page.png")


def photograph(page: Path, state: str, size: tuple[int, int], path: Path) -> None:
    """What a browser without network shows of a page in this state."""
    browsers = [found for found in map(shutil.which, BROWSERS) if found]
    if not browsers:
        raise SystemExit("no Chromium here: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=browsers[0], args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_context(viewport={"width": size[0], "height": size[1]}, offline=True).new_page()
        tab.goto(f"{page.resolve().as_uri()}#{state}")
        tab.wait_for_selector("html[data-ready]")
        tab.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
        tab.screenshot(path=path)
        browser.close()


def shrink(path: Path, out: Path) -> None:
    """Makes a picture at most 1280 pixels wide, of 256 colours that suit it."""
    image = Image.open(path).convert("RGB")
    image.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
    image.quantize(256, kmeans=4, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main()
