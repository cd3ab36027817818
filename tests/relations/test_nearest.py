"""`Nearest`; what every rule promises is asked in test_rules.py."""

import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from mmgraph.graph import NodeSet
from mmgraph.relations import Nearest


def line(*places: float) -> NodeSet:
    return NodeSet.of([torch.tensor(places).view(-1, 1)])


def test_of_equally_near_sources_the_first_are_taken() -> None:
    nodes = line(0.0, 1.0, -1.0, 1.0, -1.0)
    edges = Nearest(2)(nodes, nodes)
    assert edges.src[:2].tolist() == [1, 2]
    copies = NodeSet.of([torch.ones(50, 7)])
    assert Nearest(3)(copies, copies).src.view(50, 3)[10:].unique(dim=0).tolist() == [[0, 1, 2]]


def test_a_graph_with_few_sources_gives_all_of_them() -> None:
    assert Nearest(5)(line(1.0, 2.0), line(0.0)).src.tolist() == [0, 1]
    alone = line(1.0)
    assert Nearest(5)(alone, alone).num_edges == 0
    assert Nearest(5, loops=True)(alone, alone).num_edges == 1


def test_mutual_neighbours_are_symmetric_within_a_modality() -> None:
    nodes = line(0.0, 1.0, 3.0, 3.5)
    edges = Nearest(1, mutual=True)(nodes, nodes)
    assert list(zip(edges.src.tolist(), edges.dst.tolist(), strict=True)) == [(1, 0), (0, 1), (3, 2), (2, 3)]


@pytest.mark.parametrize(("metric", "name"), [("euclidean", "distance"), ("cosine", "similarity")])
def test_neighbours_and_features_equal_those_of_scikit_learn(metric: str, name: str) -> None:
    sizes = [3, 40, 9, 33, 21]
    nodes = NodeSet.of([torch.randn(size, 5) for size in sizes])
    edges = Nearest(3, metric, features=(name,))(nodes, nodes)  # type: ignore[arg-type]
    assert edges.features is not None
    for graph, (start, stop) in enumerate(zip(nodes.ptr, nodes.ptr[1:], strict=False)):
        k = min(3, sizes[graph] - 1)
        distance, index = NearestNeighbors(n_neighbors=k, metric=metric).fit(nodes.x[start:stop]).kneighbors()
        rows = slice(int(edges.ptr[graph]), int(edges.ptr[graph + 1]))
        found, order = edges.src[rows].view(-1, k).long(), torch.from_numpy(index).sort(1)
        assert torch.equal(found, order.values)
        value = torch.from_numpy(distance).gather(1, order.indices)
        expected = value if name == "distance" else 1 - value
        assert torch.allclose(edges.features[rows].view(-1, k).double(), expected.double(), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_neighbours_equal_a_stable_sort_of_all_distances(offset: float, dtype: torch.dtype) -> None:
    x = torch.randn(70, 33, dtype=dtype) + offset
    x[20:40] = x[torch.randint(20, (20,))]  # copies: many equal distances
    nodes = NodeSet(x, torch.tensor([0, 70]))
    distance = torch.cdist(x, x, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
    expected = distance.sort(dim=1, stable=True).indices[:, :6].sort(1).values
    assert torch.equal(Nearest(6)(nodes, nodes).src.view(70, 6).long(), expected)


def test_a_vector_of_zeros_is_similar_to_nothing() -> None:
    sources = NodeSet.of([torch.tensor([[0.0, 0.0], [-1.0, 0.0], [1.0, 1.0]])])
    edges = Nearest(3, "cosine", features=("similarity",))(sources, NodeSet.of([torch.tensor([[2.0, 0.0]])]))
    assert edges.features is not None
    assert edges.features.squeeze(1).tolist() == pytest.approx([0.0, -1.0, 0.5**0.5], abs=1e-6)


def test_features_far_from_the_origin_keep_their_distances() -> None:
    nodes = line(10_000.0, 10_000.5, 10_002.0)
    edges = Nearest(1, features=("distance",))(nodes, nodes)
    assert edges.features is not None
    assert edges.features.squeeze(1).tolist() == [0.5, 0.5, 1.5]


def test_squares_beyond_float32_find_their_neighbours() -> None:
    nodes = line(1e25, 3e25, 4e25, -1e25)
    assert Nearest(1)(nodes, nodes).src.tolist() == [1, 2, 1, 0]


@pytest.mark.parametrize("scale", [1e-30, 1e-20, 1.0, 1e20, 1e37])
def test_cosines_do_not_depend_on_the_size_of_features(scale: float) -> None:
    nodes = NodeSet.of([torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]) * scale])
    edges = Nearest(1, "cosine", features=("similarity",))(nodes, nodes)
    assert edges.src.tolist() == [1, 0, 1]
    assert edges.features is not None
    assert edges.features.squeeze(1).tolist() == pytest.approx([1.01**-0.5] * 2 + [0.1 * 1.01**-0.5], abs=1e-6)


def test_fewer_than_one_neighbour_is_refused() -> None:
    with pytest.raises(ValueError, match="k=0: give at least 1"):
        Nearest(0)


@pytest.mark.unchecked
def test_an_unknown_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="metric='manhattan' is not one of euclidean, cosine"):
        Nearest(1, "manhattan")  # type: ignore[arg-type]


def test_a_feature_of_another_metric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"features=\('similarity',\): metric 'euclidean' gives 'distance'"):
        Nearest(1, features=("similarity",))


@pytest.mark.parametrize(("src", "dst"), [(2, 3), (0, 0)])
def test_both_ends_need_the_same_features(src: int, dst: int) -> None:
    ends = NodeSet.of([torch.zeros(1, src)]), NodeSet.of([torch.zeros(1, dst)])
    with pytest.raises(ValueError, match=f"Nearest.*got {src} channels in src, {dst} in dst"):
        Nearest(1)(*ends)
