"""A real browser for the page: offline, with an empty console, and samples to look at.

Needs Chromium and playwright. MMGRAPH_REQUIRE_BROWSER=1 makes a missing browser an error.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from mmgraph.explain import AttentionRecord
from mmgraph.graph import GraphBatch, Texts
from mmgraph.viz import NodeValues, PageSample, page_sample, write_page

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
INK = """() => {
  const links = document.querySelector('.stage > canvas'), copy = new OffscreenCanvas(links.width, links.height);
  const c = copy.getContext('2d', { willReadFrequently: true });
  c.drawImage(links, 0, 0);
  return c.getImageData(0, 0, copy.width, copy.height).data.filter((v, i) => i % 4 === 3 && v).length;
}"""


class Reader:
    """A tab of the browser, with what a test asks for often; all else is the tab's."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tab, name)

    def draw(self) -> None:
        """Waits until what was asked for is drawn."""
        self.tab.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def until(self, what: str) -> None:
        """Waits until an expression is true. The page's policy forbids the tab's own way, which evaluates texts."""
        for _ in range(400):
            if self.tab.evaluate(what):
                return
            self.tab.wait_for_timeout(25)
        raise AssertionError(f"never true: {what}")

    def hash(self) -> str:
        return self.tab.evaluate("location.hash")

    def ink(self) -> int:
        """How many pixels of links there are."""
        return self.tab.evaluate(INK)

    def tinted(self) -> list[str]:
        """The tokens with a tint."""
        buttons = self.tab.locator(".words button").all()
        return [b.inner_text() for b in buttons if b.evaluate("(button) => button.style.backgroundColor")]

    def heading(self) -> str:
        """What is selected, by the details."""
        return self.tab.inner_text(".details h3")

    def legend(self) -> str:
        return self.tab.inner_text(".legend p")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        if os.environ.get("MMGRAPH_REQUIRE_BROWSER") == "1":
            pytest.fail("no Chromium here, and MMGRAPH_REQUIRE_BROWSER=1: apt-get install chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Callable[..., Any]:
    """A context manager: opens a file offline, and afterwards finds that it asked for nothing and said nothing."""

    @contextmanager
    def opened(path: Path, state: str = "", *, size: tuple[int, int] = (1280, 800), **options: Any) -> Iterator[Reader]:
        width, height = size
        context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        try:
            tab, said, asked = context.new_page(), [], []
            tab.set_default_timeout(10_000)
            tab.on("console", lambda message: said.append(message.text))
            tab.on("pageerror", lambda error: said.append(str(error)))
            tab.on("dialog", lambda dialog: said.append(dialog.message))
            tab.on("request", lambda request: asked.append(request.url))
            tab.goto(f"{path.as_uri()}#{state}" if state else path.as_uri())
            tab.wait_for_selector("html[data-ready]")
            reader = Reader(tab)
            reader.draw()
            yield reader
            assert said == []
            assert [url for url in asked if not url.startswith((path.as_uri(), "data:", "blob:"))] == []
        finally:
            context.close()

    return opened


def rename(graph: GraphBatch, name: str) -> GraphBatch:
    """The same graph under another id."""
    return GraphBatch(graph.schema, Texts.of([name]), graph.nodes, graph.edges, graph.targets)


@pytest.fixture(scope="session")
def named() -> Callable[[GraphBatch, str], GraphBatch]:
    return rename


@pytest.fixture(scope="session")
def make(sample: Any, record: Any) -> Callable[..., PageSample]:
    """A sample with two layers, two attributions, and what else `page_sample` takes."""

    def made(*sizes: int, name: str = "s1", seed: int = 0, words: tuple[str, ...] = (), **more: Any) -> PageSample:
        raw, graph = sample(*sizes)
        if words:
            texts = graph.nodes["text"]
            texts = type(texts)(texts.x, texts.ptr, {"text": Texts.of(words)})
            graph = GraphBatch(graph.schema, graph.ids, {**graph.nodes, "text": texts}, graph.edges, graph.targets)
        graph = rename(graph, name)
        first, second = record(graph, seed), record(graph, seed + 1)
        both = AttentionRecord(graph, (*first.layers, *second.layers), first.pools)
        draw = torch.Generator().manual_seed(seed)
        values = {modality: torch.randn(nodes.num_nodes, generator=draw) for modality, nodes in graph.nodes.items()}
        given = [
            NodeValues("gradient", values, "the gradient"),
            NodeValues("occlusion", {"text": values["text"]}, "left out"),
        ]
        return page_sample({**raw, "id": name}, graph, both, attributions=given, **more)

    return made


@pytest.fixture(scope="session")
def one(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "one.html"
    write_page([make(prediction=3, truth=3)], path, title="One sample", note="A note.")
    return path


@pytest.fixture(scope="session")
def many(make: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "many.html"
    samples = [make(name=f"s{i}", model="small", seed=i, prediction=i, truth=i % 2) for i in range(4)]
    last = make(name="s0", model="large", seed=9, prediction=0, truth=0)
    write_page([*samples, last], path, title="Many samples", note="Made by hand.")
    return path
