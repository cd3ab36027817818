"""Sampling by class and by presence of modalities."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.graph import Field, GraphBatch, GraphSchema, Target
from mmgraph.training.sampling import balance, class_groups, draw, presence_groups

SCHEMA = GraphSchema(
    {"text": 1, "audio": 1},
    targets={
        "label": Field("int64", num_classes=3),
        "size": Field("float32"),
        "pair": Field("int64", (2,), num_classes=2),
    },
)


@pytest.fixture
def graphs(ragged: Callable[..., GraphBatch]) -> GraphBatch:
    """Labels 0 0 0 0 1 1 2 and one unknown; every second graph has no sound."""
    counts = [{"text": 1} if number % 2 else {"text": 2, "audio": 1} for number in range(8)]
    graphs = ragged(SCHEMA, counts)
    label = Target(torch.tensor([0, 0, 0, 0, 1, 1, 2, 2]), torch.tensor([True] * 7 + [False]))
    return GraphBatch(graphs.schema, graphs.ids, graphs.nodes, graphs.edges, {**graphs.targets, "label": label})


def shares(weights: torch.Tensor, group: torch.Tensor) -> list[float]:
    return [float(weights[group == value].sum()) for value in group.unique() if value >= 0]


def test_classes_come_equally_often_and_the_unknown_never(graphs: GraphBatch) -> None:
    weights = balance([class_groups(graphs, "label")])
    assert shares(weights, class_groups(graphs, "label")) == pytest.approx([1 / 3] * 3)
    assert weights[-1] == 0
    assert weights[:4].unique().numel() == 1


def test_combinations_of_modalities_come_equally_often(ragged: Callable[..., GraphBatch]) -> None:
    graphs = ragged(SCHEMA, [{"text": 1}, {"text": 2, "audio": 1}, {"audio": 3}, {"text": 1, "audio": 1}])
    group = presence_groups(graphs)
    assert group[1] == group[3]
    assert group.unique().numel() == 3
    assert balance([group]).tolist() == pytest.approx([1 / 3, 1 / 6, 1 / 3, 1 / 6])


@given(st.integers(0, 10**6))
def test_two_groupings_are_balanced_at_once_where_that_can_be(seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    one = torch.cat([torch.arange(3).repeat(4), torch.randint(3, (30,), generator=draw)])
    other = torch.cat([torch.arange(4).repeat_interleave(3), torch.randint(4, (30,), generator=draw)])
    weights = balance([one, other])
    assert shares(weights, one) == pytest.approx([1 / 3] * 3, abs=1e-3)
    assert shares(weights, other) == pytest.approx([1 / 4] * 4, abs=1e-3)


def test_where_it_cannot_be_the_last_grouping_is_equal() -> None:
    one, other = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    assert shares(balance([one, other]), other) == pytest.approx([0.5, 0.5])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20).filter(any), st.integers(1, 50), st.integers(0, 10**6))
def test_each_graph_is_drawn_as_often_as_its_share_says_give_or_take_one(
    weights: list[int], number: int, seed: int
) -> None:
    share = torch.tensor(weights, dtype=torch.float32)
    drawn = draw(share, torch.Generator().manual_seed(seed), number)
    counts = drawn.bincount(minlength=len(weights)).double()
    expected = share.double() / share.sum() * number
    assert len(drawn) == number
    assert ((counts - expected).abs() < 1 + 1e-9).all()
    assert not counts[share == 0].any()


def test_over_many_epochs_shares_are_exact_and_the_order_is_random() -> None:
    generator, weights = torch.Generator().manual_seed(0), torch.tensor([0.1, 0.2, 0.7])
    epochs = torch.stack([draw(weights, generator) for _ in range(3000)])
    assert torch.allclose(epochs.flatten().bincount() / 9000, weights, atol=0.01)
    assert float((epochs[:, 0] == 2).float().mean()) == pytest.approx(0.7, abs=0.03)


def test_an_epoch_is_a_batch_of_the_drawn_graphs(graphs: GraphBatch) -> None:
    rows = draw(balance([class_groups(graphs, "label")]), torch.Generator().manual_seed(0), 30)
    epoch = graphs[rows]
    assert epoch.targets["label"].values.bincount().tolist() == [10, 10, 10]
    assert epoch.targets["label"].mask.all()


@pytest.mark.parametrize("target", ["size", "pair", "colour"])
def test_other_targets_have_no_classes_of_graphs(target: str, graphs: GraphBatch) -> None:
    with pytest.raises(ValueError, match=rf"'{target}' is no target of graphs with one class each; the"):
        class_groups(graphs, target)


def test_a_target_of_nodes_has_no_classes_of_graphs() -> None:
    schema = GraphSchema({"text": 1}, targets={"tag": Field("int64", num_classes=2, of="text")})
    graph = GraphBatch.single({"text": torch.ones(2, 1)}, {}, schema=schema, targets={"tag": torch.tensor([0, 1])})
    with pytest.raises(ValueError, match="'tag' is no target of graphs with one class each; the targets are tag"):
        class_groups(graph, "tag")


def test_groupings_and_weights_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to balance"):
        balance([])
    with pytest.raises(ValueError, match="no graph has a group in every grouping"):
        balance([torch.tensor([-1, 0]), torch.tensor([0, -1])])
    for weights in ([0.0, 0.0], [1.0, -1.0], [1.0, float("nan")], [1.0, float("inf")]):
        with pytest.raises(ValueError, match="weights are 0 or more, finite, and not all 0"):
            draw(torch.tensor(weights), torch.Generator())
    with pytest.raises(ValueError, match="number=0: draw at least 1 graph"):
        draw(torch.ones(2), torch.Generator(), 0)
