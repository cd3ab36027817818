"""What holds for every exported pool; a new one is tested here as soon as it is exported."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import pool as pools

CHANNELS = 6
Make = Callable[..., Any]


@pytest.fixture(params=pools.__all__)
def make(request: pytest.FixtureRequest) -> Make:
    """A pool in eval mode whose weights are all drawn at random."""

    def build(batch: GraphBatch, seed: int = 0) -> Any:
        torch.manual_seed(seed)
        pool = getattr(pools, request.param)(batch.schema, CHANNELS, heads=2)
        for parameter in pool.parameters():
            torch.nn.init.normal_(parameter)
        return pool.eval().to(batch.nodes["a"].x.dtype)

    return build


def nodes_of(batch: GraphBatch) -> dict[str, Tensor]:
    """Nodes of all modalities with equally many channels, a function of their features."""
    wave = torch.arange(1, CHANNELS + 1)
    return {name: (nodes.x.sum(1, keepdim=True) * wave).sin() for name, nodes in batch.nodes.items()}


def test_every_pool_has_a_test_file_of_its_own() -> None:
    files = [Path(getattr(pools, name).__module__.replace(".", "/")).name for name in pools.__all__]
    assert [name for name in files if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_a_graph_alone_equals_itself_in_a_batch(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    pool = make(graphs)
    together = pool(nodes_of(graphs), graphs.flat)
    assert together.shape == (len(graphs), len(graphs.schema.modalities), CHANNELS)
    for g in range(len(graphs)):
        assert_agree(together[g : g + 1], pool(nodes_of(graphs[g]), graphs[g].flat))


def test_permuting_graphs_permutes_outputs(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    pool, order = make(graphs), torch.randperm(len(graphs))
    shuffled = graphs[order]
    assert_agree(pool(nodes_of(shuffled), shuffled.flat), pool(nodes_of(graphs), graphs.flat)[order])


@pytest.mark.parametrize("place", ["first", "last", "everywhere"])
def test_graphs_that_lack_a_modality_change_nothing_for_the_others(
    make: Make, graphs: GraphBatch, place: str, assert_agree: Make
) -> None:
    full, lacking = [0, 1, 2, 3], [4, 5, 6]
    order = {"first": lacking + full, "last": full + lacking, "everywhere": [4, 0, 5, 1, 6, 2, 4, 3, 5]}[place]
    pool, mixed, pure = make(graphs), graphs[order], graphs[full]
    with_them, without = pool(nodes_of(mixed), mixed.flat), pool(nodes_of(pure), pure.flat)
    assert_agree(with_them[[order.index(g) for g in full]], without)


@pytest.mark.parametrize("present", ["a", "b", "ab"])
def test_a_modality_that_no_graph_has_is_pooled_to_zeros(
    make: Make, schema: GraphSchema, ragged: Callable[..., GraphBatch], present: str
) -> None:
    batch = ragged(schema, [dict.fromkeys(present, 3)] * 3)
    pool = make(batch)
    out = pool(nodes_of(batch), batch.flat)
    assert out.isfinite().all()
    assert [name for m, name in enumerate(schema.modalities) if out[:, m].any()] == list(present)
    out.square().sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in pool.parameters())


def test_every_parameter_is_reached_by_a_gradient(make: Make, schema: GraphSchema, ragged: Make) -> None:
    batch = ragged(schema, [dict.fromkeys("abcd", 3)] * 3, dtype=torch.float64)  # float32 hides a zero in its noise
    pool = make(batch).train()
    pool(nodes_of(batch), batch.flat).square().sum().backward()
    reached = {name: p.grad is not None and bool(p.grad.abs().max() > 1e-6) for name, p in pool.named_parameters()}
    assert [name for name, yes in reached.items() if not yes] == []


def test_a_state_dict_brings_everything_back(make: Make, graphs: GraphBatch) -> None:
    pool, other = make(graphs, seed=0), make(graphs, seed=1)
    assert set(pool.state_dict()) >= {name for name, _ in pool.named_parameters()}
    other.load_state_dict(pool.state_dict())
    assert torch.equal(pool(nodes_of(graphs), graphs.flat), other(nodes_of(graphs), graphs.flat))


def test_outputs_repeat(make: Make, graphs: GraphBatch) -> None:
    pool = make(graphs)
    assert torch.equal(pool(nodes_of(graphs), graphs.flat), pool(nodes_of(graphs), graphs.flat))


def test_attention_sums_to_one_over_the_nodes_of_a_modality_in_a_graph(
    make: Make, graphs: GraphBatch, assert_agree: Make
) -> None:
    alpha = make(graphs).node_attention(nodes_of(graphs), graphs.flat)
    parts = alpha.split(graphs.flat.segment.diff().tolist())
    sums = torch.stack([part.sum(0) for part in parts if len(part)])
    assert bool((alpha >= 0).all())
    assert_agree(sums, torch.ones_like(sums))


def test_attention_is_what_forward_uses(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    """Head h weighs the h-th part of the channels: the weighted mean of the nodes, graph by graph."""
    pool, x = make(graphs), nodes_of(graphs)
    alpha, out = pool.node_attention(x, graphs.flat), pool(x, graphs.flat)
    segments = graphs.flat.segment.view(-1)
    rows = torch.cat(list(x.values())).view(len(alpha), 2, CHANNELS // 2)
    for m in range(len(x)):
        for g in range(len(graphs)):
            start, stop = segments[m * len(graphs) + g], segments[m * len(graphs) + g + 1]
            assert_agree(out[g, m], (rows[start:stop] * alpha[start:stop].unsqueeze(2)).sum(0).flatten())


@pytest.mark.parametrize(("channels", "heads"), [(6, 4), (6, 0), (0, 1), (6, -2)])
def test_heads_that_do_not_divide_channels_are_named(schema: GraphSchema, channels: int, heads: int) -> None:
    for name in pools.__all__:
        with pytest.raises(ValueError, match=f"heads divides channels, got channels={channels}, heads={heads}"):
            getattr(pools, name)(schema, channels, heads=heads)
