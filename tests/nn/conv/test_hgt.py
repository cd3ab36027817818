"""`HGTConv` equals PyG's layer with PyG's weights, and a loop over edges where PyG has no such layer."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch_geometric.nn as pyg
from torch import Tensor
from torch.nn.functional import gelu

from mmgraph import ops
from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import HGTConv


def places(conv: HGTConv, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    """PyG has keys, queries and values of a modality in one matrix, and a relation's matrices by head and relation."""
    schema, found = conv.schema, {}
    for r, relation in enumerate(schema.edge_types):
        found[f"p_rel.{'__'.join(relation)}"] = [of(conv.prior)[r]]
    for name, relations in (("k_rel", conv.key_relation), ("v_rel", conv.value_relation)):
        found[f"{name}.weight"] = [of(relations).transpose(0, 1)]  # [heads, relations, channels, channels]
    for m, name in enumerate(schema.modalities):
        found[f"out_lin.lins.{name}.bias"] = [of(conv.out_bias)[m]]
        if len(conv.query_weight[m]):
            found[f"out_lin.lins.{name}.weight"] = [of(conv.out_weight[m])]
        if len(conv.skip[m]):
            found[f"skip.{name}"] = [of(conv.skip[m])]
    return found


class Apart(torch.nn.Module):
    """PyG's layer with the matrix of keys, queries and values cut in three, so that each has a name."""

    def __init__(self, layer: pyg.HGTConv) -> None:
        super().__init__()
        self.layer = layer
        self.parts = torch.nn.ParameterDict()
        for name, linear in layer.kqv_lin.lins.items():
            for kind, weight, bias in zip("kqv", linear.weight.chunk(3), linear.bias.chunk(3), strict=True):
                self.parts[f"{name}_{kind}_weight"] = weight.detach().clone()
                self.parts[f"{name}_{kind}_bias"] = bias.detach().clone()
        for linear in layer.kqv_lin.lins.values():
            del linear.weight, linear.bias

    def forward(self, x: Any, edges: Any) -> Any:
        for name, linear in self.layer.kqv_lin.lins.items():
            linear.weight = torch.cat([self.parts[f"{name}_{kind}_weight"] for kind in "kqv"])
            linear.bias = torch.cat([self.parts[f"{name}_{kind}_bias"] for kind in "kqv"])
        return self.layer(x, edges)


def places_apart(conv: HGTConv, of: Callable[[Tensor], Tensor]) -> dict[str, list[Tensor]]:
    found = {f"layer.{name}": parts for name, parts in places(conv, of).items()}
    kinds = {
        "k": (conv.key_weight, conv.key_bias),
        "q": (conv.query_weight, conv.query_bias),
        "v": (conv.value_weight, conv.value_bias),
    }
    for m, name in enumerate(conv.schema.modalities):
        for kind, (weights, biases) in kinds.items():
            if len(weights[m]):
                found |= {f"parts.{name}_{kind}_weight": [of(weights[m])], f"parts.{name}_{kind}_bias": [of(biases[m])]}
    return found


@pytest.mark.parametrize(("heads", "channels"), [(1, 4), (2, 3), (1, 5)], ids=str)
def test_it_equals_pyg(graphs: GraphBatch, assert_equals_pyg: Any, pyg_edges: Any, heads: int, channels: int) -> None:
    """With 4 and 5 channels, modality "c" or "a" keeps part of what it was."""
    schema = graphs.schema
    metadata = (list(schema.modalities), list(schema.edge_types))
    theirs = Apart(pyg.HGTConv(dict(schema.modalities), heads * channels, metadata, heads))
    conv = HGTConv(schema, schema.modalities, channels, heads)
    assert sum(map(len, conv.skip)) == (1 if heads * channels in schema.modalities.values() else 0)

    def call(peer: Any, graphs: GraphBatch, x: Any, features: Any, weight: Any) -> dict[str, Tensor]:
        return {name: rows for name, rows in peer(x, pyg_edges(graphs)).items() if name != "d"}

    assert_equals_pyg(conv, theirs, places_apart, call, graphs)


@pytest.fixture
def timed(ragged: Callable[..., GraphBatch]) -> GraphBatch:
    """Two relations know the time between their ends, and have other features too; two do not."""
    relations = {
        ("a", "x", "b"): ("time_difference",),
        ("b", "y", "a"): (),
        ("a", "z", "a"): ("angle", "time_difference"),
        ("b", "w", "b"): ("distance",),
    }
    schema = GraphSchema({"a": 4, "b": 3}, relations)
    return ragged(schema, [{"a": 3, "b": 2}, {"a": 2, "b": 3}], dtype=torch.float64)


@pytest.mark.parametrize("scope", ["node", "relation"])
def test_relative_times_join_the_sources_features(timed: GraphBatch, scope: Any, assert_agree: Any) -> None:
    """As in the paper: before keys and values are made, edge by edge; outputs and gradients."""
    conv = HGTConv(timed.schema, timed.schema.modalities, 3, 2, scope=scope, time_channels=6, time_unit=0.5).double()
    for parameter in conv.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    results = []
    for layer in (lambda x: conv(x, timed.flat), lambda x: slow(conv, timed, x)):
        conv.zero_grad()
        x = {name: nodes.x.clone().requires_grad_() for name, nodes in timed.nodes.items()}
        out = layer(x)
        torch.cat(list(out.values())).square().sum().backward()
        used = [value for value in (*x.values(), *conv.parameters()) if value.numel()]
        results.append([*out.values(), *(value.grad for value in used)])
    for found, expected in zip(*results, strict=True):
        assert_agree(found, expected)


def slow(conv: HGTConv, graphs: GraphBatch, x: dict[str, Tensor]) -> dict[str, Tensor]:
    out, schema = {}, conv.schema
    for d, name in enumerate(schema.modalities):
        rows = []
        for i in range(len(x[name])):
            groups: dict[int, Any] = {}
            query = (conv.query_weight[d] @ x[name][i] + conv.query_bias[d]).view(2, 3)
            for r in schema.into(name):
                for source, s in sources(conv, graphs, x, r, i):
                    key = conv.key_weight[s] @ source + (conv.key_bias[s] if len(conv.key_bias[s]) else 0)
                    value = conv.value_weight[s] @ source + conv.value_bias[s]
                    key = torch.einsum("hd,hde->he", key.view(2, 3), conv.key_relation[r])
                    values, logits = groups.setdefault(r if conv.scope == "relation" else 0, ([], []))
                    values.append(torch.einsum("hd,hde->he", value.view(2, 3), conv.value_relation[r]))
                    logits.append((key * query).sum(1) * conv.prior[r] / 3**0.5)
            total = torch.zeros(2, 3, dtype=torch.float64)
            for values, logits in groups.values():
                total = total + (torch.stack(logits).softmax(0).unsqueeze(2) * torch.stack(values)).sum(0)
            rows.append(conv.out_weight[d] @ gelu(total.flatten()) + conv.out_bias[d])
        out[name] = torch.stack(rows)
    return out


def sources(conv: HGTConv, graphs: GraphBatch, x: dict[str, Tensor], r: int, i: int) -> list[tuple[Tensor, int]]:
    """The features of the sources of node i in relation r, with what their time adds, and their modality."""
    relation = graphs.schema.edge_types[r]
    edges, names = graphs.relation(relation), graphs.schema.edge_features(relation)
    s, found = graphs.schema.modality_id(relation[0]), []
    dst = edges.dst + graphs.nodes[relation[2]].ptr[edges.graph]
    for e in (dst == i).nonzero().flatten().tolist():
        source = x[relation[0]][edges.src[e] + graphs.nodes[relation[0]].ptr[edges.graph[e]]]
        if "time_difference" in names and edges.features is not None and conv.time is not None:
            seconds = -edges.features[e, names.index("time_difference")]
            angles = [float(seconds) / 0.5 / 10000 ** (2 * k / 6) for k in range(3)]
            base = torch.tensor(angles, dtype=torch.float64)
            source = source + conv.time.weight[s] @ torch.cat([base.sin(), base.cos()])
        found.append((source, s))
    return found


def test_with_times_every_back_end_gives_the_same(timed: GraphBatch, assert_agree: Any) -> None:
    conv, results = HGTConv(timed.schema, timed.schema.modalities, 3, 2, time_channels=4).double(), []
    x = {name: nodes.x for name, nodes in timed.nodes.items()}
    for name in ops.available_backends():
        conv.zero_grad()
        with ops.backend(name):
            out = torch.cat(list(conv(x, timed.flat).values()))
            alpha = conv.attention(x, timed.flat)
            out.square().sum().backward()
        results.append([out, alpha, *(p.grad for p in conv.parameters() if p.grad is not None)])
    for other in results[1:]:
        for actual, expected in zip(other, results[0], strict=True):
            assert_agree(actual, expected)


def test_times_change_attention_and_have_gradients(timed: GraphBatch) -> None:
    conv = HGTConv(timed.schema, timed.schema.modalities, 3, 2, time_channels=4).double()
    x = {name: nodes.x for name, nodes in timed.nodes.items()}
    features = tuple(None if f is None else f.clone().requires_grad_() for f in timed.flat.features)
    flat = timed.flat._replace(features=features)
    later = flat._replace(features=tuple(None if f is None else f + 0.02 for f in features))
    assert not torch.allclose(conv.attention(x, flat), conv.attention(x, later))
    torch.cat(list(conv(x, flat).values())).square().sum().backward()
    grads = [None if f is None else f.grad for f in features]
    assert grads[1] is None and grads[3] is None  # other features are not read
    assert grads[0] is not None and grads[0].any()
    assert grads[2] is not None and grads[2][:, 1].any() and not grads[2][:, 0].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_channels": 3}, "a sine and a cosine each, an even number from 2, got 3"),
        ({"time_channels": 4, "time_unit": 0.0}, "time_unit is a number of seconds above 0, got 0.0"),
    ],
)
def test_wrong_times_are_named(timed: GraphBatch, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        HGTConv(timed.schema, 3, 2, **options)


def test_a_schema_without_times_is_refused(schema: GraphSchema) -> None:
    with pytest.raises(ValueError, match=r"no relation has the edge feature 'time_difference': make it with Measured"):
        HGTConv(schema, 3, 2, time_channels=4)
