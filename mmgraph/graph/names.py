"""Names under which other containers keep what a batch holds."""

from collections.abc import Iterable

from mmgraph.graph.schema import GraphSchema

MASK = "_mask"
"""What the name of a target's mask adds to the name of the target."""


def target_names(schema: GraphSchema, of: str | None) -> list[str]:
    """Names of the targets of a graph (None) or of a modality's nodes, and of their masks.

    Example:
        >>> from mmgraph.graph import Field
        >>> target_names(GraphSchema({"text": 1}, targets={"y": Field()}), None)
        ['y', 'y_mask']
    """
    return [name + end for name, field in schema.targets.items() if field.of == of for end in ("", MASK)]


def require_unique(names: Iterable[str], holder: str, where: str) -> None:
    """Raises ValueError, naming it, if a name stands there twice: `holder` has one place for each.

    Example:
        >>> require_unique(["x", "span"], "HeteroData", "modality 'text'")
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(
                f"{holder} cannot hold {name!r} of {where}: it keeps something else under this name; rename it"
            )
        seen.add(name)
