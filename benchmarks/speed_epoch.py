"""Time and memory of training epochs, end to end, against PyTorch Geometric with the same model on the same batches.

2,000 graphs of about 153 nodes and 3,676 edges of 12 relations (those of `speed_layers.py`), 64 channels. The model: a
projection per modality, two layers of graph attention with weights per relation and no bias, mean pool per modality, a
linear classifier; AdamW. Both sides start from the same weights, see the same mini-batches in the same order, and load,
collate, run forward, backward and the optimiser. Their mean losses of the first epoch must agree to 1e-3 before their
times are compared; epochs are run in turn.

Memory is how much the process grows while it trains for one epoch, each side in a process of its own.

    python benchmarks/speed_epoch.py --json benchmarks/results/speed_epoch.json
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from timing import Row, interleave, parser, row, write
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, elu
from torch_geometric.data import HeteroData
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GATConv as PyGGATConv
from torch_geometric.nn import GATv2Conv as PyGGATv2Conv
from torch_geometric.nn import HeteroConv, global_mean_pool

from mmgraph.graph import GraphBatch, GraphSchema
from mmgraph.nn import GATConv, GATv2Conv, Linear
from mmgraph.ops import segment_sum

from speed_layers import take_weights, workload  # isort: skip

CHANNELS, HEADS, LAYERS, CLASSES = 64, 4, 2, 10
KINDS = {"GAT": (GATConv, PyGGATConv), "GATv2": (GATv2Conv, PyGGATv2Conv)}


class Ours(nn.Module):
    """The model on our layers."""

    def __init__(self, schema: GraphSchema, in_channels: int, kind: str) -> None:
        super().__init__()
        self.project = nn.ModuleDict({m: Linear(in_channels, CHANNELS) for m in schema.modalities})
        make = KINDS[kind][0]
        self.convs = nn.ModuleList(make(schema, CHANNELS, CHANNELS // HEADS, HEADS) for _ in range(LAYERS))
        self.head = Linear(len(schema.modalities) * CHANNELS, CLASSES)

    def forward(self, batch: GraphBatch) -> Tensor:
        """Logits of all graphs."""
        graph = batch.flat
        x = {m: layer(batch.nodes[m].x) for m, layer in self.project.items()}
        for conv in self.convs:
            x = {m: elu(value) for m, value in conv(x, graph).items()}
        sizes = graph.segment.diff().clamp(min=1).unsqueeze(1)
        pooled = segment_sum(torch.cat(list(x.values())), graph.segment) / sizes
        return self.head(pooled.view(len(x), graph.num_graphs, CHANNELS).transpose(0, 1).flatten(1))


class Peer(nn.Module):
    """The same model on PyG's layers."""

    def __init__(self, schema: GraphSchema, in_channels: int, kind: str) -> None:
        super().__init__()
        self.project = nn.ModuleDict({m: nn.Linear(in_channels, CHANNELS) for m in schema.modalities})
        make, size = KINDS[kind][1], CHANNELS // HEADS
        self.convs = nn.ModuleList(
            HeteroConv({r: make((CHANNELS, CHANNELS), size, HEADS, add_self_loops=False) for r in schema.edge_types})
            for _ in range(LAYERS)
        )
        self.head = nn.Linear(len(schema.modalities) * CHANNELS, CLASSES)

    def forward(self, batch: HeteroData) -> Tensor:
        """Logits of all graphs."""
        x = {m: layer(batch[m].x) for m, layer in self.project.items()}
        for conv in self.convs:
            x = {m: elu(value) for m, value in conv(x, batch.edge_index_dict).items()}
        pooled = [global_mean_pool(x[m], batch[m].batch, batch.num_graphs) for m in self.project]
        return self.head(torch.cat(pooled, 1))


class Side:
    """One side's data, model and optimiser; calling it trains an epoch and gives the mean loss."""

    def __init__(
        self, model: nn.Module, labels: Tensor, batches: Callable[[], object], order: tuple[Tensor, ...]
    ) -> None:
        self.model, self.labels, self.batches, self.order = model, labels, batches, order
        # PyG adds up a bias per relation, we have their sum: the same function, but not the same steps of an optimiser
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not (name.startswith("convs") and "bias" in name))
        self.optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3, fused=True)

    def __call__(self) -> float:
        """Trains one epoch."""
        total = 0.0
        for chunk, batch in zip(self.order, self.batches(), strict=True):  # type: ignore[call-overload]
            loss = cross_entropy(self.model(batch), self.labels[chunk])
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += float(loss.detach()) * len(chunk)
        return total / len(self.labels)


def sides(
    kind: str, samples: int, batch_size: int, device: str, which: str = "both"
) -> tuple[Side | None, Side | None]:
    """Both sides with the same weights, on the same batches; `which` leaves one out."""
    graphs = workload(samples, "cpu")
    torch.manual_seed(0)
    labels = torch.randint(CLASSES, (samples,), device=device)
    order = torch.randperm(samples, generator=torch.Generator().manual_seed(1)).split(batch_size)
    in_channels = next(iter(graphs.schema.modalities.values()))
    peer, model = (make(graphs.schema, in_channels, kind).to(device) for make in (Peer, Ours))
    model.project.load_state_dict(peer.project.state_dict())
    model.head.load_state_dict(peer.head.state_dict())
    for conv, theirs in zip(model.convs, peer.convs, strict=True):
        take_weights(conv, theirs)
    ours_side = theirs_side = None
    if which != "peer":
        ours_side = Side(model, labels, lambda: (graphs[chunk].to(device) for chunk in order), order)
    if which != "ours":
        listed = graphs.to_pyg()
        loader = DataLoader(listed, batch_size, sampler=torch.cat(order).tolist())
        theirs_side = Side(peer, labels, lambda: (batch.to(device) for batch in loader), order)
    return ours_side, theirs_side


def growth(side: Side) -> float:
    """MB by which the process grows at most while it trains for one epoch (Linux keeps the peak since the reset)."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _peak()
    side()
    return _peak() - before


def _peak() -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def growth_apart(kind: str, which: str, samples: int, batch_size: int, threads: int) -> float:
    """`growth` in a process of its own."""
    command = [sys.executable, __file__, "--grow", kind, which, "--samples", str(samples)]
    command += ["--batch-size", str(batch_size), "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def main() -> None:
    """Prints a row per layer, and writes them."""
    options = parser(__doc__)
    options.add_argument("--samples", type=int, default=2000)
    options.add_argument("--batch-size", type=int, default=64)
    options.add_argument("--grow", nargs=2, metavar=("KIND", "SIDE"), help="only print the growth of one side in MB")
    options.set_defaults(repeats=3)
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.grow:
        kind, which = arguments.grow
        made = sides(kind, arguments.samples, arguments.batch_size, "cpu", which)
        print(growth(next(side for side in made if side is not None)))
        return
    rows: list[Row] = []
    for kind in KINDS:
        ours, peer = sides(kind, arguments.samples, arguments.batch_size, arguments.device)
        assert ours is not None and peer is not None
        started = time.perf_counter()
        losses = ours(), peer()
        print(f"{kind}: first epochs {time.perf_counter() - started:.0f} s, losses {losses[0]:.5f} and {losses[1]:.5f}")
        if abs(losses[0] - losses[1]) > 1e-3 * losses[1]:
            sys.exit("the losses differ")
        shapes = {
            "graphs": arguments.samples,
            "batch_size": arguments.batch_size,
            "channels": CHANNELS,
            "layers": LAYERS,
        }
        result = row(kind, "PyG", interleave(ours, peer, arguments.repeats), shapes, arguments.device)
        if arguments.device == "cpu" and Path("/proc/self/clear_refs").exists():
            sizes = (arguments.samples, arguments.batch_size, arguments.threads)
            result["ours_growth_mb"], result["peer_growth_mb"] = (
                round(growth_apart(kind, which, *sizes)) for which in ("ours", "peer")
            )
            print(f"growth in MB: ours {result['ours_growth_mb']}, peer {result['peer_growth_mb']}")
        rows.append(result)
    write(rows, arguments.json)


if __name__ == "__main__":
    main()
