"""Attention between all nodes of a graph, padded: what a transformer does instead of message passing."""

from collections.abc import Iterable, Mapping
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

from mmgraph.graph import FlatGraph, GraphBatch, Relation
from mmgraph.nn import TransformerConv


class Padding:
    """Where each node has its place in a table of [graphs, most nodes].

    Attributes:
        place: of every node, row of the flattened table.
        shape: graphs, most nodes of a graph.
        mask: which places have a node, [graphs, 1, 1, most nodes]; None if all have.
    """

    def __init__(self, graph: FlatGraph) -> None:
        counts = graph.segment.diff().view(len(graph.num_nodes), graph.num_graphs)  # [modalities, graphs]
        sizes = counts.sum(0)
        longest = int(sizes.max())
        first = torch.arange(graph.num_graphs, device=sizes.device) * longest + counts.cumsum(0) - counts
        within = torch.arange(int(sizes.sum()), device=sizes.device)
        within = within - torch.repeat_interleave(graph.segment[:-1], counts.view(-1))
        self.place = torch.repeat_interleave(first.view(-1), counts.view(-1)) + within
        self.shape = (graph.num_graphs, longest)
        present = torch.arange(longest, device=sizes.device) < sizes.unsqueeze(1)
        self.mask = None if bool(present.all()) else present[:, None, None]


class DenseAttention(nn.Module):
    """Every node attends to all nodes of its graph; queries, keys and values have a matrix per modality."""

    def __init__(self, modalities: Iterable[str], channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.weight = nn.ParameterDict({name: torch.empty(3 * channels, channels) for name in modalities})
        for weight in self.weight.values():
            nn.init.xavier_uniform_(weight)

    def forward(self, x: Mapping[str, Tensor], padding: Padding) -> dict[str, Tensor]:
        """New features of every node."""
        rows = torch.cat([linear(x[name], weight) for name, weight in self.weight.items()])
        graphs, longest = padding.shape
        table = rows.new_zeros(graphs * longest, rows.shape[1]).index_copy(0, padding.place, rows)
        queries, keys, values = table.view(graphs, longest, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        out = scaled_dot_product_attention(queries, keys, values, attn_mask=padding.mask)
        out = out.transpose(1, 2).reshape(graphs * longest, -1)[padding.place]
        return dict(zip(x, out.split([len(value) for value in x.values()]), strict=True))


@torch.no_grad()
def check(device: str, channels: int, heads: int) -> float:
    """Largest difference, over the largest output, to our `TransformerConv` on two small complete graphs."""
    sizes = [{"a": 5, "b": 3}, {"a": 2, "b": 2}]
    graphs = [{name: torch.randn(size, channels) for name, size in counts.items()} for counts in sizes]
    batch = GraphBatch.concat([GraphBatch.single(x, _complete(x), id=str(i)) for i, x in enumerate(graphs)]).to(device)
    conv = TransformerConv(
        batch.schema, channels, channels // heads, heads, scope="node", root_weight=False, bias=False
    ).to(device)
    dense = DenseAttention(batch.schema.modalities, channels, heads).to(device)
    for m, weight in enumerate(dense.weight.values()):
        parts = weight.chunk(3)
        for own, part in zip((conv.query_weight, conv.key_weight, conv.value_weight), parts, strict=True):
            own[m].copy_(part.expand_as(own[m]))
    given = {name: nodes.x for name, nodes in batch.nodes.items()}
    ours, theirs = conv(given, batch.flat), dense(given, Padding(batch.flat))
    return max(float((ours[name] - theirs[name]).abs().max() / theirs[name].abs().max()) for name in given)


def _complete(x: Mapping[str, Tensor]) -> dict[Relation, Tensor]:
    nodes = {name: torch.arange(len(rows)) for name, rows in x.items()}
    return {(a, "all", b): torch.cartesian_prod(nodes[a], nodes[b]).T for a, b in product(x, x)}
