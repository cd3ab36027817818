"""What holds for every recipe: it builds from its sample, with anything missing, always the same; layers can learn."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

from mmgraph.cli.graph import names, recipe
from mmgraph.graph import GraphBatch
from mmgraph.nn import MeanPool, NodeEncoder


@pytest.fixture(params=names())
def module(request: pytest.FixtureRequest) -> ModuleType:
    return recipe(request.param)


def build(module: ModuleType, *samples: dict[str, Any]) -> GraphBatch:
    """Graphs of the samples by a builder that knows the recipe's own one."""
    graphs: GraphBatch = module.build().fit([module.sample()])(list(samples))
    return graphs


def test_its_sample_is_one_graph_with_nodes_of_every_modality_and_edges(module: ModuleType) -> None:
    graph = build(module, module.sample())
    assert len(graph) == 1 and bool(graph.present.all()) and graph.num_edges > 0
    assert graph.targets and all(bool(target.mask.all()) for target in graph.targets.values())


def test_two_builders_give_the_same_schema_and_the_same_graphs(module: ModuleType) -> None:
    first, second = (build(module, module.sample()) for _ in range(2))
    assert first.schema == second.schema and first.equal(second)


def test_what_is_missing_changes_nothing_for_another_graph(module: ModuleType) -> None:
    whole, modalities = module.sample(), list(module.build().nodes)
    expected = build(module, {**whole, "id": "whole"})
    for lacking in without_one(whole, modalities):
        graphs = build(module, {**lacking, "id": "lacking"}, {**whole, "id": "whole"})
        assert graphs[1].equal(expected)
        assert len(modalities) == 1 or not bool(graphs[0].present.all())
        step(module, graphs)


def without_one(sample: dict[str, Any], modalities: list[str]) -> list[dict[str, Any]]:
    """The sample without each of its modalities; if one holds several side by side, without each of those."""
    if len(modalities) > 1:
        return [{**sample, name: None} for name in modalities]
    parts = sample[modalities[0]]
    if not isinstance(parts, dict):
        return []  # the only input: without it there is no graph
    return [{**sample, modalities[0]: {**parts, name: None}} for name in parts if name != "text"]


@pytest.mark.parametrize("name", ["vig", "dialogue_gcn"])
def test_a_sample_without_its_only_input_is_refused(name: str) -> None:
    module = recipe(name)
    (modality,) = module.build().nodes
    with pytest.raises(ValueError, match="sample 'empty' has no input"):
        build(module, {**module.sample(), "id": "empty", modality: None})


def test_a_small_stack_of_its_layers_takes_a_step(module: ModuleType) -> None:
    step(module, build(module, module.sample()))


def step(module: ModuleType, graphs: GraphBatch, channels: int = 8) -> None:
    """Encoders, two layers, mean pool; a finite loss, and a gradient for the layers."""
    torch.manual_seed(0)
    schema, flat = graphs.schema, graphs.flat
    encoders = nn.ModuleDict({name: NodeEncoder(schema, name, channels) for name in schema.modalities})
    layers = nn.ModuleList(module.conv(schema, channels) for _ in range(2))
    x = {name: encoder(graphs.nodes[name]) for name, encoder in encoders.items()}
    for layer in layers:
        x = {name: value.tanh() for name, value in layer(x, flat).items()}
    loss = MeanPool(schema, channels)(x, flat).square().mean()
    loss.backward()
    gradients = [p.grad for p in layers.parameters() if p.grad is not None]
    assert bool(loss.isfinite()) and all(bool(grad.isfinite().all()) for grad in gradients)
    assert any(bool(grad.any()) for grad in gradients)
