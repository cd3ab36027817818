"""Time of one layer, forward and backward, against PyTorch Geometric's with the same weights on the same edges.

The workload: samples of about 153 nodes (image 36-49, text 20-50, audio 50-100), 12 relations, about 3,676 edges each;
128 samples, 128 channels, 4 heads. Both sides run in one process, in turn, with the number of threads set. Before
anything is timed, outputs must agree to 1e-4 of the largest. The ratio is the median of the ratios of neighbouring
runs, its spread their quartiles.

    python benchmarks/speed_layers.py --threads 1 --json benchmarks/results/speed_layers.json
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv as PyGGATConv
from torch_geometric.nn import GATv2Conv as PyGGATv2Conv
from torch_geometric.nn import HeteroConv

from mmgraph.graph import EdgeList, GraphBatch, GraphSchema, NodeSet, Relation
from mmgraph.nn import GATConv, GATv2Conv

NODES = {"image": (36, 49), "text": (20, 50), "audio": (50, 100)}
EDGES_PER_RELATION = 306
CHANNELS, HEADS = 128, 4


def workload(samples: int, device: str) -> GraphBatch:
    """Random graphs with two relations within each modality and one each way between two modalities."""
    torch.manual_seed(0)
    relations = [(m, name, m) for m in NODES for name in ("past", "future")]
    relations += [(a, "with", b) for a in NODES for b in NODES if a != b]
    counts = {m: torch.randint(low, high + 1, (samples,)) for m, (low, high) in NODES.items()}
    nodes = {m: NodeSet.of([torch.randn(int(n), CHANNELS) for n in counts[m]]) for m in NODES}
    graph = torch.arange(samples).repeat_interleave(EDGES_PER_RELATION)

    def ends(modality: str) -> Tensor:
        return (torch.rand(len(graph)) * counts[modality][graph]).long()

    edges = {r: EdgeList.sort(graph, ends(r[0]), ends(r[2]), num_graphs=samples) for r in relations}
    return GraphBatch.build(GraphSchema(dict.fromkeys(NODES, CHANNELS), relations), nodes, edges).to(device)


def edge_index(batch: GraphBatch, relation: Relation) -> Tensor:
    """The same edges as PyG numbers them: through the batch, per modality."""
    edges = batch.relation(relation)
    src, dst = (batch.nodes[relation[end]].ptr[edges.graph] for end in (0, 2))
    return torch.stack([edges.src + src, edges.dst + dst])


def take_weights(conv: GATConv | GATv2Conv, peer: HeteroConv) -> None:
    """Copies PyG's weights into our layer."""
    schema = conv.schema
    with torch.no_grad():
        for r, relation in enumerate(schema.edge_types):
            theirs, (src, _, dst) = peer.convs[relation], relation
            out, into = schema.out_of(src).index(r), schema.into(dst).index(r)
            source, target = conv.source_weight[schema.modality_id(src)], conv.target_weight[schema.modality_id(dst)]
            if isinstance(conv, GATv2Conv):
                source[out], target[into] = theirs.lin_l.weight, theirs.lin_r.weight
                conv.source_bias[schema.modality_id(src)][out] = theirs.lin_l.bias
                conv.target_bias[schema.modality_id(dst)][into] = theirs.lin_r.bias
                conv.att[r] = theirs.att[0]
            else:
                source[out], target[into] = theirs.lin_src.weight, theirs.lin_dst.weight
                conv.att_source[r], conv.att_target[r] = theirs.att_src[0], theirs.att_dst[0]


def step(layer: nn.Module, *inputs: object) -> Callable[[], dict[str, Tensor]]:
    """One forward and backward pass."""

    def run() -> dict[str, Tensor]:
        out = layer(*inputs)
        sum(value.sum() for value in out.values()).backward()
        if next(iter(out.values())).is_cuda:
            torch.cuda.synchronize()
        return out

    return run


def interleave(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[list[float], list[float]]:
    """Milliseconds of both, measured in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for run in (ours, peer) * 2:  # warm up
        run()
    for _ in range(repeats):
        for run, seen in ((ours, times[0]), (peer, times[1])):
            started = time.perf_counter()
            run()
            seen.append(1000 * (time.perf_counter() - started))
    return times


def compare(name: str, batch: GraphBatch, repeats: int, *, compiled: bool) -> dict[str, object]:
    """One row of the result: our layer against PyG's."""
    kinds = {"GAT": (GATConv, PyGGATConv), "GATv2": (GATv2Conv, PyGGATv2Conv)}
    ours_class, peer_class = kinds[name]
    size = CHANNELS // HEADS
    pairs = {r: peer_class((CHANNELS, CHANNELS), size, HEADS, add_self_loops=False) for r in batch.schema.edge_types}
    peer = HeteroConv(pairs, aggr="sum").to(batch.device)
    ours = ours_class(batch.schema, CHANNELS, size, HEADS).to(batch.device)
    take_weights(ours, peer)
    x = {m: nodes.x.clone().requires_grad_() for m, nodes in batch.nodes.items()}
    edges = {r: edge_index(batch, r) for r in batch.schema.edge_types}
    run_ours = step(ours, x, batch.flat)
    run_peer = step(torch.compile(peer) if compiled else peer, x, edges)
    expected, found = run_peer(), run_ours()
    for m, value in expected.items():
        difference = float((found[m] - value).detach().abs().max() / value.detach().abs().max())
        if difference > 1e-4:
            sys.exit(f"{name}: outputs of {m} differ by {difference:.1e} of the largest")
    ours_ms, peer_ms = interleave(run_ours, run_peer, repeats)
    ratios = [b / a for a, b in zip(ours_ms, peer_ms, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4)
    return {
        "name": name,
        "peer": "PyG HeteroConv" + (", torch.compile" if compiled else ""),
        "ours_ms": round(statistics.median(ours_ms), 1),
        "peer_ms": round(statistics.median(peer_ms), 1),
        "ratio": round(ratio, 2),
        "ratio_quartiles": [round(low, 2), round(high, 2)],
        "threads": torch.get_num_threads(),
        "device": str(batch.device),
        "shapes": {"graphs": len(batch), "nodes": batch.num_nodes, "edges": batch.num_edges, "channels": CHANNELS},
    }


def main() -> None:
    """Prints a row per layer, and writes them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--compiled", action="store_true", help="also against torch.compile'd PyG (needs a C compiler)")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    batch = workload(arguments.samples, arguments.device)
    rows = []
    for compiled in (False, True) if arguments.compiled else (False,):
        for name in ("GAT", "GATv2"):
            rows.append(compare(name, batch, arguments.repeats, compiled=compiled))
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items() if key != "shapes"), flush=True)
    if arguments.json:
        command = "python benchmarks/speed_layers.py " + " ".join(sys.argv[1:])
        result = {"command": command, "torch": torch.__version__, "rows": rows}
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
