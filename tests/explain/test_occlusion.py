import pytest
import torch

from mmgraph.explain import (
    DonorFill,
    EdgeOcclusion,
    MeanFill,
    ModalityOcclusion,
    NodeOcclusion,
    OutputScore,
    RelationOcclusion,
    subgraph,
)
from mmgraph.explain.nodes import destinations, locate
from mmgraph.explain.occlusion import modality_of
from mmgraph.graph import GraphBatch
from mmgraph.training import predict

SCORE = OutputScore(2)


def lost(fusion, typed: GraphBatch, graph: int, nodes=None, edges=None) -> torch.Tensor:
    """The score of one graph less that of the batch with something removed, one forward pass for each."""
    return predict(fusion, typed)[graph, 2] - predict(fusion, subgraph(typed, nodes, edges))[graph, 2]


@pytest.mark.parametrize("batch_size", [3, 256])
def test_each_node_is_removed_alone(batch_size: int, typed: GraphBatch, fusion):
    found = NodeOcclusion(batch_size=batch_size)(fusion, typed, SCORE).nodes
    graph, _ = locate(typed.flat, torch.arange(typed.num_nodes))
    for node in range(typed.num_nodes):
        expected = lost(fusion, typed, int(graph[node]), torch.arange(typed.num_nodes) != node)
        torch.testing.assert_close(found[node], expected, atol=1e-5, rtol=1e-4)


def test_each_edge_is_removed_alone(typed: GraphBatch, fusion):
    found = EdgeOcclusion(batch_size=5)(fusion, typed, SCORE).edges
    graph, _ = locate(typed.flat, destinations(typed.flat))
    for edge in range(0, typed.num_edges, 9):
        expected = lost(fusion, typed, int(graph[edge]), edges=torch.arange(typed.num_edges) != edge)
        torch.testing.assert_close(found[edge], expected, atol=1e-5, rtol=1e-4)


def test_all_edges_of_a_relation_are_removed(typed: GraphBatch, fusion):
    found = RelationOcclusion(batch_size=7)(fusion, typed, SCORE).relations
    for relation in range(5):
        for graph in range(4):
            expected = lost(fusion, typed, graph, edges=typed.flat.relation != relation)
            torch.testing.assert_close(found[graph, relation], expected, atol=1e-5, rtol=1e-4)


def test_all_nodes_of_a_modality_are_removed(typed: GraphBatch, fusion):
    found = ModalityOcclusion(batch_size=3)(fusion, typed, SCORE).modalities
    for modality in range(3):
        for graph in range(4):
            expected = lost(fusion, typed, graph, modality_of(typed) != modality)
            torch.testing.assert_close(found[graph, modality], expected, atol=1e-5, rtol=1e-4)


def test_with_the_mean_an_additive_model_loses_the_difference(batch: GraphBatch, additive):
    model, fill = additive(batch.schema), MeanFill.of(batch)
    found = NodeOcclusion(fill)(model, batch, OutputScore())
    for name, nodes in batch.nodes.items():
        expected = model.encoder(nodes) - model.encoder(nodes).mean(0)
        torch.testing.assert_close(found.of(name), expected.squeeze(1), atol=1e-5, rtol=1e-5)


def test_nodes_of_other_modalities_are_left_alone(typed: GraphBatch, fusion):
    some = NodeOcclusion(modalities=["audio"])(fusion, typed, SCORE)
    whole = NodeOcclusion()(fusion, typed, SCORE)
    assert torch.allclose(some.of("audio"), whole.of("audio"), atol=1e-6)
    assert float(some.of("image").abs().max()) == 0
    with pytest.raises(ValueError, match="unknown modality 'video'"):
        NodeOcclusion(modalities=["video"])(fusion, typed, SCORE)


def test_how_far_the_score_moves_is_at_least_what_it_loses(typed: GraphBatch, fusion):
    fill = DonorFill(typed, draws=4)
    loss, size = (NodeOcclusion(fill, size=size)(fusion, typed, SCORE).nodes for size in (False, True))
    assert (size >= loss.abs() - 1e-6).all() and (size > loss.abs() + 1e-4).any()


def test_without_relations_there_is_none_to_take_away(additive):
    graph = GraphBatch.single({"a": torch.ones(1, 3)}, {})
    with pytest.raises(ValueError, match="the graphs have no relation"):
        RelationOcclusion()(additive(graph.schema), graph, OutputScore())
