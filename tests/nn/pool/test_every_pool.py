"""What holds for every exported pool that gives rows per graph; a new one is tested here as soon as it is exported."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import torch
from torch import Tensor

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.models import GraphFusion
from mmgraph.nn import pool as pools
from mmgraph.nn.pool import Coarsened

CHANNELS = 6
Make = Callable[..., Any]
READOUTS = [
    name
    for name in pools.__all__
    if name.endswith("Pool") and get_type_hints(getattr(pools, name).forward)["return"] is not Coarsened
]
KINDS = [
    (name, {"span": span} if span else {})
    for name in READOUTS
    for span in (("modality", "graph") if "span" in inspect.signature(getattr(pools, name)).parameters else (None,))
]


def takes(name: str, option: str) -> bool:
    return option in inspect.signature(getattr(pools, name)).parameters


def maker(name: str, options: dict[str, Any]) -> Make:
    """Makes a pool in eval mode whose weights are all drawn at random."""

    def build(batch: GraphBatch, seed: int = 0) -> Any:
        torch.manual_seed(seed)
        heads = {"heads": 2} if takes(name, "heads") else {}
        pool = getattr(pools, name)(batch.schema, CHANNELS, **heads, **options)
        for parameter in pool.parameters():
            torch.nn.init.normal_(parameter)
        return pool.eval().to(batch.nodes["a"].x.dtype)

    return build


@pytest.fixture(params=KINDS, ids=str)
def make(request: pytest.FixtureRequest) -> Make:
    return maker(*request.param)


@pytest.fixture(params=[kind for kind in KINDS if kind[0] in ("AttentionPool", "Set2SetPool")], ids=str)
def make_attending(request: pytest.FixtureRequest) -> Make:
    return maker(*request.param)


def nodes_of(batch: GraphBatch) -> dict[str, Tensor]:
    """Nodes of all modalities with equally many channels, a function of their features."""
    wave = torch.arange(1, CHANNELS + 1)
    return {name: (nodes.x.sum(1, keepdim=True) * wave).sin() for name, nodes in batch.nodes.items()}


def test_all_pools_with_attention_are_asked_about_it() -> None:
    attending = [name for name in READOUTS if hasattr(getattr(pools, name), "node_attention")]
    assert attending == ["AttentionPool", "Set2SetPool"]


def test_every_pool_has_a_test_file_of_its_own() -> None:
    files = [Path(getattr(pools, name).__module__.replace(".", "/")).name for name in pools.__all__]
    assert [name for name in files if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_a_graph_alone_equals_itself_in_a_batch(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    pool = make(graphs)
    together = pool(nodes_of(graphs), graphs.flat)
    rows = 1 if getattr(pool, "span", "graph") == "graph" else len(graphs.schema.modalities)
    assert together.shape == (len(graphs), rows, pool.out_channels) and pool.results == rows
    for g in (0, 4, 5, 6):
        assert_agree(together[g : g + 1], pool(nodes_of(graphs[g]), graphs[g].flat))


def test_permuting_graphs_permutes_outputs(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    pool, order = make(graphs), torch.randperm(len(graphs))
    shuffled = graphs[order]
    assert_agree(pool(nodes_of(shuffled), shuffled.flat), pool(nodes_of(graphs), graphs.flat)[order])


def test_nodes_have_no_order(make: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    pool, graph = make(graphs), graphs[0]
    x = nodes_of(graph)
    shuffled = {name: rows[torch.randperm(len(rows))] for name, rows in x.items()}
    assert_agree(pool(shuffled, graph.flat), pool(x, graph.flat))


@pytest.mark.parametrize("place", ["first", "last", "everywhere"])
def test_graphs_that_lack_a_modality_change_nothing_for_the_others(
    make: Make, graphs: GraphBatch, place: str, assert_agree: Make
) -> None:
    full, lacking = [0, 1, 2, 3], [4, 5, 6]
    order = {"first": lacking + full, "last": full + lacking, "everywhere": [4, 0, 5, 1, 6, 2, 4, 3, 5]}[place]
    pool, mixed, pure = make(graphs), graphs[order], graphs[full]
    with_them, without = pool(nodes_of(mixed), mixed.flat), pool(nodes_of(pure), pure.flat)
    assert_agree(with_them[[order.index(g) for g in full]], without)


@pytest.fixture(scope="module", params=["a", "b", "ab"])
def lacking(request: pytest.FixtureRequest, schema: GraphSchema, ragged: Make) -> tuple[str, GraphBatch]:
    """Graphs that have some modalities only, and which."""
    return request.param, ragged(schema, [dict.fromkeys(request.param, 3)] * 3)


def test_a_modality_that_no_graph_has_is_pooled_to_zeros(make: Make, lacking: tuple[str, GraphBatch]) -> None:
    present, batch = lacking
    pool, x = make(batch), {name: rows.requires_grad_() for name, rows in nodes_of(batch).items()}
    out = pool(x, batch.flat)
    assert out.isfinite().all()
    if out.shape[1] > 1:
        assert [name for m, name in enumerate(batch.schema.modalities) if out[:, m].any()] == list(present)
    out.square().sum().backward()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in (*pool.parameters(), *x.values()))


def test_no_graph_at_all_is_ordinary(make: Make, graphs: GraphBatch) -> None:
    none, pool = graphs[:0], make(graphs)
    assert pool(nodes_of(none), none.flat).shape == (0, pool.results, pool.out_channels)


def test_every_parameter_and_node_is_reached_by_a_gradient(make: Make, schema: GraphSchema, ragged: Make) -> None:
    batch = ragged(schema, [dict.fromkeys("abcd", 3)] * 3, dtype=torch.float64)  # float32 hides a zero in its noise
    pool, x = make(batch).train(), {name: rows.requires_grad_() for name, rows in nodes_of(batch).items()}
    pool(x, batch.flat).square().sum().backward()
    reached = {name: p.grad is not None and bool(p.grad.abs().max() > 1e-6) for name, p in pool.named_parameters()}
    assert [name for name, yes in reached.items() if not yes] == []
    assert all(rows.grad is not None and bool(rows.grad.any()) for rows in x.values())


def test_a_state_dict_brings_everything_back(make: Make, graphs: GraphBatch) -> None:
    pool, other = make(graphs, seed=0), make(graphs, seed=1)
    assert set(pool.state_dict()) >= {name for name, _ in pool.named_parameters()}
    other.load_state_dict(pool.state_dict())
    assert torch.equal(pool(nodes_of(graphs), graphs.flat), other(nodes_of(graphs), graphs.flat))


def test_outputs_repeat(make: Make, graphs: GraphBatch) -> None:
    pool = make(graphs)
    assert torch.equal(pool(nodes_of(graphs), graphs.flat), pool(nodes_of(graphs), graphs.flat))


@pytest.mark.parametrize("name", READOUTS)
def test_a_model_takes_it(name: str, schema: GraphSchema, ragged: Make) -> None:
    """Outputs of a graph without the modality depend on what stands in for it, if anything does."""
    batch = ragged(schema, [{"a": 2, "b": 3, "c": 1, "d": 1}, {"a": 2}])
    model: Any = GraphFusion(schema, 2, hidden_channels=8, num_layers=1, pool=getattr(pools, name)).eval()
    out = model(batch)
    assert out.shape == (2, 2) and torch.allclose(out[1:], model(batch[1:]), atol=1e-5)


def test_attention_sums_to_one_over_what_is_spanned(
    make_attending: Make, graphs: GraphBatch, assert_agree: Make
) -> None:
    pool = make_attending(graphs)
    alpha = pool.node_attention(nodes_of(graphs), graphs.flat)
    of = torch.repeat_interleave(graphs.flat.segment.diff())
    of = of if pool.span == "modality" else of % len(graphs)
    sums = alpha.new_zeros(int(of.max()) + 1, alpha.shape[1]).index_add(0, of, alpha)[of.unique()]
    assert bool((alpha >= 0).all())
    assert_agree(sums, torch.ones_like(sums))


def test_attention_is_what_forward_uses(make_attending: Make, graphs: GraphBatch, assert_agree: Make) -> None:
    """Head h weighs the h-th part of the channels: the weighted mean of the nodes, graph by graph."""
    pool, x = make_attending(graphs), nodes_of(graphs)
    alpha, out = pool.node_attention(x, graphs.flat), pool(x, graphs.flat)[:, :, -CHANNELS:]
    of = torch.repeat_interleave(graphs.flat.segment.diff())
    heads = alpha.shape[1]
    rows = torch.cat(list(x.values())).view(len(alpha), heads, CHANNELS // heads) * alpha.unsqueeze(2)
    for g in range(len(graphs)):
        for m in range(out.shape[1]):
            mine = (of == m * len(graphs) + g) if pool.span == "modality" else (of % len(graphs) == g)
            assert_agree(out[g, m], rows[mine].sum(0).flatten())


@pytest.mark.parametrize("name", READOUTS)
def test_channels_below_one_are_named(name: str, schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"channels.* at least 1.*got.*0"):
        getattr(pools, name)(schema, 0)


@pytest.mark.parametrize(("channels", "heads"), [(6, 4), (6, 0), (0, 1), (6, -2)])
@pytest.mark.parametrize("name", [name for name in READOUTS if takes(name, "heads")])
def test_heads_that_do_not_divide_channels_are_named(schema: GraphSchema, name: str, channels: int, heads: int) -> None:
    with pytest.raises(ValueError, match=f"heads divides channels, got channels={channels}, heads={heads}"):
        getattr(pools, name)(schema, channels, heads=heads)


@pytest.mark.unchecked
@pytest.mark.parametrize("name", [name for name in READOUTS if takes(name, "span")])
def test_an_unknown_span_is_named(schema: GraphSchema, name: str) -> None:
    with pytest.raises(ValueError, match="span is 'modality' or 'graph', got 'batch'"):
        getattr(pools, name)(schema, 2, span="batch")
