"""Time of one layer, forward and backward, against PyTorch Geometric's with the same weights on the same edges.

The workload: samples of about 153 nodes (image 36-49, text 20-50, audio 50-100), 12 relations, about 3,676 edges each;
128 samples, 128 channels, 4 heads. Both sides run in one process, in turn, with the number of threads set. Before
anything is timed, outputs and gradients of the inputs must agree to 1e-4 of the largest; gradients that do not, because
rounding decides on which side of LeakyReLU's kink a logit near 0 lies, must do so in float64. The ratio is the median
of the ratios of neighbouring runs, its spread their quartiles.

What our layers need to know of a batch's edges (their order by source, where runs end, degrees) is worked out once per
batch, whatever the number of layers, so not in the timed runs: a row's `once_ms` says how long it takes.

The last row is another layer, attention between all nodes of a sample, padded; it is checked to be what our
`TransformerConv` gives on complete graphs, and timed against `TransformerConv` on the edges of the workload.

`--mkl` switches oneDNN off: then both sides' products are MKL's, which on AMD's processors are the slower ones.

`--scaling` is another table: one layer (`--only`, by default GAT) by number of relations, edges, graphs, and nodes per
graph up to 50,000, on graphs of one modality, against PyG's and against dense attention.

    python benchmarks/speed_layers.py --threads 1 --json benchmarks/results/speed_layers.json
    python benchmarks/speed_layers.py --scaling --json benchmarks/results/speed_scaling.json
"""

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from dense_attention import DenseAttention, Padding, check
from layer_peers import PAIRS, Pair, edge_index, take_weights
from roofline import measure, milliseconds
from timing import Row, interleave, parser, row, write
from torch import Tensor, nn

from mmgraph.graph import EdgeList, FlatGraph, GraphBatch, GraphSchema, NodeSet, Relation
from mmgraph.nn import SAGEConv

__all__ = ["edge_index", "take_weights", "workload"]

NODES = {"image": (36, 49), "text": (20, 50), "audio": (50, 100)}
EDGES_PER_RELATION = 306
CHANNELS, HEADS = 128, 4
AGREE = 1e-4


def large(nodes: int) -> dict[str, int]:
    """Graphs with so many nodes, 24 edges a node, 50,000 nodes in all."""
    return {"nodes": nodes, "edges": 24 * nodes, "graphs": max(1, 50_000 // nodes)}


SCALING: dict[str, list[dict[str, int]]] = {
    "relations": [{"relations": count} for count in (1, 2, 4, 8, 16, 32)],
    "edges of a graph": [{"edges": count} for count in (460, 919, 1838, 3676, 7352, 14704)],
    "graphs": [{"graphs": count} for count in (1, 4, 16, 64, 256)],
    "nodes of a graph": [large(count) for count in (50, 150, 500, 1_500, 5_000, 15_000, 50_000)],
}


def workload(samples: int, device: str) -> GraphBatch:
    """Random graphs with two relations within each modality and one each way between two modalities."""
    relations = [(m, name, m) for m in NODES for name in ("past", "future")]
    relations += [(a, "with", b) for a in NODES for b in NODES if a != b]
    return random_graphs(samples, NODES, relations, EDGES_PER_RELATION).to(device)


def random_graphs(
    samples: int, sizes: Mapping[str, tuple[int, int]], relations: list[Relation], edges_per_relation: int
) -> GraphBatch:
    """Graphs with fewest to most nodes per modality, and edges between random nodes."""
    torch.manual_seed(0)
    counts = {m: torch.randint(low, high + 1, (samples,)) for m, (low, high) in sizes.items()}
    nodes = {m: NodeSet.of([torch.randn(int(n), CHANNELS) for n in counts[m]]) for m in sizes}
    graph = torch.arange(samples).repeat_interleave(edges_per_relation)

    def ends(modality: str) -> Tensor:
        return (torch.rand(len(graph)) * counts[modality][graph]).long()

    edges = {r: EdgeList.sort(graph, ends(r[0]), ends(r[2]), num_graphs=samples) for r in relations}
    return GraphBatch.build(GraphSchema(dict.fromkeys(sizes, CHANNELS), relations), nodes, edges)


def point(relations: int = 12, edges: int = 3676, graphs: int = 128, nodes: int = 153) -> GraphBatch:
    """Graphs of one modality: what `--scaling` varies."""
    names = [("node", f"r{i}", "node") for i in range(relations)]
    return random_graphs(graphs, {"node": (nodes, nodes)}, names, max(1, edges // relations))


def leaves_of(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same arguments, where node features are new tensors that gather gradients."""
    x, *rest = arguments
    if isinstance(x, Mapping):
        return {name: rows.detach().clone().requires_grad_() for name, rows in x.items()}, *rest
    return x.detach().clone().requires_grad_(), *rest


def rows_of(x: Any) -> list[Tensor]:
    """The tensors of all modalities."""
    return list(x.values()) if isinstance(x, Mapping) else [x]


def step(layer: Callable[..., Any], parameters: list[Tensor], arguments: tuple[Any, ...]) -> Callable[[], Tensor]:
    """One forward and backward pass; gradients do not add up from call to call. Gives the outputs of all nodes."""
    leaves = [*rows_of(arguments[0]), *parameters]

    def run() -> Tensor:
        for leaf in leaves:
            leaf.grad = None
        out = rows_of(layer(*arguments))
        sum((rows.sum() for rows in out), start=torch.zeros((), device=out[0].device)).backward()
        return torch.cat(out).detach()

    return run


def gradients(arguments: tuple[Any, ...]) -> Tensor:
    """Those of the node features."""
    return torch.cat([torch.zeros_like(x) if x.grad is None else x.grad for x in rows_of(arguments[0])])


def difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest expected number."""
    return float((found - expected).abs().max() / expected.abs().max())


def difference_in_double(batch: GraphBatch, pair: Pair) -> float:
    """That of the gradients in float64, where rounding moves no logit over LeakyReLU's kink."""
    x = {name: nodes.x.double() for name, nodes in batch.nodes.items()}
    found = []
    for layer, arguments in ((pair.ours, (x, batch.flat)), (pair.peer, pair.arguments(x))):
        leaves = leaves_of(arguments)
        step(layer.double(), list(layer.parameters()), leaves)()
        layer.float()
        found.append(gradients(leaves))
    return difference(*found)


def compare(label: str, batch: GraphBatch, pair: Pair, repeats: int, *, compiled: bool = False) -> Row:
    """One row: our layer against PyG's, after both have given the same."""
    x = {name: nodes.x for name, nodes in batch.nodes.items()}
    ours, theirs = leaves_of((x, batch.flat)), leaves_of(pair.arguments(x))
    run_ours = step(pair.ours, list(pair.ours.parameters()), ours)
    peer = torch.compile(pair.peer) if compiled else pair.peer
    run_peer = step(peer, list(pair.peer.parameters()), theirs)
    if (apart := difference(run_ours(), run_peer())) > AGREE:
        sys.exit(f"{label}: outputs differ from those of {pair.peer_name} by {apart:.1e} of the largest")
    apart = difference(gradients(ours), gradients(theirs))
    if apart > AGREE and (apart := difference_in_double(batch, pair)) > AGREE:
        sys.exit(f"{label}: gradients differ from those of {pair.peer_name} by {apart:.1e} of the largest")
    name = pair.peer_name + (", torch.compile" if compiled else "")
    done = row(label, name, interleave(run_ours, run_peer, repeats), shapes(batch), str(batch.device))
    least = milliseconds(run_ours, measure(str(batch.device), CHANNELS), batch.num_edges, CHANNELS * 4)
    print(f"    roofline {least:.1f} ms, for ours")
    return {**done, "roofline_ms": round(least, 2)}


def once_per_batch(batch: GraphBatch, repeats: int = 9) -> float:
    """Milliseconds for what a layer works out of edges that it has not seen: a small layer with them, less without."""
    x = {name: nodes.x[:, :1].contiguous() for name, nodes in batch.nodes.items()}
    conv = SAGEConv(GraphSchema(dict.fromkeys(x, 1), batch.schema.edge_types), 1, 1).to(batch.device)

    def run(graph: FlatGraph) -> None:
        step(conv, list(conv.parameters()), leaves_of((x, graph)))()

    copies = iter([batch.flat.map(torch.clone) for _ in range(repeats + 2)])
    seen, new = interleave(lambda: run(batch.flat), lambda: run(next(copies)), repeats)
    return round(statistics.median(b - a for a, b in zip(seen, new, strict=True)), 2)


def against_dense(label: str, batch: GraphBatch, ours: nn.Module, repeats: int) -> Row:
    """Our layer on the edges of the batch against attention between all nodes of each graph: not the same function."""
    device = str(batch.device)
    if (apart := check(device, CHANNELS, HEADS)) > AGREE:
        sys.exit(f"dense attention differs from TransformerConv on complete graphs by {apart:.1e} of the largest")
    x = {name: nodes.x for name, nodes in batch.nodes.items()}
    dense = DenseAttention(x, CHANNELS, HEADS).to(batch.device)
    run_ours = step(ours, list(ours.parameters()), leaves_of((x, batch.flat)))
    run_dense = step(dense, list(dense.parameters()), leaves_of((x, Padding(batch.flat))))
    times = interleave(run_ours, run_dense, repeats)
    return row(label, "dense attention, another layer", times, shapes(batch), device)


def shapes(batch: GraphBatch) -> dict[str, object]:
    """The sizes of a row's batch."""
    sizes = {"graphs": len(batch), "nodes": batch.num_nodes, "edges": batch.num_edges, "channels": CHANNELS}
    return {**sizes, "heads": HEADS, "relations": len(batch.schema.edge_types)}


def table(names: list[str], arguments: argparse.Namespace) -> list[Row]:
    """A row per layer, and one for dense attention."""
    batch = workload(arguments.samples, arguments.device)
    rows: list[Row] = []
    once = once_per_batch(batch)
    for compiled in (False, True) if arguments.compiled else (False,):
        for name in names:
            torch.manual_seed(0)
            pair = PAIRS[name](batch, CHANNELS, HEADS)
            rows.append({**compare(name, batch, pair, arguments.repeats, compiled=compiled), "once_ms": once})
    if "Transformer" in names:
        pair = PAIRS["Transformer"](batch, CHANNELS, HEADS)
        rows.append(against_dense("Transformer", batch, pair.ours, arguments.repeats))
    return rows


def scaling(name: str, arguments: argparse.Namespace) -> list[Row]:
    """Two rows per point: against PyG's layer and against dense attention."""
    rows: list[Row] = []
    series = {"nodes of a graph": [large(count) for count in arguments.nodes]} if arguments.nodes else SCALING
    for what, points in series.items():
        for sizes in points[: arguments.points]:
            batch = point(**sizes).to(arguments.device)
            pair = PAIRS[name](batch, CHANNELS, HEADS)
            label = f"{name}, {next(iter(sizes.values()))} {what}"
            for done in (
                {**compare(label, batch, pair, arguments.repeats), "once_ms": once_per_batch(batch)},
                against_dense(label, batch, pair.ours, arguments.repeats),
            ):
                rows.append({**done, "varies": what})
    return rows


def main() -> None:
    """Prints the rows of one of the two tables, and writes them."""
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=128)
    options.add_argument("--only", nargs="+", choices=list(PAIRS), help="these layers")
    options.add_argument(
        "--compiled", action="store_true", help="also against torch.compile'd PyG (needs a C compiler)"
    )
    options.add_argument("--mkl", action="store_true", help="matrix products by MKL on both sides, whatever is faster")
    options.add_argument("--scaling", action="store_true", help="the table by size, of one layer")
    options.add_argument(
        "--nodes", type=int, nargs="+", help="nodes per graph of --scaling, instead of its four series"
    )
    options.add_argument("--points", type=int, help="the first few points of each size of --scaling")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.mkl:
        torch.backends.mkldnn.set_flags(False)
    if arguments.scaling:
        names = arguments.only or ["GAT"]
        rows = [done for name in names for done in scaling(name, arguments)]
    else:
        rows = table(arguments.only or list(PAIRS), arguments)
    write(rows, arguments.json)


if __name__ == "__main__":
    main()
