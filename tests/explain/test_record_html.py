from html.parser import HTMLParser

import pytest
import torch

from mmgraph.explain import AttentionRecord, LayerAttention, PoolAttention
from mmgraph.explain.record_html import record_html, shares
from mmgraph.graph import GraphBatch

HOSTILE = "<img src=x onerror=alert(1)>"


def make_record(scope: str = "node", name: str = "conv") -> AttentionRecord:
    """Two words, of which the second attends to the first and to a region; two regions, of which one attends."""
    graph = GraphBatch.single(
        {"image": torch.ones(2, 1), "text": torch.ones(2, 1)},
        {
            ("image", "with", "text"): torch.tensor([[1], [1]]),
            ("text", "with", "text"): torch.tensor([[0], [1]]),
            ("text", "with", "image"): torch.tensor([[0], [0]]),
        },
    )
    alpha = torch.tensor([[1.0, 1.0], [0.5, 0.75], [0.5, 0.25]])  # into image 0; into text 1 from image, from text
    layer = LayerAttention(name, scope, graph.schema.edge_types, alpha, graph.flat)
    return AttentionRecord(graph, (layer,), (PoolAttention(name, torch.ones(4, 3)),))


def test_shares_are_means_over_the_nodes_that_attend():
    assert shares(make_record().layers[0]).tolist() == [[0.0, 1.0], [0.625, 0.375]]


def test_shares_of_a_row_sum_to_one_for_real_attention():
    found = shares(make_record().layers[0])
    assert torch.allclose(found.sum(1), torch.ones(2, dtype=torch.float64))


def test_layers_pools_and_shares_stand_in_the_tables():
    text = make_record()._repr_html_()
    for part in ("1 graph ", "all edges into a node", ">62 %<", ">38 %<", ">100 %<", ">conv<"):
        assert part in text


def test_shares_are_left_out_where_each_relation_has_its_own_softmax():
    text = record_html(make_record("relation"))
    assert "the edges of one relation into a node" in text and "%" not in text


def test_no_name_is_read_as_markup():
    tags: set[str] = set()

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)

    Tags().feed(record_html(make_record(name=HOSTILE)))
    assert tags == {"div", "b", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("layers", [0, 1])
def test_a_record_without_layers_or_edges_is_shown(layers):
    graph = GraphBatch.single({"text": torch.ones(2, 1)}, {})
    none = LayerAttention("conv", "node", (), torch.ones(0, 2), graph.flat)
    assert f"{layers} layer" in record_html(AttentionRecord(graph, (none,) * layers, ()))
