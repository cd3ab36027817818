import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.explain import AttentionRecord, flow_to_output, sample_attention
from mmgraph.graph import GraphBatch

TO_IMAGE, TO_TEXT, TO_AUDIO = ("text", "with", "image"), ("image", "with", "text"), ("text", "with", "audio")


@pytest.fixture(scope="module")
def pair(graph) -> GraphBatch:
    return GraphBatch.concat([graph(5, 4, 3, seed=3, id="a"), graph(3, 4, 2, seed=4, id="b")])


@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 12), st.integers(0, 2**16))
def test_links_are_the_strongest_of_each_destination(pair, record, top, limit, seed):
    made = record(pair, seed=seed)
    by_destination: dict[object, list[float]] = {}
    for edge in made.edges(1, -1):
        if edge.cross_modal:
            by_destination.setdefault(edge.destination, []).append(edge.mean)
    expected = sorted((w for ws in by_destination.values() for w in sorted(ws)[-top:]), reverse=True)[:limit]
    links = sample_attention(made, "b", top=top, limit=limit).links
    assert [link.mean for link in links] == pytest.approx(expected, abs=1e-6)
    assert len(set(links)) == len(links)
    assert all(link.cross_modal and link.graph == "b" and link.layer == "convs.1" for link in links)


def test_links_do_not_depend_on_the_rest_of_the_batch(graph, model):
    from mmgraph.explain import record_attention

    batch = GraphBatch.concat([graph(3, 2, 1, seed=1, id="a"), graph(5, 4, 3, seed=2, id="b")])
    with record_attention(model) as records:
        model(batch)
        model(batch[1])
    both = [sample_attention(record, "b") for record in records]
    ends = [[(e.relation, e.source, e.destination) for e in one.links] for one in both]
    assert ends[0] == ends[1] and ends[0]
    for name in batch.schema.modalities:
        torch.testing.assert_close(both[0].flow[name], both[1].flow[name])


def test_a_layer_and_relations_can_be_chosen(batch: GraphBatch, record):
    made = record(batch)
    links = sample_attention(made, "all", layer=0, relations=[TO_TEXT], top=9).links
    assert {link.relation for link in links} == {TO_TEXT} and {link.layer for link in links} == {"convs.0"}
    assert len(links) == batch[0].relation(TO_TEXT).num_edges


def test_flow_is_split_by_modality(batch: GraphBatch, record):
    made = record(batch)
    flow = sample_attention(made, "no image").flow
    whole = flow_to_output(made)
    assert {name: len(part) for name, part in flow.items()} == {"image": 0, "text": 2, "audio": 3}
    assert torch.equal(flow["text"], whole[9:11]) and torch.equal(flow["audio"], whole[17:20])
    assert sample_attention(made, "all", flow=False).flow == {}


def test_the_caption_says_what_is_drawn(batch: GraphBatch, record):
    made = record(batch)
    crossing = sum(edge.cross_modal for edge in made.edges(0, 0))
    caption = sample_attention(made, "all", layer=0, top=1, limit=3).caption
    assert "attention weight (layer 1 of 2, convs.0, mean over heads" in caption
    assert f"3 of {crossing} cross-modal edges: at most 1 into each node" in caption
    assert "attention flow" in caption and "all edges into a node" in caption
    assert "flow" not in sample_attention(made, "all", flow=False).caption
    assert "importance" not in caption


def test_weights_of_different_relations_are_not_compared_without_a_common_softmax(batch: GraphBatch, record):
    made = record(batch, scope="relation")
    with pytest.raises(ValueError, match=r"'convs.1' has scope='relation'.*name one relation.*scope='node'"):
        sample_attention(made, "all", flow=False)
    links = sample_attention(made, "all", relations=[TO_AUDIO], flow=False)
    assert links.links and "the edges of one relation into a node" in links.caption
    with pytest.raises(ValueError, match="has scope='relation'") as error:
        sample_attention(made, "all", relations=[TO_AUDIO])
    assert error.value.__notes__ == ["flow=False draws the links without the attention flow"]


def test_a_graph_without_cross_modal_edges_has_no_links(graph, record):
    batch = graph(3, 0, 0, id="s")
    found = sample_attention(record(batch), "s")
    assert found.links == () and found.flow["image"].sum() == pytest.approx(1)


def test_bad_arguments_are_refused(batch: GraphBatch, record):
    made = record(batch)
    with pytest.raises(ValueError, match=r"\('image', 'near', 'image'\) is no cross-modal relation"):
        sample_attention(made, "all", relations=[("image", "near", "image")])
    with pytest.raises(ValueError, match="top=0 and limit=60 are at least 1"):
        sample_attention(made, "all", top=0)
    with pytest.raises(ValueError, match="no layer -1: the record has"):
        sample_attention(AttentionRecord(batch, (), made.pools), "all")
