from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import STANDARD_ATTRIBUTES, EdgeList, Field, GraphBatch, GraphSchema, NodeSet
from mmgraph.graph.compare import difference
from tests.strategies import batches, read

NEXT, WITH = ("text", "next", "text"), ("sound", "with", "text")


@given(batches(), st.data())
def test_selected_graphs_hold_what_they_held(batch: GraphBatch, data: st.DataObject) -> None:
    graphs = data.draw(st.lists(st.integers(-len(batch), len(batch) - 1), max_size=5))
    held = read(batch)
    picked = batch[graphs]
    assert read(picked) == [held[i] for i in graphs]
    assert picked.present.tolist() == [batch.present[i].tolist() for i in graphs]
    assert difference(picked, batch[torch.tensor(graphs, dtype=torch.int32)]) is None


@pytest.mark.unchecked
@given(batches(), st.data())
def test_a_slice_holds_what_the_list_slice_holds(batch: GraphBatch, data: st.DataObject) -> None:
    cut = data.draw(st.slices(len(batch)))
    piece = batch[cut]
    assert read(piece) == read(batch)[cut]
    assert difference(piece, batch[list(range(len(batch)))[cut]]) is None
    assert piece.node_ptr.equal(torch.stack([nodes.ptr for nodes in piece.nodes.values()]))


@pytest.mark.unchecked
@given(batches(), st.data())
def test_concatenated_selections_are_the_selection_of_both(batch: GraphBatch, data: st.DataObject) -> None:
    index = st.lists(st.integers(0, len(batch) - 1), max_size=3)
    one, other = data.draw(index), data.draw(index)
    assert difference(GraphBatch.concat([batch[one], batch[other]]), batch[one + other]) is None


@pytest.mark.unchecked
@given(batches(), st.data())
def test_a_selection_of_a_selection_is_a_selection(batch: GraphBatch, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(batch))))
    shuffled = batch[order]
    assert difference(shuffled[[order.index(i) for i in range(len(batch))]], batch) is None
    assert difference(shuffled[0], batch[order[0]]) is None
    assert difference(GraphBatch.concat(list(shuffled)), shuffled) is None


@pytest.mark.unchecked
@given(batches())
def test_a_graph_alone_equals_itself_in_a_batch(batch: GraphBatch) -> None:
    for i, graph in enumerate(batch):
        assert difference(graph, GraphBatch.concat([batch, graph, batch])[len(batch)]) is None
        for relation in batch.schema.edge_types:
            alone, together = graph.relation(relation), batch.relation(relation)
            rows = slice(int(together.ptr[i]), int(together.ptr[i + 1]))
            assert alone.src.equal(together.src[rows])
            assert alone.dst.equal(together.dst[rows])
            if alone.features is not None:
                assert together.features is not None
                assert alone.features.equal(together.features[rows])


def sentences(**sizes: tuple[int, int]) -> GraphBatch:
    """Per graph a chain of so many words and so many sound frames, each frame with the word of its number."""
    words, frames = zip(*sizes.values(), strict=True)
    schema = GraphSchema(
        {"text": 1, "sound": 2},
        {NEXT: ("step",), WITH: ()},
        {"sound": {"span": STANDARD_ATTRIBUTES["span"]}},
        {"y": Field()},
    )
    chain = [(g, i, i + 1) for g, n in enumerate(words) for i in range(n - 1)]
    cross = [(g, i, i) for g, n in enumerate(frames) for i in range(n)]
    edges = {}
    for relation, rows in ((NEXT, chain), (WITH, cross)):
        graph, src, dst = torch.tensor(rows, dtype=torch.int64).reshape(-1, 3).unbind(1)
        features = src[:, None].float() if relation == NEXT else None
        edges[relation] = EdgeList.sort(graph, src, dst, features, num_graphs=len(sizes))
    text = NodeSet.of([torch.arange(n)[:, None] + 10.0 * n for n in words])
    sound = NodeSet.of([torch.full((n, 2), 0.5) for n in frames], span=[torch.arange(2.0).repeat(n, 1) for n in frames])
    targets = {"y": torch.tensor(words, dtype=torch.float32)}
    return GraphBatch.build(schema, {"text": text, "sound": sound}, edges, targets, list(sizes))


def test_a_graph_without_a_modality_leaves_the_others_exactly_as_they_were() -> None:
    with_silent, without = sentences(full=(4, 3), silent=(2, 0), last=(3, 2)), sentences(full=(4, 3), last=(3, 2))
    assert with_silent.present.tolist() == [[True, True], [True, False], [True, True]]
    assert difference(with_silent[[0, 2]], without) is None
    assert difference(with_silent[2], without[1]) is None
    flat = with_silent.flat
    sound = flat.src[flat.relation == 1] - sum(flat.num_nodes[:1])  # rows of x of sound
    assert sound.tolist() == [0, 1, 2, 3, 4]  # each frame of the last graph, none of the silent one
    first_word = [int(with_silent.nodes["text"].ptr[g]) for g in (0, 2)]
    destination = torch.arange(len(flat.rowptr) - 1).repeat_interleave(flat.rowptr.diff())[flat.relation == 1]
    assert destination.tolist() == [first_word[0] + i for i in range(3)] + [first_word[1] + i for i in range(2)]


def test_a_modality_that_is_absent_everywhere_is_kept_with_no_rows() -> None:
    batch = sentences(one=(2, 0), two=(1, 0))[[1, 0]]
    assert batch.nodes["sound"].x.shape == (0, 2)
    assert batch.relation(WITH).num_edges == 0
    assert read(batch[1])[0]["edges"][NEXT] == [[0, 1, [0.0]]]


BATCH = sentences(a=(1, 1), b=(2, 0), c=(3, 2))


@pytest.mark.parametrize(
    "index",
    [
        [0, 2],
        (0, -1),
        [True, False, True],
        torch.tensor([0, 2]),
        torch.tensor([0, 2], dtype=torch.uint8),
        torch.tensor([True, False, True]),
        np.array([0, 2]),
        np.array([0, 2], dtype=np.uint64),
        np.array([True, False, True]),
        np.array([2, 0])[::-1],
        np.array([True, False, True])[::-1],
        np.array([0, 2], dtype=">i4"),
        [np.int64(0), np.int32(-1)],
        range(0, 3, 2),
        slice(None, None, 2),
    ],
)
def test_many_ways_to_name_the_same_graphs(index: Any) -> None:
    assert [graph["id"] for graph in read(BATCH[index])] == ["a", "c"]


@pytest.mark.parametrize("index", [1, -2, np.int64(1), np.int32(-2), torch.tensor(1), [1], slice(1, 2), slice(-2, -1)])
def test_one_graph_is_a_batch_of_one(index: Any) -> None:
    assert BATCH[index].ids.tolist() == ["b"]


@pytest.mark.parametrize("index", [[], torch.tensor([]), np.array([]), slice(0, 0), slice(2, 1), [False] * 3])
def test_no_graph_is_a_batch_too(index: Any) -> None:
    none = BATCH[index]
    assert len(none) == none.num_nodes == none.num_edges == 0
    assert none.nodes["text"].x.shape == (0, 1)
    assert none.present.shape == (0, 2)
    assert none.flat.rowptr.tolist() == none.flat.segment.tolist() == [0]
    assert none.relation(NEXT).ptr.tolist() == [0]
    assert difference(GraphBatch.concat([none, BATCH, none]), BATCH) is None
    assert difference(none[[]], none) is None
    assert none.double().dtype == torch.float64


@pytest.mark.unchecked
@pytest.mark.parametrize(
    "index", [3, -4, [0, 3], torch.tensor([-4]), np.int64(3), [True, False], torch.zeros(0).bool()]
)
def test_an_index_out_of_range_is_refused(index: Any) -> None:
    with pytest.raises(IndexError, match=r"graph -?\d of 3|a mask over 3 graphs has 3 entries, got [02]"):
        BATCH[index]


@pytest.mark.unchecked
@pytest.mark.parametrize("index", [True, torch.tensor(True), [[0]], np.zeros((1, 1), dtype=int)])
def test_an_index_of_another_shape_is_refused(index: Any) -> None:
    with pytest.raises(IndexError, match="an index is a number, a slice or one-dimensional"):
        BATCH[index]


@pytest.mark.unchecked
@pytest.mark.parametrize("index", [0.5, [0.0, 1.0], "0", None, ["0"], [0, None]])
def test_an_index_that_is_no_number_is_refused(index: Any) -> None:
    with pytest.raises(TypeError, match="graphs are selected by whole numbers"):
        BATCH[index]


def test_slices_are_views_of_the_nodes_and_selections_are_not() -> None:
    x = BATCH.nodes["text"].x
    assert BATCH[1:3].nodes["text"].x.data_ptr() == x[1:].data_ptr()
    assert BATCH[[1, 2]].nodes["text"].x.data_ptr() != x[1:].data_ptr()
