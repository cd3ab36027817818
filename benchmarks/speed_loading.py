"""Time of making mini-batches and of reading stored graphs, against PyTorch Geometric's DataLoader and files.

The graphs are those of `speed_layers.py`: about 153 nodes and 3,676 edges of 12 relations each. Mini-batches of both
sides hold the same graphs in the same order; the first is compared node by node and edge by edge before anything is
timed. Ours includes the flat view that layers read. "mapped" reads random mini-batches straight from a file that does
not have to fit into memory; its peer is our own loader in memory.

    python benchmarks/speed_loading.py --json benchmarks/results/speed_loading.json
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from timing import Row, interleave, parser, row, write
from torch import Tensor
from torch_geometric.data import HeteroData, InMemoryDataset
from torch_geometric.loader import DataLoader

from mmgraph.graph import GraphBatch, Relation

from speed_layers import workload  # isort: skip


class Stored(InMemoryDataset):
    """PyG's own way to keep a data set in one file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.load(str(path), data_cls=HeteroData)


def edges_of(batch: GraphBatch, relation: Relation) -> Tensor:
    """A relation's edges as PyG numbers them: through the batch, per modality."""
    edges = batch.relation(relation)
    src, dst = (batch.nodes[relation[end]].ptr[edges.graph] for end in (0, 2))
    return torch.stack([edges.src + src, edges.dst + dst])


def require_equal(ours: GraphBatch, peer: HeteroData) -> None:
    """Ends the program unless both hold the same nodes and edges."""
    for modality, nodes in ours.nodes.items():
        if not torch.equal(nodes.x, peer[modality].x):
            sys.exit(f"nodes of {modality} differ")
    for relation in ours.schema.edge_types:
        found, expected = edges_of(ours, relation), peer[relation].edge_index
        width = 1 + max(int(found.max()), int(expected.max()))
        if not torch.equal((found[0] * width + found[1]).sort()[0], (expected[0] * width + expected[1]).sort()[0]):
            sys.exit(f"edges of {relation} differ")


def batches(graphs: GraphBatch, chunks: tuple[Tensor, ...]) -> Callable[[], GraphBatch]:
    """A pass over mini-batches, each with the flat view that layers read."""

    def run() -> GraphBatch:
        for chunk in chunks:
            batch = graphs[chunk]
            _ = batch.flat
        return batch

    return run


def main() -> None:
    """Prints a row per comparison, and writes them."""
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=1024)
    options.add_argument("--batch-size", type=int, default=128)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    graphs = workload(arguments.samples, "cpu")
    peers = graphs.to_pyg()
    order = torch.randperm(len(graphs), generator=torch.Generator().manual_seed(1))
    chunks = order.split(arguments.batch_size)
    require_equal(graphs[chunks[0]], next(iter(DataLoader([peers[i] for i in chunks[0]], len(chunks[0])))))
    shapes = {
        "graphs": len(graphs),
        "batch_size": arguments.batch_size,
        "nodes": graphs.num_nodes,
        "edges": graphs.num_edges,
    }
    rows: list[Row] = []

    def compare(name: str, peer: str, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
        rows.append(row(name, peer, interleave(ours, theirs, arguments.repeats), shapes))

    def peer_pass() -> int:
        return sum(batch.num_graphs for batch in DataLoader(peers, arguments.batch_size, sampler=order.tolist()))

    one = chunks[0]
    first = [peers[i] for i in one.tolist()]
    compare(
        "collate", "PyG Batch.from_data_list", batches(graphs, (one,)), lambda: next(iter(DataLoader(first, len(one))))
    )
    compare("pass over a shuffled data set", "PyG DataLoader", batches(graphs, chunks), peer_pass)
    with tempfile.TemporaryDirectory() as folder:
        stored, listed, collated = (Path(folder) / name for name in ("ours.safetensors", "list.pt", "collated.pt"))
        graphs.save(stored)
        torch.save(peers, listed)
        InMemoryDataset.save(peers, str(collated))
        if not GraphBatch.load(stored).equal(graphs):
            sys.exit("the stored graphs differ")
        require_equal(graphs[:1], Stored(collated)[0])

        def load_all() -> float:
            """Reads every value: a mapped file alone would have read none."""
            read = GraphBatch.load(stored)
            return sum(float(nodes.x.sum()) for nodes in read.nodes.values()) + float(read.edges.src.sum())

        compare("load a stored data set", "torch.load of a list of HeteroData", load_all,
                lambda: torch.load(listed, weights_only=False))  # fmt: skip
        compare("load a stored data set", "PyG InMemoryDataset.load", load_all, lambda: Stored(collated))
        mapped = GraphBatch.load(stored)
        compare(
            "random mini-batches in memory",
            "ours, from the mapped file",
            batches(graphs, chunks),
            batches(mapped, chunks),
        )
    write(rows, arguments.json)


if __name__ == "__main__":
    main()
