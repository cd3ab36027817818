import base64
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
from mmgraph.graph import GraphBatch
from mmgraph.viz import NodeValues, PageSample, page_sample
from mmgraph.viz.page_data import MediaStore, decode_weights, encode_weights, pack_sample


def unpack(text: str, dtype: type = np.uint32) -> np.ndarray:
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype=np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<u4").reshape(-1).view(dtype)


def links_of(packed: dict[str, str]) -> list[tuple[int, int, int]]:
    """Source, destination and relation of each link, read as the page reads them."""
    degree, steps, relation = (unpack(packed[name], np.int32).tolist() for name in ("degree", "src", "relation"))
    dst = [node for node, number in enumerate(degree) for _ in range(number)]
    links: list[tuple[int, int, int]] = []
    for e, step in enumerate(steps):
        goes_on = links and links[-1][1:] == (dst[e], relation[e])
        links.append((step + (links[-1][0] if goes_on else 0), dst[e], relation[e]))
    return links


def links_in(layer: LayerAttention) -> list[tuple[int, int, int]]:
    flat = layer.graph
    dst = torch.repeat_interleave(torch.arange(flat.rowptr.numel() - 1), flat.rowptr.diff())
    return list(zip(flat.src.tolist(), dst.tolist(), flat.relation.tolist(), strict=True))


def weights_of(packed: dict[str, Any]) -> np.ndarray:
    """Weights [links, heads] of a layer, read as the page reads them."""
    codes = np.frombuffer(zlib.decompress(base64.b64decode(packed["weights"])), dtype=np.uint8)
    return decode_weights(codes.reshape(packed["heads"], -1), packed["largest"]).T


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.floats(1e-3, 1))
def test_weights_come_back_exact_to_two_percent_or_as_none(values, largest):
    alpha = torch.tensor(values, dtype=torch.float64)[:, None] * largest
    back = decode_weights(encode_weights(alpha, largest), largest)[0]
    exact = alpha[:, 0].numpy()
    seen = exact >= 1.02e-4 * largest
    assert np.abs(back[seen] / exact[seen] - 1).max(initial=0) < 0.02
    assert back[~seen].max(initial=0) < 1.1e-4 * largest


def test_links_and_their_weights_come_back(sample, record):
    raw, graph = sample()
    shown = page_sample(raw, graph, record(graph))
    packed = pack_sample(shown, MediaStore())
    assert links_of(packed["links"][0]) == links_in(shown.layers[0])
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
    back = zip(links_of(packed["links"][0]), weights_of(packed["layers"][0]).tolist(), strict=True)
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
    assert links_of(packed["links"][1]) == [] and packed["relations"][-1] == ["text", "learned", "text"]
    assert [layer["heads"] for layer in packed["layers"]] == [2, 2, 3]


def test_relations_are_numbered_through_all_layers(sample, record):
    raw, graph = sample()
    first = record(graph).layers[0]
    turned = replace(first, relations=first.relations[::-1], name="turned")
    shown = PageSample("s1", graph, raw, (first, turned))
    packed = pack_sample(shown, MediaStore())
    links = links_of(packed["links"][packed["layers"][1]["links"]])
    back = [(src, dst, tuple(packed["relations"][r])) for src, dst, r in links]
    assert sorted(back) == sorted((src, dst, turned.relations[r]) for src, dst, r in links_in(turned))


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
    from mmgraph.graph import Field, GraphSchema

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


@pytest.mark.parametrize(("layers", "heads"), [(1, 4), (2, 2), (3, 4)])
@pytest.mark.parametrize("dense", [True, False])
def test_links_take_at_most_two_bytes_in_the_file_per_layer_and_head(layers, heads, dense):
    graph = random_graph(200, 2000, dense)
    packed = pack_sample(PageSample("0", graph, {}, random_layers(graph, layers, heads)), MediaStore())
    size = len(json.dumps([packed["links"], packed["layers"]]))
    assert size <= 2 * graph.num_edges * layers * heads + 200 * layers + 200  # names of fields


def test_weights_alone_take_a_byte_before_base64_and_the_ends_of_links_come_once():
    graph = random_graph(2000, 50_000, dense=False)
    packed = pack_sample(PageSample("0", graph, {}, random_layers(graph, 2, 1)), MediaStore())
    assert all(len(base64.b64decode(layer["weights"])) <= 1.001 * graph.num_edges for layer in packed["layers"])
    assert sum(len(base64.b64decode(text)) for text in packed["links"][0].values()) <= 1.3 * graph.num_edges


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
