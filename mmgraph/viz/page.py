"""`page`: samples and their attention as one HTML file that works offline."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmgraph.training.checkpoint import replace_file
from mmgraph.viz.page_code import assemble
from mmgraph.viz.page_data import MediaStore, pack_sample
from mmgraph.viz.page_sample import PageSample

STATE = (
    "sample", "model", "with", "withmodel", "view", "method", "layer", "head", "relation", "direction", "top", "least",
    "select", "find", "show", "theme",
)  # fmt: skip
"""Names that stand in the hash of the page's address."""


def page(
    samples: Sequence[PageSample],
    *,
    title: str = "Attention",
    note: str = "",
    start: Mapping[str, str] | None = None,
) -> str:
    """An interactive page: hover, tap or step to a token, region or frame and see what it attends to in the others.

    One file for any current browser, opened from disk: no request is made (its content policy forbids all), and no
    text of the data is read as markup. It has views for attention, attention flow and attributions; choices of layer,
    head, relation, direction, the strongest links of each node and the least weight; a player whose cursor moves over
    the spectrogram; a gallery with search; a second sample or model beside the first; a dark theme. All of it works by
    keyboard, and what is shown stands in the hash of its address: `page.html#sample=s1&layer=2&select=text.5` selects
    the fifth token, counted from 1.

    Links take at most two bytes of the file per layer and head. Weights are kept on a logarithmic scale, exact to 2 %;
    those below 1/10,000 of their layer's largest are shown as none. Only where a model has one layer with one head and
    its links follow no pattern, their ends leave less room: weights are exact to 8 % then with 2,000 links among 200
    nodes, to 16 % with 50,000 among 2,000; of 20,000 links among 2,000 the page has 17,000, the strongest of each node.
    The page says both. Of more than 5,000 links in a layer only the strongest of each node are drawn. Below some 400
    links, what does not grow with them takes a few hundred bytes more.

    Does not show: edge features and edge weights, learned features, and sound above 8 kHz in the spectrogram.

    Args:
        samples: what `page_sample` gives; the first one is shown first.
        title: of the page.
        note: a few plain words below everything: where the samples are from, how they were chosen.
        start: what is shown where the address has no hash, such as `{"with": "s2", "layer": "1"}`; see `STATE`.

    Returns:
        The HTML text.

    Raises:
        ValueError: if there is no sample, two have the same id and model, a raw input is no image or sound, or `start`
            has an unknown name.

    Example:
        >>> import torch
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.viz import page_sample
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {}, attributes={"text": {"text": ["two", "dogs"]}})
        >>> text = page([page_sample({"id": "0"}, graph)], title="Two dogs")
        >>> text.startswith("<!doctype html>"), "<title>Two dogs</title>" in text
        (True, True)
    """
    if not samples:
        raise ValueError("a page needs at least one sample")
    names = [(sample.id, sample.model) for sample in samples]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"sample {name[0]!r} of model {name[1]!r} is given twice; name the models: model='...'")
    unknown = sorted(set(start or {}) - set(STATE))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no part of the page's state; it has {', '.join(STATE)}")
    media = MediaStore()
    packed = [pack_sample(sample, media) for sample in samples]
    note = " ".join([note, *filter(None, map(_left_out, samples, packed))]).strip()
    data = {"title": title, "note": note, "start": dict(start or {}), "samples": packed, "media": media.files}
    return assemble(title, data)


def _left_out(sample: PageSample, packed: Mapping[str, Any]) -> str:
    """What the page says of links that found no room, or nothing."""
    for layer, shown in zip(sample.layers, packed["layers"], strict=True):
        kept, given = sum(packed["links"][shown["links"]]["counts"]), len(layer.alpha)
        if kept < given:
            return f"Sample {sample.id}: of {given:,} links this page has {kept:,}, the strongest of each node."
    return ""


def write_page(
    samples: Sequence[PageSample],
    path: Path | str,
    *,
    title: str = "Attention",
    note: str = "",
    start: Mapping[str, str] | None = None,
) -> None:
    """Writes `page` to a file, whole or not at all; its folder is made if it is not there. Arguments as for `page`.

    Example:
        >>> import torch
        >>> from tempfile import TemporaryDirectory
        >>> from mmgraph.graph import GraphBatch
        >>> from mmgraph.viz import page_sample
        >>> graph = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> with TemporaryDirectory() as folder:
        ...     write_page([page_sample({"id": "0"}, graph)], f"{folder}/page.html")
        ...     (Path(folder) / "page.html").stat().st_size > 10_000
        True
    """
    text = page(samples, title=title, note=note, start=start)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode())
