"""`Rule`: what every relation rule promises."""

from typing import Protocol

from mmgraph.graph import EdgeList, NodeSet


class Rule(Protocol):
    """Says which nodes of a graph are connected."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, () without."""

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """Edges from `src` to `dst` in every graph, sorted by (graph, destination); `src is dst` within a modality."""


def refuse_across(rule: Rule, src: NodeSet, dst: NodeSet, cure: str) -> None:
    """Raises ValueError, naming `rule`, unless both ends are the same modality."""
    if src is not dst:
        raise ValueError(f"{rule} connects nodes of one modality; {cure}")


def refuse_features(rule: Rule, given: Rule, why: str) -> None:
    """Raises ValueError if `given` has edge features, which `rule` could not give to the edges that it adds."""
    if given.feature_names:
        raise ValueError(
            f"{type(rule).__name__} {why}, which would lack the edge features {', '.join(given.feature_names)}: "
            f"leave them out of {given} and measure them afterwards, Measured({type(rule).__name__}(...), features)"
        )
