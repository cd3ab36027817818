import networkx
import pytest
import torch

from mmgraph.explain import AttentionRecord, LayerAttention, PoolAttention, max_flow_to_nodes, max_flow_to_output
from mmgraph.explain.flow import shares
from mmgraph.explain.nodes import destinations
from mmgraph.graph import GraphBatch


def slow(record: AttentionRecord, start: torch.Tensor, residual: float) -> list[float]:
    """networkx on the same network, edge by edge."""
    network, nodes = networkx.DiGraph(), record.batch.num_nodes
    network.add_nodes_from((level, node) for level in range(len(record.layers) + 1) for node in range(nodes))

    def widen(a, b, width):
        before = network[a][b]["capacity"] if network.has_edge(a, b) else 0.0
        network.add_edge(a, b, capacity=before + width)

    for level, layer in enumerate(record.layers):
        dst = destinations(layer.graph)
        share = shares(layer, dst)
        for s, d, width in zip(layer.graph.src.tolist(), dst.tolist(), share.tolist(), strict=True):
            widen((level + 1, d), (level, s), (1 - residual) * width)
        entered = set(dst.tolist())
        for node in range(nodes):
            widen((level + 1, node), (level, node), residual if node in entered else 1.0)
    for node, width in enumerate(start.tolist()):
        widen("out", (len(record.layers), node), width)
    return [networkx.maximum_flow_value(network, "out", (0, node)) for node in range(nodes)]


@pytest.mark.parametrize(("layers", "residual"), [(0, 0.5), (1, 0.5), (2, 0.3), (2, 0.0)])
def test_it_is_the_maximum_flow_of_networkx(graph, record, layers: int, residual: float):
    made = record(GraphBatch.concat([graph(2, 1, 1), graph(2, 3, 2, seed=4)]), layers)
    one = made.single(1)
    found = max_flow_to_output(made, 1, residual=residual)
    assert found.tolist() == pytest.approx(slow(one, one.pools[0].mean, residual), abs=1e-5)
    into = max_flow_to_nodes(made, 1, nodes=[3, 0], residual=residual)
    for row, node in zip(into, (3, 0), strict=True):
        start = torch.nn.functional.one_hot(torch.tensor(node), 7)
        assert row.tolist() == pytest.approx(slow(one, start, residual), abs=1e-5)


def test_paths_that_share_an_edge_share_its_width_where_rollout_multiplies():
    # Two hops a -> b -> c with half of each entering by the edge: rollout 1/4 over the edges, the narrowest is 1/2.
    edges = {("t", "to", "t"): torch.tensor([[0, 1], [1, 2]])}
    batch = GraphBatch.single({"t": torch.zeros(3, 1)}, edges)
    layer = LayerAttention("c", "node", batch.schema.edge_types, torch.ones(2, 1), batch.flat)
    made = AttentionRecord(batch, (layer, layer), (PoolAttention("p", torch.tensor([[0.0], [0.0], [1.0]])),))
    assert max_flow_to_output(made, 0).tolist() == pytest.approx([0.5, 1.0, 0.5])


def test_all_destinations_are_taken_if_none_is_given(graph, record):
    made = record(graph(2, 2, 0))
    assert torch.equal(max_flow_to_nodes(made, 0), max_flow_to_nodes(made, 0, nodes=range(4)))


def test_what_is_not_there_is_refused(batch: GraphBatch, record):
    with pytest.raises(ValueError, match="no node 9: graph 0 has 9"):
        max_flow_to_nodes(record(batch), 0, nodes=[9])
    with pytest.raises(ValueError, match="no graph 3"):
        max_flow_to_output(record(batch), 3)
    with pytest.raises(ValueError, match="scope='relation'"):
        max_flow_to_output(record(batch, scope="relation"), 0)
    with pytest.raises(ValueError, match=r"residual=2 is the share"):
        max_flow_to_nodes(record(batch), 0, residual=2)
