"""Precision of grounding: how many of the regions that rank first are of the right place."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.estimate import Estimate
from mmgraph.explain.grounding import Boxes, check_boxes, inside_boxes, region_auc
from mmgraph.graph import GraphBatch


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the right regions are, to measure attributions against.

    Args:
        modality: the one whose nodes are regions; they carry `box`.
        boxes: per graph the true box or boxes; None where the answer does not depend on a place.

    Example:
        >>> box = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> graphs = GraphBatch.single({"image": torch.rand(2, 3)}, {}, attributes={"image": {"box": box}})
        >>> Truth("image", [[0, 0, 0.5, 1]]).grounding(torch.tensor([-0.7, 0.3]), graphs)["grounding AUC"].mean
        1.0
    """

    modality: str
    boxes: Sequence[Boxes]

    def grounding(self, values: Float[Tensor, " nodes"], graphs: GraphBatch) -> dict[str, Estimate]:
        """AUC (see `region_auc`) and precision of the sizes of an attribution's values.

        Sizes, because a region that speaks against the predicted class counts too: in "the larger of five and three"
        the three is looked at, and makes no point for the five.

        Raises:
            ValueError: as `region_auc` does.
        """
        size = values.detach().abs()
        return {
            "grounding AUC": Estimate.of(region_auc(size, graphs, self.modality, self.boxes)),
            "precision": Estimate.of(region_precision(size, graphs, self.modality, self.boxes)),
        }


def region_precision(
    scores: Float[Tensor, " nodes"], batch: GraphBatch, modality: str, boxes: Sequence[Boxes]
) -> Float[Tensor, " graphs"]:
    """Of the k regions with the largest scores, the share that is of the right place, k being how many are.

    A region is of the right place if its centre lies in a true box or on its border. Of equal scores at the end of
    the k the expected share counts. NaN where no region is, or all are.

    Args:
        scores: one per node of the batch, in the order of `FlatGraph`.
        batch: the graphs.
        modality: the one whose nodes are ranked; they carry `box`.
        boxes: per graph the true box or boxes; None where the graph does not count.

    Raises:
        ValueError: if the number of scores or boxes is wrong, the nodes carry no `box`, or a box is none.

    Example:
        >>> box = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3)}, {}, attributes={"image": {"box": box}})
        >>> region_precision(torch.tensor([0.5, 0.5]), batch, "image", [[0, 0, 0.5, 1]]).tolist()
        [0.5]
    """
    check_boxes(batch, boxes)
    if scores.shape != (batch.num_nodes,):
        raise ValueError(f"scores hold a number per node, [{batch.num_nodes}], got {tuple(scores.shape)}")
    number, nodes, graphs = batch.schema.modality_id(modality), batch.nodes[modality], batch.num_graphs
    own = scores.split(batch.flat.num_nodes)[number].double().cpu()
    graph = nodes.graph.cpu()
    inside = inside_boxes(nodes.attribute("box").cpu(), graph, boxes)
    count = torch.bincount(graph, minlength=graphs)
    right = torch.bincount(graph[inside], minlength=graphs)
    order = own.argsort(descending=True, stable=True)
    order = order[graph[order].argsort(stable=True)]
    last = (count.cumsum(0) - count + right - 1).clamp(0, max(len(order) - 1, 0))  # the k-th of each graph
    if not len(order):
        return torch.full((graphs,), torch.nan, dtype=torch.float64)
    bar = own[order][last][graph]
    above, level = own > bar, own == bar
    sure = torch.bincount(graph[above], minlength=graphs)
    hits = torch.bincount(graph[above & inside], minlength=graphs).double()
    tied = torch.bincount(graph[level], minlength=graphs)
    tied_hits = torch.bincount(graph[level & inside], minlength=graphs).double()
    share = (hits + (right - sure) * tied_hits / tied) / right
    return share.masked_fill((right == 0) | (right == count), torch.nan)
