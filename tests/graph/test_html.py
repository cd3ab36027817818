from html.parser import HTMLParser

import torch

from mmgraph.graph import Field, GraphBatch, GraphSchema, Target
from mmgraph.graph.html import batch_html

HOSTILE = "<script>alert(1)</script>"


class Cells(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.cells: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.inside = tag
        if tag == "td":
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.inside == "td":
            self.cells[-1] += data


def make_batch() -> GraphBatch:
    schema = GraphSchema(
        {"image": 2, "text": 3},
        {("image", "near", "text"): ("distance",)},
        {"image": {"box": Field("float32", (4,))}},
        {"label": Field("int64", num_classes=5)},
    )
    box = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    one = GraphBatch.single(
        {"image": torch.ones(1, 2), "text": torch.ones(2, 3)},
        {("image", "near", "text"): torch.tensor([[0, 0], [0, 1]])},
        schema=schema,
        attributes={"image": {"box": box}},
        edge_features={("image", "near", "text"): torch.ones(2, 1)},
        targets={"label": Target(torch.tensor([3]), torch.tensor([True]))},
        id="a",
    )
    two = GraphBatch.single(
        {"text": torch.ones(4, 3)},
        {},
        schema=schema,
        targets={"label": Target(torch.tensor([0]), torch.tensor([False]))},
        id="b",
    )
    return GraphBatch.concat([one, two])


def test_schema_and_counts_stand_in_the_table():
    cells = Cells(make_batch()._repr_html_()).cells
    assert cells == [
        *("image", "1", "0 to 1", "1", "2", "box float32[4]"),
        *("text", "6", "2 to 4", "", "3", ""),
        *("image → near → text", "2", "0 to 2", "distance"),
        *("label", "graph", "int64, 5 classes", "1 of 2"),
    ]


def test_the_first_ids_are_named():
    text = batch_html(make_batch())
    assert "2 graphs" in text and "a, b<" in text
    assert "a, a, a, …" in batch_html(make_batch()[[0, 0, 0, 0]])


def test_an_empty_batch_has_a_table_too():
    assert "0 graphs" in batch_html(make_batch()[:0])


def test_no_name_is_read_as_markup():
    relation = (HOSTILE, HOSTILE, HOSTILE)
    schema = GraphSchema({HOSTILE: 1}, {relation: (HOSTILE,)}, {HOSTILE: {HOSTILE: Field()}}, {HOSTILE: Field()})
    graph = GraphBatch.single(
        {HOSTILE: torch.ones(1, 1)},
        {},
        schema=schema,
        attributes={HOSTILE: {HOSTILE: torch.ones(1)}},
        targets={HOSTILE: torch.tensor(1.0)},
        id=HOSTILE,
    )
    assert Cells(batch_html(graph)).tags == {"div", "b", "table", "thead", "tbody", "tr", "th", "td"}
