"""Which graphs an epoch shows, where classes or modalities are unequal."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.graph import GraphBatch


def class_groups(graphs: GraphBatch, target: str) -> Int[Tensor, " graphs"]:
    """The class of each graph, -1 where it is unknown: for `balance`.

    Args:
        graphs: the training data.
        target: a target of graphs with classes.

    Raises:
        ValueError: if there is no such target, or it is not one class per graph.

    Example:
        >>> from mmgraph.graph import Field, GraphSchema
        >>> schema = GraphSchema({"text": 1}, targets={"label": Field("int64", num_classes=2)})
        >>> x = {"text": torch.ones(1, 1)}
        >>> graphs = [GraphBatch.single(x, {}, schema=schema, targets={"label": torch.tensor(i)}) for i in (0, 1)]
        >>> class_groups(GraphBatch.concat(graphs), "label").tolist()
        [0, 1]
    """
    field = graphs.schema.targets.get(target)
    if field is None or field.of is not None or field.shape or field.num_classes is None:
        known = ", ".join(graphs.schema.targets) or "none"
        raise ValueError(f"{target!r} is no target of graphs with one class each; the targets are {known}")
    values = graphs.targets[target].values.to(torch.int64)
    return torch.where(graphs.targets[target].mask, values, -1)


def presence_groups(graphs: GraphBatch) -> Int[Tensor, " graphs"]:
    """A number for the combination of modalities that each graph has: for `balance`.

    Example:
        >>> both = {"text": torch.ones(1, 1), "image": torch.ones(1, 1)}
        >>> text = {"text": torch.ones(1, 1), "image": torch.ones(0, 1)}
        >>> presence_groups(GraphBatch.concat([GraphBatch.single(x, {}) for x in (both, both, text)])).tolist()
        [1, 1, 0]
    """
    there = torch.stack([nodes.counts > 0 for nodes in graphs.nodes.values()], 1)
    return torch.unique(there, dim=0, return_inverse=True)[1]


def balance(groups: Sequence[Int[Tensor, " graphs"]], *, rounds: int = 100) -> Float[Tensor, " graphs"]:
    """Weights for `draw` with which the groups of each grouping come equally often; they add up to 1.

    Several groupings, such as classes and present modalities, are brought into line in turn (iterative proportional
    fitting, Deming and Stephan 1940). Where that cannot be, because some class never lacks the sound for example, the
    last grouping is the one that is equal.

    Args:
        groups: one or more groupings: a number per graph, -1 for a graph that is never drawn.
        rounds: passes over several groupings.

    Raises:
        ValueError: if there is no grouping, or no graph that all of them number.

    Example:
        >>> balance([torch.tensor([0, 0, 1, -1])]).tolist()
        [0.25, 0.25, 0.5, 0.0]
    """
    if not groups:
        raise ValueError("nothing to balance: give at least one grouping, such as class_groups(graphs, target)")
    known = torch.stack([group >= 0 for group in groups]).all(0)
    if not bool(known.any()):
        raise ValueError("no graph has a group in every grouping")
    places = [torch.unique(group[known], return_inverse=True)[1] for group in groups]
    share = torch.ones(len(places[0]), dtype=torch.float64, device=known.device)
    for _ in range(rounds if len(places) > 1 else 1):
        for place in places:
            total = torch.bincount(place, share)
            share = share / (total[place] * len(total))
    weights = torch.zeros(len(known), device=known.device)
    weights[known] = share.float()
    return weights


def draw(
    weights: Float[Tensor, " graphs"], generator: torch.Generator, number: int | None = None
) -> Int[Tensor, " number"]:
    """Graphs drawn by weight, with repeats, in random order: `graphs[draw(weights, generator)]` is an epoch.

    Each graph comes as often as its share says, rounded up or down by chance (systematic sampling), so an epoch is as
    balanced as it can be.

    Args:
        weights: 0 or more for each graph.
        generator: a CPU generator; draw anew in every epoch.
        number: how many graphs; None: as many as there are.

    Raises:
        ValueError: on weights that are negative, not finite or all 0, or a number below 1.

    Example:
        >>> draw(torch.tensor([1.0, 0.0, 3.0]), torch.Generator().manual_seed(0), 4).bincount().tolist()
        [1, 0, 3]
    """
    number = weights.numel() if number is None else number
    total = weights.double().sum()
    if not bool((weights >= 0).all()) or not 0 < float(total) < float("inf"):
        raise ValueError(f"weights are 0 or more, finite, and not all 0, got a sum of {float(total)}")
    if number < 1:
        raise ValueError(f"{number=}: draw at least 1 graph")
    # Shuffled first, so that chance does not join graphs that stand side by side.
    order = torch.randperm(weights.numel(), generator=generator)
    borders = (weights.cpu().double()[order] / total.cpu()).cumsum(0)
    places = (torch.arange(number).double() + torch.rand(1, generator=generator).double()) / number
    # The last border is 1 but for rounding; beyond it stands the last graph with a weight.
    drawn = torch.searchsorted(borders, places * borders[-1], right=True)
    drawn = drawn.clamp(max=int(torch.nonzero(weights.cpu()[order])[-1]))
    return order[drawn][torch.randperm(number, generator=generator)].to(weights.device)
