"""`SoftAssignPool`: every node goes into all clusters of its modality and graph, to different parts."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from mmgraph.graph import FlatGraph, GraphSchema
from mmgraph.graph.ragged import to_ptr
from mmgraph.nn.linear import Linear
from mmgraph.nn.pool.blocks import Block, block_of, edges_of_blocks, per_graph, ptr_of, squares
from mmgraph.nn.pool.coarsened import Coarsened, segment_of_nodes
from mmgraph.nn.rewire import without_edges


class SoftAssignPool(nn.Module):
    r"""DiffPool (Ying et al. 2018, arXiv 1806.08804) over typed graphs: clusters within modalities.

    .. math:: S_m = softmax(assign_m(x)), \quad x'_m = S_m^T x_m, \quad A'_r = S_{src}^T A_r \, S_{dst}

    The coarse graph has all edges between the clusters that a relation joins, weighted by A', so give its
    `edge_weight` to the convs behind; edge features are averaged. No matrix of nodes x nodes is made. Losses, as means
    over the graphs that have nodes or edges for them:

    - "link": :math:`\Vert A_r - S S^T \Vert_F / n^2`, summed over the relations within modalities: neighbours share
      clusters.
    - "entropy": of a node's parts: a node belongs to one cluster.

    On one graph of one modality and relation it equals PyG's `dense_diff_pool`.

    Args:
        schema: names modalities and relations.
        channels: channels of the nodes.
        clusters: clusters of a modality in a graph that has it, one number or one per modality.
        assign: a class that is made as `assign(schema, channels, clusters)` and reads the graph, as the paper's GNN
            does; clusters are then one number. None is a linear layer per modality.

    Raises:
        ValueError: on no channels or no cluster, a modality without a number of clusters, or different numbers with
            `assign`.

    Example:
        >>> from mmgraph.graph import GraphBatch
        >>> graph = GraphBatch.single({"a": torch.rand(4, 3), "b": torch.rand(1, 3)},
        ...                           {("a", "to", "b"): torch.tensor([[0, 1, 2, 3], [0, 0, 0, 0]])})
        >>> pool = SoftAssignPool(graph.schema, 3, 2)
        >>> pooled = pool({name: nodes.x for name, nodes in graph.nodes.items()}, graph.flat)
        >>> pooled.graph.num_nodes, round(float(pooled.edge_weight.sum().detach()), 4), list(pooled.losses)
        ((2, 2), 4.0, ['link', 'entropy'])
    """

    def __init__(
        self,
        schema: GraphSchema,
        channels: int,
        clusters: int | Mapping[str, int],
        *,
        assign: type[nn.Module] | None = None,
    ) -> None:
        super().__init__()
        sizes = dict.fromkeys(schema.modalities, clusters) if isinstance(clusters, int) else dict(clusters)
        if set(sizes) != set(schema.modalities) or min(channels, *sizes.values()) < 1:
            raise ValueError(
                f"channels and the clusters of each modality are at least 1; got {channels=}, {clusters=} for the "
                f"modalities {list(schema.modalities)}"
            )
        if assign is not None and not isinstance(clusters, int):
            raise ValueError(f"{assign.__name__} gives all modalities equally many clusters, got {clusters}")
        self.modalities, self.clusters = tuple(schema.modalities), tuple(sizes[name] for name in schema.modalities)
        self.ends = tuple((schema.modality_id(src), schema.modality_id(dst)) for src, _, dst in schema.edge_types)
        self.linear = nn.ModuleList(Linear(channels, size) for size in self.clusters if assign is None)
        self.conv = None if assign is None else assign(schema, channels, self.clusters[0])

    def forward(
        self,
        x: Mapping[str, Float[Tensor, "_ channels"]],
        graph: FlatGraph,
        edge_weight: Float[Tensor, "edges 1"] | None = None,
    ) -> Coarsened:
        """The clusters."""
        like = x[self.modalities[0]]
        weight = like.new_ones(graph.src.shape[0], 1) if edge_weight is None else edge_weight
        shares = self._shares(x, graph, edge_weight)
        counts = (graph.segment.diff() > 0).view(len(self.modalities), graph.num_graphs)
        counts = counts * torch.tensor(self.clusters, device=counts.device).unsqueeze(1)
        empty = without_edges(counts, len(graph.features))
        new = {}
        for m, name in enumerate(self.modalities):
            sums = per_graph(shares[m], x[name], ptr_of(graph, m))  # [graphs, clusters, channels]
            new[name] = sums[counts[m] > 0].flatten(0, 1)
        blocks = [block_of(graph, r, src, dst, shares, weight) for r, (src, dst) in enumerate(self.ends)]
        coarse = edges_of_blocks(empty, blocks, self.ends, like)
        member, cluster = self._entries(graph, empty.segment)
        share = torch.cat([part.flatten() for part in shares])
        losses = {"link": self._link(graph, blocks, shares, weight), "entropy": _entropy(shares)}
        return Coarsened(new, coarse.graph, coarse.edge_weight, member, cluster, share, losses)

    def _shares(self, x: Mapping[str, Tensor], graph: FlatGraph, edge_weight: Tensor | None) -> list[Tensor]:
        """S of every modality, [nodes, clusters]."""
        if self.conv is None:
            return [layer(x[name]).softmax(1) for name, layer in zip(self.modalities, self.linear, strict=True)]
        logits = self.conv(x, graph, edge_weight)
        return [logits[name].softmax(1) for name in self.modalities]

    def _entries(self, graph: FlatGraph, segment: Tensor) -> tuple[Int[Tensor, " entries"], Int[Tensor, " entries"]]:
        """The node and the cluster of every number in S; `segment` is that of the coarse graph."""
        sizes = torch.tensor(self.clusters, device=graph.src.device)
        width = sizes.repeat_interleave(torch.tensor(graph.num_nodes, device=sizes.device))
        ptr = to_ptr(width)
        member = torch.repeat_interleave(width)
        place = torch.arange(member.numel(), device=member.device) - ptr[member]
        return member, segment[segment_of_nodes(graph)[member]] + place

    def _link(self, graph: FlatGraph, blocks: list[Block], shares: list[Tensor], weight: Tensor) -> Tensor:
        """The norm is that of A minus two mixed terms plus S'S, all without a matrix of nodes x nodes."""
        total = weight.new_zeros(())
        for r, (src, dst) in enumerate(self.ends):
            if src == dst:
                ptr = ptr_of(graph, src)
                nodes = ptr.diff()
                mixed = blocks[r].values[..., 0].diagonal(dim1=1, dim2=2).sum(1)
                gram = per_graph(shares[src], shares[src], ptr).square().sum((1, 2))
                square = squares(graph, r, weight) - 2 * mixed + gram
                norm = square.clamp(min=torch.finfo(square.dtype).tiny).sqrt() / nodes.clamp(min=1).square()
                total = total + (norm * (nodes > 0)).sum() / (nodes > 0).sum().clamp(min=1)
        return total


def _entropy(shares: list[Tensor]) -> Tensor:
    parts = torch.cat([torch.special.entr(part).sum(1) for part in shares])
    return parts.sum() / max(1, parts.numel())
