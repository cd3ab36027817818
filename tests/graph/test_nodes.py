import pickle

import pytest
import torch

from mmgraph.graph import NodeSet, Texts

WORDS = NodeSet.of(
    [torch.tensor([[0.0], [1.0]]), torch.zeros(0, 1), torch.tensor([[2.0]])],
    text=[["a", "b"], [], ["c"]],
    position=[torch.arange(2), torch.arange(0), torch.arange(1)],
)


def test_nodes_given_graph_by_graph_are_put_back_to_back() -> None:
    assert WORDS.ptr.tolist() == [0, 2, 2, 3]
    assert WORDS.counts.tolist() == [2, 0, 1]
    assert WORDS.graph.tolist() == [0, 0, 2]
    assert WORDS.attribute("position").tolist() == [0, 1, 0]
    assert (WORDS.num_nodes, WORDS.num_graphs) == (3, 3)


def test_selecting_says_which_rows_were_taken() -> None:
    picked, rows = WORDS.select(torch.tensor([2, 1, 2, 0]))
    assert rows.tolist() == [2, 2, 0, 1]
    assert picked.x[:, 0].tolist() == [2, 2, 0, 1]
    assert picked.ptr.tolist() == [0, 1, 1, 2, 4]
    assert picked.attributes["text"] == Texts.of(["c", "c", "a", "b"])


def test_concat_is_the_inverse_of_taking_apart() -> None:
    parts = [WORDS.select(torch.tensor([i]))[0] for i in range(3)]
    whole = NodeSet.concat(parts)
    assert whole.x.equal(WORDS.x)
    assert whole.ptr.equal(WORDS.ptr)
    assert whole.attributes["text"] == WORDS.attributes["text"]


def test_narrowed_nodes_are_views() -> None:
    piece = WORDS.narrow(slice(2, 3), torch.tensor([0, 1]))
    assert piece.x.untyped_storage().data_ptr() == WORDS.x.untyped_storage().data_ptr()
    assert piece.attributes["text"] == Texts.of(["c"])


def test_an_attribute_that_is_missing_or_a_text_is_refused() -> None:
    with pytest.raises(ValueError, match="the nodes carry no 'span'; they have text, position"):
        WORDS.attribute("span")
    with pytest.raises(ValueError, match="the nodes carry no 'text'"):
        WORDS.attribute("text")
    with pytest.raises(ValueError, match="they have no attributes"):
        NodeSet.of([torch.zeros(1, 1)]).attribute("span")


def test_attributes_with_other_rows_than_their_graph_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'position' has \[2, 1\] rows in the graphs, x has \[1, 2\]"):
        NodeSet.of([torch.zeros(1, 1), torch.zeros(2, 1)], position=[torch.arange(2), torch.arange(1)])
    with pytest.raises(ValueError, match="empty data set: give the features of at least one graph"):
        NodeSet.of([])


def test_pickling_keeps_the_nodes() -> None:
    back = pickle.loads(pickle.dumps(WORDS))
    assert back.x.equal(WORDS.x)
    assert back.attributes["text"] == WORDS.attributes["text"]
    assert len(pickle.dumps(NodeSet(torch.zeros(10_000, 1)[:1], torch.tensor([0, 1])))) < 2_000
