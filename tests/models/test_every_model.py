"""What holds for every exported model; a new one is tested here as soon as it is exported."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from mmgraph import models
from mmgraph.graph import GraphBatch, GraphSchema

FULL, LACKING = [0, 1, 2, 3], [4, 5, 6, 7]


@pytest.fixture(params=models.__all__)
def kind(request: pytest.FixtureRequest) -> Any:
    return getattr(models, request.param)


@pytest.fixture
def model(kind: Any, graphs: GraphBatch, build: Callable[..., Any]) -> Any:
    return build(kind, graphs.schema, dtype=graphs.nodes["a"].x.dtype)


def loss_of(model: Any, batch: GraphBatch) -> torch.Tensor:
    return cross_entropy(model(batch), batch.targets["answer"].values)


def test_every_model_has_a_test_file_of_its_own() -> None:
    files = [Path(getattr(models, name).__module__.replace(".", "/")).name for name in models.__all__]
    assert [name for name in files if not (Path(__file__).parent / f"test_{name}.py").exists()] == []


def test_it_gives_one_row_of_finite_outputs_per_graph(model: Any, graphs: GraphBatch) -> None:
    out = model(graphs)
    assert out.shape == (len(graphs), 3) and out.isfinite().all() and out.dtype == graphs.nodes["a"].x.dtype
    assert model.schema == graphs.schema


def test_a_graph_alone_equals_itself_in_a_batch(model: Any, graphs: GraphBatch, assert_agree: Any) -> None:
    together = model(graphs)
    assert_agree(torch.cat([model(graph) for graph in graphs]), together)


def test_it_gives_the_same_without_gradients(model: Any, graphs: GraphBatch, assert_agree: Any) -> None:
    expected = model(graphs)
    with torch.no_grad():
        assert_agree(model(graphs), expected)


def test_permuting_graphs_permutes_outputs(model: Any, graphs: GraphBatch, assert_agree: Any) -> None:
    order = torch.randperm(len(graphs))
    assert_agree(model(graphs[order]), model(graphs)[order])


@pytest.mark.parametrize("place", ["first", "last", "everywhere"])
def test_graphs_that_lack_a_modality_change_nothing_for_the_others(
    model: Any, graphs: GraphBatch, place: str, assert_agree: Any
) -> None:
    order = {"first": LACKING + FULL, "last": FULL + LACKING, "everywhere": [4, 0, 5, 1, 6, 2, 7, 4, 3, 5]}[place]
    out = model(graphs[order])
    assert_agree(out[[order.index(g) for g in FULL]], model(graphs[FULL]))


@pytest.mark.parametrize("which", [LACKING[:1] + FULL, FULL + LACKING[:1], [4], [5, 5], [6], [7, 7], LACKING], ids=str)
def test_outputs_loss_and_gradients_are_finite_whoever_lacks_a_modality(
    model: Any, graphs: GraphBatch, which: list[int]
) -> None:
    """The first graph, the last, or all of them."""
    batch = graphs[which]
    loss = loss_of(model.train(), batch)
    loss.backward()
    assert loss.isfinite()
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


def test_a_graph_without_any_edge_is_ordinary(kind: Any, schema: GraphSchema, ragged: Any, build: Any) -> None:
    batch = ragged(schema, [{"a": 2, "b": 1, "c": 1}, {"a": 1}], degree=0.0)
    assert batch.num_edges == 0
    loss_of(build(kind, schema).train(), batch).backward()


def test_every_parameter_is_reached_by_a_gradient(model: Any, graphs: GraphBatch) -> None:
    """On data that has every relation and lacks every modality somewhere."""
    assert all(graphs.relation(relation).num_edges > 5 for relation in graphs.schema.edge_types)
    assert bool((~graphs.present).any(0).all())
    (model.train()(graphs) * torch.randn(len(graphs), 3)).sum().backward()
    used = [(name, p) for name, p in model.named_parameters() if p.numel()]
    assert [name for name, p in used if p.grad is None or float(p.grad.abs().max()) < 1e-7] == []


def test_every_parameter_is_reached_without_edge_features_or_relations(kind: Any, ragged: Any, build: Any) -> None:
    """A modality that no relation touches is encoded and pooled, and nothing of it is left untrained."""
    schema = GraphSchema({"a": 3, "b": 2, "alone": 2}, [("a", "x", "b")])
    batch = ragged(schema, [{"a": 5, "b": 4, "alone": 3}, {"a": 4}, {"b": 3}] * 3)
    model = build(kind, schema).train()
    (model(batch) * torch.randn(len(batch), 3)).sum().backward()
    used = [(name, p) for name, p in model.named_parameters() if p.numel()]
    assert [name for name, p in used if p.grad is None or float(p.grad.abs().max()) < 1e-7] == []


def test_a_state_dict_brings_everything_back(kind: Any, graphs: GraphBatch, build: Any) -> None:
    dtype = graphs.nodes["a"].x.dtype
    model, other = (build(kind, graphs.schema, seed=seed, dtype=dtype) for seed in (0, 1))
    assert not torch.equal(model(graphs), other(graphs))
    assert set(model.state_dict()) >= {name for name, _ in model.named_parameters()}
    other.load_state_dict(model.state_dict())
    assert torch.equal(model(graphs), other(graphs))


def test_the_seed_decides_the_weights_and_eval_repeats_outputs(kind: Any, graphs: GraphBatch, build: Any) -> None:
    dtype = graphs.nodes["a"].x.dtype
    first, second = (build(kind, graphs.schema, seed=7, dtype=dtype) for _ in range(2))
    assert torch.equal(first(graphs), second(graphs)) and torch.equal(first(graphs), first(graphs))


def test_dropout_acts_in_training(model: Any, graphs: GraphBatch) -> None:
    model.train()
    assert not torch.equal(model(graphs), model(graphs))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modalities": {"a": 5, "b": 0, "c": 2}}, "schema mismatch in modalities: .*'c', 3.*'c', 2"),
        ({"modalities": {"a": 5, "b": 0, "c": 3, "d": 1}}, "schema mismatch in modalities: .*'d', 1"),
        ({"relations": {}}, "schema mismatch in relations: .*'a', 'near', 'a'"),
        ({"attributes": {}}, "schema mismatch in attributes: .*'box'"),
    ],
)
def test_data_of_another_schema_is_refused(
    kind: Any, schema: GraphSchema, ragged: Any, build: Any, change: dict[str, Any], message: str
) -> None:
    parts = {"modalities": schema.modalities, "relations": schema.relations, "attributes": schema.attributes}
    other = GraphSchema(**{**parts, **change}, targets=schema.targets)
    with pytest.raises(ValueError, match=message):
        build(kind, schema)(ragged(other, [{"a": 2, "b": 2, "c": 2}]))


def test_targets_are_no_part_of_the_agreement(kind: Any, schema: GraphSchema, ragged: Any, build: Any) -> None:
    """A model can predict for data that has no answers."""
    without = GraphSchema(schema.modalities, schema.relations, schema.attributes)
    assert build(kind, schema)(ragged(without, [{"a": 2, "b": 2, "c": 2}])).shape == (1, 3)


def test_sizes_below_one_are_named(kind: Any, schema: GraphSchema) -> None:
    known = inspect.signature(kind).parameters
    usual: dict[str, Any] = {"out_channels": 3, "lengths": dict.fromkeys(schema.modalities, 2)}
    for size in {"out_channels", "hidden_channels", "node_channels", "num_layers", "heads"} & set(known):
        arguments = {name: value for name, value in usual.items() if name in known} | {size: 0}
        with pytest.raises(ValueError, match=f"sizes are at least 1.*{size}=0"):
            kind(schema, **arguments)


def test_mixed_precision_gives_nearly_the_same(kind: Any, schema: GraphSchema, ragged: Any, build: Any) -> None:
    batch = ragged(schema, [{"a": 4, "b": 3, "c": 2}, {"a": 3}, {"b": 2, "c": 1}])
    model = build(kind, schema)
    expected = model(batch)
    with torch.autocast("cpu", torch.bfloat16):
        out = model(batch)
        cross_entropy(out, batch.targets["answer"].values).backward()
    assert torch.allclose(out.float(), expected, atol=0.05 * float(expected.detach().abs().max()))
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


@pytest.mark.unchecked  # many calls; their shapes are checked in other tests
def test_it_learns_twenty_graphs_by_heart(kind: Any, schema: GraphSchema, ragged: Any, build: Any) -> None:
    nodes = [{"a": 2 + i % 3, "b": 1 + i % 4, "c": i % 3} for i in range(20)]
    batch, model = ragged(schema, nodes), build(kind, schema)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = loss_of(model, batch)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0]
