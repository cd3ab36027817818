"""Time of building graphs from nodes: the rules of `mmgraph.relations` against building each sample by itself.

The workload: 1,000 samples of about 153 nodes (image 36-49 regions, text 20-50 words, audio 50-100 frames, 32 channels
each), 12 relations, about 3,400 edges each. All sides start from the same lists of tensors, one per sample:

- ours: `NodeSet`s, the twelve rules, and `GraphBatch.build`, which sorts and checks everything;
- "scikit-learn + networkx": a `MultiDiGraph` per sample, with neighbours from scikit-learn and grids and chains from
  networkx, as it is usually done; each graph is let go when the next one is built;
- "per-sample torch": each relation of each sample vectorised over its pairs, its edges sorted as a `GraphBatch` holds
  them, all samples joined at the end; nothing is checked.

Before anything is timed, all three must have exactly the same edges (samples in which rounding decides who is the k-th
neighbour are left out). See `timing.py` for how sides are timed. Only ours and torch move the graphs to the device.

    python benchmarks/speed_building.py --threads 1 --json benchmarks/results/speed_building.json
"""

import sys
from collections import deque
from collections.abc import Iterable, Iterator

import networkx as nx
import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from timing import interleave, parser, row, write
from torch import Tensor

from mmgraph.graph import STANDARD_ATTRIBUTES, GraphBatch, GraphSchema, NodeSet, Relation
from mmgraph.relations import Grid, Nearest, Rule, TimeOverlap, Window

CHANNELS = 32
RULES: dict[Relation, Rule] = {
    ("image", "beside", "image"): Grid(8),
    ("image", "like", "image"): Nearest(7),
    ("text", "past", "text"): Window(9, -1),
    ("text", "future", "text"): Window(-1, 9),
    ("audio", "past", "audio"): Window(5, -1),
    ("audio", "future", "audio"): Window(-1, 5),
    ("text", "during", "audio"): TimeOverlap(),
    ("audio", "during", "text"): TimeOverlap(),
    ("image", "like", "text"): Nearest(10),
    ("text", "like", "image"): Nearest(8),
    ("image", "like", "audio"): Nearest(5),
    ("audio", "like", "image"): Nearest(8),
}
PLACE = {"image": "box", "text": "span", "audio": "span"}
MODALITIES = tuple(PLACE)
Sample = dict[str, dict[str, Tensor]]
Edges = tuple[Tensor, Tensor]
"""Sources and destinations within a sample."""


def workload(samples: int) -> list[Sample]:
    """Per sample and modality: features, place of the nodes, and for images the rows and columns of the grid."""
    torch.manual_seed(0)
    found: list[Sample] = []
    while len(found) < samples:
        sample = {
            "image": _regions(*torch.randint(6, 8, (2,)).tolist()),
            "text": _interval(int(torch.randint(20, 51, ()))),
            "audio": _interval(int(torch.randint(50, 101, ()))),
        }
        if _clear(sample):
            found.append(sample)
    return found


def _clear(sample: Sample) -> bool:
    """Whether no k-th neighbour is as near as the next one but for rounding, which each side does in its own way."""
    for (src, _, dst), rule in RULES.items():
        if isinstance(rule, Nearest):
            distance = torch.cdist(sample[dst]["x"].double(), sample[src]["x"].double())
            skip = 1 if src == dst else 0  # a node itself
            last, following = distance.sort(1).values[:, rule.k - 1 + skip : rule.k + 1 + skip].unbind(1)
            if bool((following - last < 1e-5 * last).any()):
                return False
    return True


def _regions(rows: int, columns: int) -> dict[str, Tensor]:
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    corners = torch.stack([x / columns, y / rows, (x + 1) / columns, (y + 1) / rows], 2).reshape(-1, 4)
    return {"x": torch.randn(rows * columns, CHANNELS), "box": corners, "size": torch.tensor([rows, columns])}


def _interval(count: int) -> dict[str, Tensor]:
    """Nodes one after the other, of different lengths, over ten seconds."""
    ends = torch.rand(count).add(0.1).cumsum(0)
    ends = 10 * ends / ends[-1]
    start = torch.cat([torch.zeros(1), ends[:-1]])
    return {"x": torch.randn(count, CHANNELS), "span": torch.stack([start, ends], 1)}


def build_ours(samples: list[Sample]) -> GraphBatch:
    """All samples at once."""
    nodes = {
        m: NodeSet.of([sample[m]["x"] for sample in samples], **{place: [sample[m][place] for sample in samples]})
        for m, place in PLACE.items()
    }
    edges = {relation: rule(nodes[relation[0]], nodes[relation[2]]) for relation, rule in RULES.items()}
    relations = {relation: rule.feature_names for relation, rule in RULES.items()}
    attributes = {m: {place: STANDARD_ATTRIBUTES[place]} for m, place in PLACE.items()}
    schema = GraphSchema(dict.fromkeys(PLACE, CHANNELS), relations, attributes)
    return GraphBatch.build(schema, nodes, edges)


# --- scikit-learn and networkx


def build_networkx(samples: list[Sample]) -> Iterator[nx.MultiDiGraph]:
    """One graph per sample; the key of an edge is the number of its relation."""
    for sample in samples:
        arrays = {m: {name: value.numpy() for name, value in parts.items()} for m, parts in sample.items()}
        graph = nx.MultiDiGraph()
        for m in MODALITIES:
            for i in range(len(arrays[m]["x"])):
                graph.add_node((m, i), x=arrays[m]["x"][i], place=arrays[m][PLACE[m]][i])
        for number, ((src, _, dst), rule) in enumerate(RULES.items()):
            pairs = _networkx_pairs(rule, arrays[src], arrays[dst], within=src == dst)
            graph.add_edges_from(((src, j), (dst, i), number) for j, i in pairs)
        yield graph


def _networkx_pairs(
    rule: Rule, src: dict[str, np.ndarray], dst: dict[str, np.ndarray], *, within: bool
) -> list[tuple[int, int]]:
    """(source, destination) of each edge."""
    if isinstance(rule, Nearest):
        search = NearestNeighbors(n_neighbors=rule.k, algorithm="brute").fit(src["x"])
        index = search.kneighbors(None if within else dst["x"], return_distance=False)
        return list(zip(index.ravel().tolist(), np.repeat(np.arange(len(index)), rule.k).tolist(), strict=True))
    if isinstance(rule, Grid):
        rows, columns = dst["size"].tolist()
        grid = nx.grid_2d_graph(rows, columns)
        grid.add_edges_from(((r, c), (r + 1, c + 1)) for r in range(rows - 1) for c in range(columns - 1))
        grid.add_edges_from(((r, c + 1), (r + 1, c)) for r in range(rows - 1) for c in range(columns - 1))
        return [(a * columns + b, c * columns + d) for (a, b), (c, d) in nx.DiGraph(grid).edges]
    if isinstance(rule, Window):
        count = len(dst["x"])
        chain = nx.path_graph(count, create_using=nx.DiGraph)
        reach = max(rule.past, rule.future)
        chain.add_edges_from((j, j + step) for step in range(2, reach + 1) for j in range(count - step))
        return list((chain if rule.past > 0 else chain.reverse(copy=False)).edges)
    a, b = src["span"].astype(np.float64), dst["span"].astype(np.float64)
    overlap = np.minimum(a[None, :, 1], b[:, None, 1]) - np.maximum(a[None, :, 0], b[:, None, 0])
    to, source = np.nonzero(overlap > 0)
    return list(zip(source.tolist(), to.tolist(), strict=True))


# --- torch, sample by sample


def build_torch(samples: list[Sample]) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """Per destination modality: source, relation and in-degree, sorted by (sample, destination, relation)."""
    parts: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {m: [] for m in MODALITIES}
    into = {m: [(number, r) for number, r in enumerate(RULES) if r[2] == m] for m in MODALITIES}
    for sample in samples:
        for m in MODALITIES:
            edges = [_torch_pairs(RULES[r], sample[r[0]], sample[m], within=r[0] == m) for _, r in into[m]]
            src, dst = (torch.cat(ends) for ends in zip(*edges, strict=True))
            relation = torch.tensor([number for number, _ in into[m]]).repeat_interleave(
                torch.tensor([len(pair[0]) for pair in edges])
            )
            order = torch.argsort(dst * len(RULES) + relation, stable=True)
            degree = torch.bincount(dst, minlength=len(sample[m]["x"]))
            parts[m].append((src[order].int(), relation[order].int(), degree.int()))
    joined = {m: [torch.cat(values) for values in zip(*parts[m], strict=True)] for m in MODALITIES}
    return {m: (values[0], values[1], values[2]) for m, values in joined.items()}


def _torch_pairs(rule: Rule, src: dict[str, Tensor], dst: dict[str, Tensor], *, within: bool) -> Edges:
    """Sources and destinations, sorted by destination, then source."""
    if isinstance(rule, Nearest):
        distance = torch.cdist(dst["x"], src["x"])
        if within:
            distance.fill_diagonal_(torch.inf)
        index = distance.topk(rule.k, dim=1, largest=False, sorted=False).indices.sort(1).values
        return index.reshape(-1), torch.arange(len(index)).repeat_interleave(rule.k)
    if isinstance(rule, Window):
        place = torch.arange(len(dst["x"]))
        step = place - place.unsqueeze(1)
        found = (step >= -rule.past) & (step <= rule.future)
    elif isinstance(rule, Grid):
        box = dst["box"]
        low, high = box[:, None, :2].maximum(box[None, :, :2]), box[:, None, 2:].minimum(box[None, :, 2:])
        found = (low - high <= rule.tolerance).all(2).fill_diagonal_(False)
    else:
        a, b = src["span"], dst["span"].unsqueeze(1)
        found = a[:, 1].minimum(b[..., 1]) > a[:, 0].maximum(b[..., 0])
    to, source = found.nonzero(as_tuple=True)
    return source, to


# --- the comparison


def check_networkx(batch: GraphBatch, graphs: Iterable[nx.MultiDiGraph]) -> None:
    """Exits unless every graph has exactly our edges."""
    lists = [batch.relation(relation) for relation in RULES]
    for index, graph in enumerate(graphs):
        expected = set()
        for number, ((src, _, dst), edges) in enumerate(zip(RULES, lists, strict=True)):
            rows = slice(int(edges.ptr[index]), int(edges.ptr[index + 1]))
            ends = zip(edges.src[rows].tolist(), edges.dst[rows].tolist(), strict=True)
            expected |= {((src, j), (dst, i), number) for j, i in ends}
        if expected != set(graph.edges(keys=True)):
            sys.exit(f"sample {index}: networkx has other edges: {sorted(expected ^ set(graph.edges(keys=True)))[:5]}")


def check_torch(batch: GraphBatch, built: dict[str, tuple[Tensor, Tensor, Tensor]]) -> None:
    """Exits unless sources, relations and degrees are exactly ours, in the same order."""
    ours = (batch.edges.src, batch.edges.relation, batch.edges.degree)
    for name, mine, theirs in zip(
        ("sources", "relations", "degrees"), ours, zip(*built.values(), strict=True), strict=True
    ):
        if not torch.equal(mine, torch.cat(theirs)):
            sys.exit(f"per-sample torch has other {name}")


def main() -> None:
    """Prints a row per peer, and writes them."""
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=1000)
    options.set_defaults(repeats=5)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    samples, device = workload(arguments.samples), arguments.device
    batch = build_ours(samples)
    check_networkx(batch, build_networkx(samples))
    check_torch(batch, build_torch(samples))

    def run_networkx() -> None:
        deque(build_networkx(samples), maxlen=0)

    def run_torch() -> None:
        for values in build_torch(samples).values():
            for value in values:
                value.to(device)

    shapes = {
        "graphs": len(batch),
        "relations": len(RULES),
        "nodes": batch.num_nodes,
        "edges": batch.num_edges,
        "channels": CHANNELS,
    }
    rows = []
    for peer, run in (("scikit-learn + networkx", run_networkx), ("per-sample torch", run_torch)):
        times = interleave(lambda: build_ours(samples).to(device), run, arguments.repeats)
        rows.append(row("build graphs", peer, times, shapes, device))
    write(rows, arguments.json)


if __name__ == "__main__":
    main()
