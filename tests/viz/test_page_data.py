import json
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.explain import AttentionRecord, LayerAttention
from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.viz import NodeValues, PageSample, page, page_sample
from mmgraph.viz.page_data import MediaStore, pack_sample
from mmgraph.viz.page_numbers import decode_weights, unpack85


def unpack(text: str, dtype: type = np.uint32) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(unpack85(text)), dtype=np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<u4").reshape(-1).view(dtype)


def links_of(packed: dict[str, Any], place: int = 0) -> list[tuple[int, int, int]]:
    """Source, destination and relation of each link, read as the page reads them."""
    counts = {panel["name"]: panel["count"] for panel in packed["panels"]}
    first = {name: sum(list(counts.values())[:number]) for number, name in enumerate(counts)}
    steps = iter(zlib.decompress(unpack85(packed["links"][place]["gaps"])))
    links: list[tuple[int, int, int]] = []
    for number, (src, _, dst) in enumerate(packed["relations"]):
        cell = 0
        for _ in range(packed["links"][place]["counts"][number]):
            while (step := next(steps)) == 255:
                cell += 255
            cell += step
            links.append((first[src] + cell % counts[src], first[dst] + cell // counts[src], number))
    assert next(steps, None) is None
    return sorted(links, key=lambda link: (link[1], link[2]))


def links_in(layer: LayerAttention) -> list[tuple[int, int, int]]:
    flat = layer.graph
    dst = torch.repeat_interleave(torch.arange(flat.rowptr.numel() - 1), flat.rowptr.diff())
    return list(zip(flat.src.tolist(), dst.tolist(), flat.relation.tolist(), strict=True))


def weights_of(packed: dict[str, Any]) -> np.ndarray:
    """Weights [links, heads] of a layer, read as the page reads them."""
    codes = np.frombuffer(zlib.decompress(unpack85(packed["weights"])), dtype=np.uint8)
    return decode_weights(codes.reshape(packed["heads"], -1), packed["largest"]).T


def test_links_and_their_weights_come_back(sample, record):
    raw, graph = sample()
    shown = page_sample(raw, graph, record(graph))
    packed = pack_sample(shown, MediaStore())
    assert links_of(packed) == links_in(shown.layers[0])
    assert packed["relations"] == [list(relation) for relation in graph.schema.edge_types]
    assert np.allclose(weights_of(packed["layers"][0]), shown.layers[0].alpha, rtol=0.02, atol=1e-4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), max_size=30))
def test_links_in_any_order_and_more_than_once_keep_their_weights(given_links):
    ends = {("a", name, "a"): [link[:2] for link in given_links if link[2] == (name == "x")] for name in "xy"}
    edges = {relation: torch.tensor(pairs, dtype=torch.int64).reshape(-1, 2).T for relation, pairs in ends.items()}
    graph = GraphBatch.single({"a": torch.ones(4, 1)}, edges)
    alpha = torch.linspace(0.1, 1, 2 * graph.num_edges).reshape(-1, 2)
    layer = LayerAttention("conv", "node", graph.schema.edge_types, alpha, graph.flat)
    packed = pack_sample(PageSample("0", graph, {}, (layer,)), MediaStore())
    back = zip(links_of(packed), weights_of(packed["layers"][0]).tolist(), strict=True)
    exact = zip(links_in(layer), alpha.tolist(), strict=True)
    for (link, weights), (expected, values) in zip(sorted(back), sorted(exact), strict=True):
        assert link == expected and np.allclose(weights, values, rtol=0.02)


def test_layers_over_the_same_links_share_them_and_others_have_their_own(sample, record):
    raw, graph = sample()
    found = record(graph)
    less = GraphBatch.single({"image": torch.ones(4, 2), "text": torch.ones(5, 2), "audio": torch.ones(4, 2)}, {}).flat
    first = found.layers[0]
    learned = (*first.relations, ("text", "learned", "text"))
    other = replace(first, name="other", relations=learned, graph=less, alpha=torch.ones(0, 3))
    shown = page_sample(raw, graph, AttentionRecord(graph, (first, first, other), found.pools), flow=False)
    packed = pack_sample(shown, MediaStore())
    assert [layer["links"] for layer in packed["layers"]] == [0, 0, 1]
    assert links_of(packed, 1) == [] and packed["relations"][-1] == ["text", "learned", "text"]
    assert [layer["heads"] for layer in packed["layers"]] == [2, 2, 3]


def test_relations_are_numbered_through_all_layers(sample, record):
    raw, graph = sample()
    first = record(graph).layers[0]
    schema = GraphSchema(graph.schema.modalities, graph.schema.edge_types[::-1])
    nodes = {modality: torch.ones(rows.num_nodes, 2) for modality, rows in graph.nodes.items()}
    ends = {key: torch.stack([graph.relation(key).src, graph.relation(key).dst]).long() for key in schema.edge_types}
    flat = GraphBatch.single(nodes, ends, schema=schema).flat
    turned = replace(first, relations=schema.edge_types, graph=flat, name="turned")
    packed = pack_sample(PageSample("s1", graph, raw, (first, turned)), MediaStore())
    for number, layer in enumerate((first, turned)):
        links = links_of(packed, packed["layers"][number]["links"])
        back = [(src, dst, tuple(packed["relations"][r])) for src, dst, r in links]
        assert sorted(back) == sorted((src, dst, layer.relations[r]) for src, dst, r in links_in(layer))


def test_roles_follow_from_attributes(sample):
    raw, graph = sample()
    panels = pack_sample(page_sample(raw, graph), MediaStore())["panels"]
    assert [(panel["name"], panel["role"], panel["count"]) for panel in panels] == [
        ("image", "regions", 4),
        ("text", "words", 5),
        ("audio", "time", 4),
    ]
    assert panels[1]["labels"] == ["which", "digit", "is", "larger", ","]
    assert np.allclose(unpack(panels[0]["boxes"])[:8] / 65535, [0, 0, 0.5, 0.5, 0.5, 0, 1, 0.5], atol=1e-5)
    assert np.allclose(unpack(panels[2]["spans"], np.float32)[:4], [0, 0.1, 0.1, 0.2])
    bare = GraphBatch.single({"speaker": torch.ones(3, 2)}, {}, id="s")
    panel = pack_sample(page_sample({"id": "s"}, bare), MediaStore())["panels"][0]
    assert (panel["role"], panel["labels"], panel["count"]) == ("words", None, 3)


def test_outlines_and_labels_of_regions_are_kept():
    from mmgraph.graph import Field

    fields = {"box": Field("float32", (4,)), "outline": Field("float32", (3, 2)), "text": Field("text")}
    triangle = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]]])
    graph = GraphBatch.single(
        {"scene": torch.ones(1, 2)},
        {},
        schema=GraphSchema({"scene": 2}, [], {"scene": fields}),
        attributes={"scene": {"box": torch.tensor([[0.0, 0.0, 1.0, 1.0]]), "outline": triangle, "text": ["cat"]}},
    )
    panel = pack_sample(page_sample({"id": "0"}, graph), MediaStore())["panels"][0]
    assert panel["role"] == "regions" and panel["labels"] == ["cat"]
    assert np.allclose(unpack(panel["outlines"]) / 65535, triangle.reshape(-1), atol=1e-5)


def test_pictures_and_sounds_are_kept_once(sample):
    raw, graph = sample()
    media = MediaStore()
    first, second = (pack_sample(page_sample(raw, graph, model=name), media) for name in "ab")
    assert len(media.files) == 3  # picture, sound, spectrogram
    assert first["panels"] == second["panels"]


def test_a_modality_without_values_is_drawn_without_them(sample):
    raw, graph = sample()
    values = NodeValues("random", {"text": torch.arange(5.0)}, "numbers")
    packed = pack_sample(page_sample(raw, graph, attributions=[values]), MediaStore())["attributions"][0]
    back = unpack(packed["values"], np.float32)
    assert np.isnan(back[:4]).all() and back[4:9].tolist() == [0, 1, 2, 3, 4] and np.isnan(back[9:]).all()
    assert (packed["name"], packed["meaning"]) == ("random", "numbers")


def test_a_raw_input_that_cannot_be_drawn_is_an_error_that_names_it(sample):
    raw, graph = sample()
    with pytest.raises(ValueError, match="the page takes images") as caught:
        pack_sample(page_sample({**raw, "image": np.zeros(3)}, graph), MediaStore())
    assert caught.value.__notes__ == ["while drawing 'image' of sample 's1'"]


@pytest.mark.parametrize(("layers", "heads"), [(1, 1), (2, 1), (1, 2), (3, 4)])
@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize(("nodes", "links"), [(200, 2000), (2000, 50_000)])
def test_links_take_at_most_two_bytes_in_the_file_per_layer_and_head(nodes, links, dense, layers, heads):
    graph = random_graph(nodes, links, dense)
    packed = pack_sample(PageSample("0", graph, {}, random_layers(graph, layers, heads)), MediaStore())
    size = len(json.dumps([packed["links"], packed["layers"]]))
    assert size <= 2 * graph.num_edges * layers * heads + 20 * layers  # the number of the links


@pytest.mark.parametrize(("nodes", "links"), [(2000, 6000), (2000, 20_000), (4000, 10_000)])
def test_where_ends_at_random_leave_no_room_the_strongest_links_of_each_node_stay_and_the_page_says_so(nodes, links):
    graph = random_graph(nodes, links, False)
    shown = PageSample("0", graph, {}, random_layers(graph, 1, 1))
    packed, layer = pack_sample(shown, MediaStore()), shown.layers[0]
    assert len(json.dumps([packed["links"], packed["layers"]])) <= 2 * links
    kept = sum(packed["links"][0]["counts"])
    assert kept < links
    assert f"Sample 0: of {links:,} links this page has {kept:,}, the strongest of each node." in page([shown])
    weights, into = (
        weights_of(packed["layers"][0])[:, 0],
        np.repeat(np.arange(nodes), layer.graph.rowptr.diff().numpy()),
    )
    order = np.lexsort((-layer.alpha[:, 0].numpy(), into))
    rank = np.arange(links) - np.searchsorted(into[order], into[order])
    most = np.sort(rank)[kept - 1] + 1
    expected = layer.alpha[:, 0].numpy()[order][rank < most]
    assert kept == len(expected)
    assert np.allclose(np.sort(weights), np.sort(expected), rtol=0.2, atol=1.1e-4 * expected.max())


def test_weights_become_less_exact_only_where_links_at_random_leave_them_no_room():
    exact = {}
    for dense in (True, False):
        graph = random_graph(200, 2000, dense)
        for heads in (1, 2):
            shown = PageSample("0", graph, {}, random_layers(graph, 1, heads))
            packed = pack_sample(shown, MediaStore())
            exact[dense, heads] = packed["layers"][0]["exact"]
            ends = links_in(shown.layers[0])
            order = np.lexsort(([e[0] for e in ends], [e[2] for e in ends], [e[1] for e in ends]))
            alpha, back = shown.layers[0].alpha.numpy()[order], weights_of(packed["layers"][0])
            assert np.allclose(back, alpha, rtol=exact[dense, heads] / 100, atol=1.1e-4 * alpha.max())
    assert exact == {(True, 1): 2, (True, 2): 2, (False, 1): 8, (False, 2): 2}


def random_graph(nodes: int, links: int, dense: bool) -> GraphBatch:
    """Half of the nodes are words, half are sounds; links of four relations, at random or of each with its next."""
    generator = torch.Generator().manual_seed(0)
    names, half = ("text", "audio"), nodes // 2
    edges = {}
    for src in names:
        for dst in names:
            if dense:
                pairs = torch.cartesian_prod(torch.arange(half), torch.arange(links // 4 // half))
                edges[(src, "with", dst)] = torch.stack([(pairs[:, 0] + pairs[:, 1]) % half, pairs[:, 0]])
            else:
                chosen = torch.randperm(half * half, generator=generator)[: links // 4]
                edges[(src, "with", dst)] = torch.stack([chosen // half, chosen % half])
    return GraphBatch.single(dict.fromkeys(names, torch.ones(half, 1)), edges)


def random_layers(graph: GraphBatch, layers: int, heads: int) -> tuple[LayerAttention, ...]:
    generator, flat = torch.Generator().manual_seed(1), graph.flat
    dst = torch.repeat_interleave(torch.arange(graph.num_nodes), flat.rowptr.diff())
    found = []
    for number in range(layers):
        weight = torch.randn(graph.num_edges, heads, generator=generator).mul(2).exp()
        alpha = weight / torch.zeros(graph.num_nodes, heads).index_add_(0, dst, weight)[dst]
        found.append(LayerAttention(f"blocks.{number}.conv", "node", graph.schema.edge_types, alpha, flat))
    return tuple(found)
