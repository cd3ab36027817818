"""Attributions by occlusion: what the score loses when a node, an edge, a relation or a modality is taken away."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn

from mmgraph.explain.attribution import Attribution
from mmgraph.explain.copies import Copies, copy_scores, ready
from mmgraph.explain.fill import Fill, Removed
from mmgraph.explain.nodes import destinations, locate
from mmgraph.explain.score import Score
from mmgraph.explain.subgraph import subgraph
from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class NodeOcclusion:
    """What the score loses without each node, one at a time.

    With `size=True` it is how far the score moves, up or down, the mean over the draws of the fill: with `DonorFill`
    how much the output depends on what the node says, whether it speaks for the answer or not. Two nodes that say the
    same stand in for each other, so both may get 0: see `IntegratedGradients` for shares.

    Source: Zeiler and Fergus, arXiv 1311.2901; with `DonorFill`: Robnik-Sikonja and Kononenko, IEEE TKDE 2008.

    Args:
        fill: what stands in the place of the node: `Removed`, `MeanFill` or `DonorFill`.
        size: take how far the score moves instead of what it loses.
        modalities: whose nodes are taken away; all if not given. The others get 0.
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when called, on an unknown modality, or if `batch_size` is below 1.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3)}, {})
        >>> NodeOcclusion()(GraphFusion(graphs.schema, 2, hidden_channels=4), graphs, OutputScore(0)).nodes.shape
        torch.Size([2])
    """

    fill: Fill = Removed()  # noqa: RUF009 - frozen
    size: bool = False
    modalities: Sequence[str] | None = None
    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of nodes."""
        with ready(model, graphs) as batch:
            nodes = nodes_of(batch, self.modalities)
            graph, _ = locate(batch.flat, nodes)
            whole = _whole(model, batch, score, self.batch_size)[graph]
            values = torch.zeros(batch.num_nodes, dtype=whole.dtype, device=batch.device)
            for draw in range(self.fill.draws):

                def without(copies: Copies, rows: slice, draw: int = draw) -> GraphBatch:
                    mask = copies.node == nodes[rows][copies.node_copy]
                    return self.fill(copies.batch, mask, draw + self.fill.draws * rows.start)

                occluded = copy_scores(model, batch, score, graph, without, self.batch_size)
                lost = whole - occluded
                values[nodes] += (lost.abs() if self.size else lost) / self.fill.draws
        what = "how far the score moves" if self.size else "loss of the score"
        return Attribution(
            "node occlusion", f"{what} when the node is taken away", graphs, nodes=values.to(graphs.device)
        )


@dataclass(frozen=True)
class EdgeOcclusion:
    """What the score loses without each edge, one at a time; the softmax goes over the edges that stay.

    A forward pass per edge: for a few graphs, not for a data set.

    Args:
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when called, if `batch_size` is below 1.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"a": torch.rand(2, 3)}, {("a", "to", "a"): torch.tensor([[0, 1], [1, 0]])})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> with ops.backend("reference"):
        ...     EdgeOcclusion()(model, graphs, OutputScore(0)).edges.shape
        torch.Size([2])
    """

    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of edges."""
        with ready(model, graphs) as batch:
            graph, _ = locate(batch.flat, destinations(batch.flat))

            def without(copies: Copies, rows: slice) -> GraphBatch:
                missing = torch.arange(rows.start, rows.stop, device=batch.device)
                return subgraph(copies.batch, edges=copies.edge != missing[copies.edge_copy])

            whole = _whole(model, batch, score, self.batch_size)[graph]
            values = whole - copy_scores(model, batch, score, graph, without, self.batch_size)
        return Attribution(
            "edge occlusion", "loss of the score when the edge is removed", graphs, edges=values.to(graphs.device)
        )


@dataclass(frozen=True)
class RelationOcclusion:
    """What the score loses without all edges of each relation, one relation at a time.

    Args:
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when called, if `batch_size` is below 1, or the graphs have no relation.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"a": torch.rand(2, 3)}, {("a", "to", "a"): torch.tensor([[0, 1], [1, 0]])})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> with ops.backend("reference"):
        ...     RelationOcclusion()(model, graphs, OutputScore(0)).relations.shape
        torch.Size([1, 1])
    """

    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of relations."""
        number = len(graphs.schema.edge_types)
        if not number:
            raise ValueError("the graphs have no relation, so there is none to take away")
        with ready(model, graphs) as batch:
            graph = torch.arange(batch.num_graphs, device=batch.device).repeat_interleave(number)
            relation = torch.arange(number, device=batch.device).repeat(batch.num_graphs)

            def without(copies: Copies, rows: slice) -> GraphBatch:
                missing = relation[rows][copies.edge_copy]
                return subgraph(copies.batch, edges=copies.batch.flat.relation != missing)

            whole = _whole(model, batch, score, self.batch_size)[graph]
            values = whole - copy_scores(model, batch, score, graph, without, self.batch_size)
        return Attribution(
            "relation occlusion",
            "loss of the score when all edges of the relation are removed",
            graphs,
            relations=values.view(-1, number).to(graphs.device),
        )


@dataclass(frozen=True, eq=False)
class ModalityOcclusion:
    """What the score loses without each modality, one at a time; exactly 0 for one that the graph lacks.

    Args:
        fill: what stands in the place of its nodes.
        batch_size: changed graphs per forward pass.

    Raises:
        ValueError: when called, if `batch_size` is below 1.

    Example:
        >>> from mmgraph.explain import OutputScore
        >>> from mmgraph.models import GraphFusion
        >>> graphs = GraphBatch.single({"text": torch.rand(2, 3), "image": torch.rand(1, 3)}, {})
        >>> model = GraphFusion(graphs.schema, 2, hidden_channels=4)
        >>> ModalityOcclusion()(model, graphs, OutputScore(0)).modalities.shape
        torch.Size([1, 2])
    """

    fill: Fill = Removed()  # noqa: RUF009 - frozen
    batch_size: int = 256

    def __call__(self, model: nn.Module, graphs: GraphBatch, score: Score) -> Attribution:
        """The attribution of modalities."""
        number = len(graphs.schema.modalities)
        with ready(model, graphs) as batch:
            graph, modality = batch.present.nonzero(as_tuple=True)
            whole = _whole(model, batch, score, self.batch_size)[graph]
            lost = torch.zeros_like(whole)
            for draw in range(self.fill.draws):

                def without(copies: Copies, rows: slice, draw: int = draw) -> GraphBatch:
                    mask = modality_of(copies.batch) == modality[rows][copies.node_copy]
                    return self.fill(copies.batch, mask, draw + self.fill.draws * rows.start)

                occluded = copy_scores(model, batch, score, graph, without, self.batch_size)
                lost += (whole - occluded) / self.fill.draws
            values = lost.new_zeros(batch.num_graphs, number).index_put((graph, modality), lost)
        return Attribution(
            "modality occlusion",
            "loss of the score when all nodes of the modality are taken away",
            graphs,
            modalities=values.to(graphs.device),
        )


def modality_of(batch: GraphBatch) -> Int[Tensor, " nodes"]:
    """The modality id of each flat node.

    Example:
        >>> modality_of(GraphBatch.single({"text": torch.rand(2, 3), "image": torch.rand(1, 3)}, {})).tolist()
        [0, 0, 1]
    """
    counts = torch.tensor(batch.flat.num_nodes, device=batch.device)
    return torch.arange(counts.numel(), device=batch.device).repeat_interleave(counts)


def nodes_of(batch: GraphBatch, modalities: Sequence[str] | None) -> Int[Tensor, " chosen"]:
    """The flat nodes of some modalities, or of all. Raises ValueError for an unknown one.

    Example:
        >>> nodes_of(GraphBatch.single({"text": torch.rand(2, 3), "image": torch.rand(1, 3)}, {}), ["image"]).tolist()
        [2]
    """
    if modalities is None:
        return torch.arange(batch.num_nodes, device=batch.device)
    wanted = torch.tensor([batch.schema.modality_id(name) for name in modalities], device=batch.device)
    return torch.isin(modality_of(batch), wanted).nonzero().squeeze(1)


def _whole(model: nn.Module, batch: GraphBatch, score: Score, batch_size: int) -> Tensor:
    """The score of each graph as it is."""
    graph = torch.arange(batch.num_graphs, device=batch.device)
    return copy_scores(model, batch, score, graph, lambda copies, _: copies.batch, batch_size)
