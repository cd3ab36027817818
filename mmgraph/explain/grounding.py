"""Grounding: how well a score per node, such as the attention flow, finds the regions of the right place."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from mmgraph.explain.flow import flow_to_output
from mmgraph.explain.recording import record_attention
from mmgraph.graph import GraphBatch
from mmgraph.training import predict

Boxes = Sequence[float] | Tensor | None
"""The truth of one sample: a box x1, y1, x2, y2 in 0..1, or several as [boxes, 4]; None: the sample does not count."""


@dataclass(frozen=True, eq=False)
class GroundingAUC:
    """The area under the ROC curve of each graph, their mean, and an interval for it.

    0.5 is chance, 1 means that every region of the right place ranks above all others.

    Attributes:
        mean: over the graphs that count.
        low: lower end of the bootstrap interval of the mean.
        high: its upper end.
        num_graphs: how many graphs count.
        per_graph: one value per graph, NaN where it does not count.

    Example:
        >>> print(GroundingAUC(0.9, 0.85, 0.94, 2, torch.tensor([1.0, 0.8, float("nan")])))
        AUC 0.900 (0.850 to 0.940, 2 graphs)
    """

    mean: float
    low: float
    high: float
    num_graphs: int
    per_graph: Float[Tensor, " graphs"]

    def __str__(self) -> str:
        return f"AUC {self.mean:.3f} ({self.low:.3f} to {self.high:.3f}, {self.num_graphs} graphs)"


def attention_grounding_auc(
    model: nn.Module,
    graphs: GraphBatch,
    modality: str,
    boxes: Sequence[Boxes],
    *,
    batch_size: int = 256,
    residual: float = 0.5,
    seed: int = 0,
) -> GroundingAUC:
    """How well the attention that reaches the pooled output ranks the regions of the right place.

    Runs the model without dropout and gradient over the graphs that have a box, takes `flow_to_output` of each batch
    and `grounding_auc` of it. Good grounding says that attention goes where the answer is, not that the model uses it.

    Args:
        model: with a `schema`, convs of `scope="node"` and one attention pool.
        graphs: the samples, usually the test split.
        modality: the one whose nodes are ranked; they carry `box`.
        boxes: per graph where the right place is; None where the answer does not depend on a place.
        batch_size: graphs per forward pass.
        residual: see `flow_to_output`.
        seed: of the bootstrap.

    Raises:
        ValueError: as `flow_to_output` and `grounding_auc` do, or if `batch_size` is below 1.

    Example:
        >>> from mmgraph import ops
        >>> from mmgraph.models import GraphFusion
        >>> box = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> graph = GraphBatch.single({"image": torch.rand(2, 3)}, {}, attributes={"image": {"box": box}})
        >>> model = GraphFusion(graph.schema, 2, hidden_channels=8)
        >>> with ops.backend("reference"):
        ...     result = attention_grounding_auc(model, graph, "image", [[0, 0, 0.5, 1]])
        >>> result.num_graphs, 0 <= result.mean <= 1
        (1, True)
    """
    check_boxes(graphs, boxes)
    if batch_size < 1:
        raise ValueError(f"{batch_size=} is at least 1")
    counted = [i for i, box in enumerate(boxes) if box is not None]
    values = torch.full((graphs.num_graphs,), torch.nan, dtype=torch.float64)
    with record_attention(model) as records:
        for start in range(0, len(counted), batch_size):
            chosen = counted[start : start + batch_size]
            batch = graphs[chosen]
            predict(model, batch, batch_size=batch_size)
            scores = flow_to_output(records.pop(), residual=residual).cpu()
            values[chosen] = region_auc(scores, batch, modality, [boxes[i] for i in chosen])
    return _summary(values, 0.95, 1000, seed)


def grounding_auc(
    scores: Float[Tensor, " nodes"],
    batch: GraphBatch,
    modality: str,
    boxes: Sequence[Boxes],
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> GroundingAUC:
    """The mean of `region_auc` over graphs, with a percentile bootstrap over graphs.

    Args:
        scores: one per node of the batch, in the order of `FlatGraph`; only those of `modality` are looked at.
        batch: the graphs.
        modality: the one whose nodes are ranked; they carry `box`.
        boxes: per graph the true box or boxes; None where the graph does not count.
        confidence: of the interval, in 0..1.
        resamples: draws of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: as `region_auc` does, or if no graph counts.

    Example:
        >>> box = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3)}, {}, attributes={"image": {"box": box}})
        >>> print(grounding_auc(torch.tensor([0.7, 0.3]), batch, "image", [[0, 0, 0.5, 1]]))
        AUC 1.000 (1.000 to 1.000, 1 graphs)
    """
    return _summary(region_auc(scores, batch, modality, boxes), confidence, resamples, seed)


def region_auc(
    scores: Float[Tensor, " nodes"], batch: GraphBatch, modality: str, boxes: Sequence[Boxes]
) -> Float[Tensor, " graphs"]:
    """Per graph the probability that a region of the right place scores above another region; ties count half.

    A region is of the right place if its centre lies in a true box or on its border. NaN where that leaves nothing to
    rank: no box, no region in it, or none outside.

    Args:
        scores: one per node of the batch, in the order of `FlatGraph`; only those of `modality` are looked at.
        batch: the graphs.
        modality: the one whose nodes are ranked; they carry `box`.
        boxes: per graph the true box or boxes; None where the graph does not count.

    Raises:
        ValueError: if the numbers of scores or boxes do not fit the batch, if a score is NaN, if the nodes carry no
            `box`, or if a true box is not x1 <= x2, y1 <= y2.

    Example:
        >>> box = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> batch = GraphBatch.single({"image": torch.rand(2, 3)}, {}, attributes={"image": {"box": box}})
        >>> region_auc(torch.tensor([0.5, 0.5]), batch, "image", [[0, 0, 0.5, 1]]).tolist()
        [0.5]
    """
    check_boxes(batch, boxes)
    if scores.shape != (batch.num_nodes,) or bool(scores.isnan().any()):
        raise ValueError(f"scores hold a number per node, [{batch.num_nodes}], got {tuple(scores.shape)}, NaN or not")
    number = batch.schema.modality_id(modality)
    nodes = batch.nodes[modality]
    first = int(batch.flat.segment[number * batch.num_graphs])
    own = scores[first : first + nodes.num_nodes].double().cpu().numpy()
    graph = nodes.graph.cpu()
    inside = inside_boxes(nodes.attribute("box").cpu(), graph, boxes).numpy()
    return torch.from_numpy(_auc(own, inside, graph.numpy(), batch.num_graphs))


def check_boxes(batch: GraphBatch, boxes: Sequence[Boxes]) -> None:
    """Raises ValueError unless there is a box, some boxes or None for every graph.

    Example:
        >>> check_boxes(GraphBatch.single({"image": torch.rand(2, 3)}, {}), [[0, 0, 0.5, 1]])
    """
    if len(boxes) != batch.num_graphs:
        raise ValueError(f"{len(boxes)} true boxes for {batch.num_graphs} graphs; give None where there is none")
    for graph, value in enumerate(boxes):
        if value is None:
            continue
        rows = torch.as_tensor(value)
        ordered = rows.shape[-1:] == (4,) and bool((rows[..., :2] <= rows[..., 2:]).all())
        if not ordered or rows.dim() > 2:
            raise ValueError(
                f"sample {batch.ids[graph]!r}: the true box is x1 <= x2, y1 <= y2 or [boxes, 4], got {value}"
            )


def inside_boxes(regions: Tensor, graph: Tensor, boxes: Sequence[Boxes]) -> Bool[Tensor, " nodes"]:
    """Whether each region's centre is in a true box of its graph.

    Example:
        >>> regions = torch.tensor([[0, 0, 0.5, 1], [0.5, 0, 1, 1]])
        >>> inside_boxes(regions, torch.tensor([0, 0]), [[0, 0, 0.5, 1]]).tolist()
        [True, False]
    """
    none = torch.zeros(0, 4, dtype=torch.float64)
    truth = [none if box is None else torch.as_tensor(box).double().reshape(-1, 4) for box in boxes]
    most = max(rows.shape[0] for rows in truth)
    padded = torch.full((len(truth), most, 4), torch.nan, dtype=torch.float64)  # no centre is inside NaN
    for number, rows in enumerate(truth):
        padded[number, : rows.shape[0]] = rows
    own = padded[graph]  # [nodes, boxes, 4]
    centre = ((regions[:, :2] + regions[:, 2:]).double() / 2).unsqueeze(1)  # [nodes, 1, 2]
    return ((centre >= own[..., :2]) & (centre <= own[..., 2:])).all(-1).any(-1)


def _auc(scores: np.ndarray, inside: np.ndarray, graph: np.ndarray, num_graphs: int) -> np.ndarray:
    """The Mann-Whitney statistic of every graph, from mean ranks within the graph."""
    counts = np.bincount(graph, minlength=num_graphs)
    if graph.size == 0:
        return np.full(num_graphs, np.nan)
    order = np.lexsort((scores, graph))
    value, of, truth = scores[order], graph[order], inside[order]
    tie = np.cumsum(np.r_[False, (value[1:] != value[:-1]) | (of[1:] != of[:-1])])
    position = np.arange(1, value.size + 1) - (np.cumsum(counts) - counts)[of]
    rank = (np.bincount(tie, position) / np.bincount(tie))[tie]  # equal scores share the mean of their ranks
    true = np.bincount(of, truth, minlength=num_graphs)
    pairs = true * (counts - true)
    above = np.bincount(of, truth * rank, minlength=num_graphs) - true * (true + 1) / 2
    return np.divide(above, pairs, out=np.full(num_graphs, np.nan), where=pairs > 0)


def _summary(values: Tensor, confidence: float, resamples: int, seed: int) -> GroundingAUC:
    if not 0 < confidence < 1 or resamples < 1:
        raise ValueError(f"{confidence=} lies between 0 and 1, and {resamples=} is at least 1")
    known = values[~values.isnan()].numpy()
    if known.size == 0:
        raise ValueError("no graph counts: in none is there a region inside a true box and one outside")
    draw = np.random.default_rng(seed)
    means = [known[draw.integers(0, known.size, known.size)].mean() for _ in range(resamples)]
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return GroundingAUC(float(known.mean()), float(low), float(high), known.size, values)
