import pytest
import torch

from mmgraph.explain import Attribution
from mmgraph.explain.nodes import destinations, locate
from mmgraph.graph import GraphBatch


@pytest.fixture
def found(batch: GraphBatch) -> Attribution:
    generator = torch.Generator().manual_seed(1)
    return Attribution(
        "by hand",
        "",
        batch,
        nodes=torch.randn(batch.num_nodes, generator=generator),
        edges=torch.randn(batch.num_edges, generator=generator),
    )


def test_sums_add_up_all_values_of_a_graph(found: Attribution, batch: GraphBatch):
    graph, _ = locate(batch.flat, torch.arange(batch.num_nodes))
    expected = torch.zeros(3).index_add_(0, graph, found.nodes)
    torch.testing.assert_close(found.modality_sums().sum(1), expected)
    torch.testing.assert_close(found.modality_sums()[0, 1], found.of("text")[:3].sum())
    graph, _ = locate(batch.flat, destinations(batch.flat))
    expected = torch.zeros(3).index_add_(0, graph, found.edges)
    torch.testing.assert_close(found.relation_sums().sum(1), expected)
    torch.testing.assert_close(found.relation_sums()[:, 2].sum(), found.edges[batch.flat.relation == 2].sum())


def test_the_first_nodes_of_a_sample_are_its_largest(found: Attribution, batch: GraphBatch):
    graph, _ = locate(batch.flat, torch.arange(batch.num_nodes))
    top = found.top("no image", 3)
    assert [value for _, value in top] == sorted(found.nodes[graph == 1].tolist(), reverse=True)[:3]
    words = found.top("no sound", modality="text", number=9)
    assert [node.text for node, _ in words] and len(words) == 4
    assert sorted(value for _, value in words) == sorted(found.of("text")[5:].tolist())


def test_the_first_edges_of_a_sample_are_its_largest(found: Attribution, batch: GraphBatch):
    graph, _ = locate(batch.flat, destinations(batch.flat))
    top = found.top_edges("no sound", 4)
    assert [value for *_, value in top] == sorted(found.edges[graph == 2].tolist(), reverse=True)[:4]
    for source, name, destination, value in top:
        row = int((found.edges == value).nonzero())
        relation = batch.schema.edge_types[int(batch.flat.relation[row])]
        assert (source.modality, name, destination.modality) == relation
        assert int(locate(batch.flat, batch.flat.src[row : row + 1].long())[1]) == source.index


@pytest.mark.unchecked
def test_an_unknown_level_is_named(found: Attribution):
    with pytest.raises(ValueError, match="level='heads' is not one of nodes"):
        found.level("heads")  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused(batch: GraphBatch, found: Attribution):
    with pytest.raises(ValueError, match="m attributes nothing: give nodes, edges"):
        Attribution("m", "", batch)
    with pytest.raises(ValueError, match=r"m: modalities are \[3, 3\] here, got \[2, 3\]"):
        Attribution("m", "", batch, modalities=torch.ones(2, 3))
    with pytest.raises(ValueError, match="by hand gives no relations, only nodes, edges"):
        found.level("relations")
    with pytest.raises(ValueError, match="unknown modality 'video'"):
        found.top("all", modality="video")
    with pytest.raises(ValueError, match="have the id 'none'"):
        found.top_edges("none")
