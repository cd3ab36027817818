"""Complete: everything with everything, within and across modalities: a transformer's graph, as a control.

::

    regions, words, frames:   o <--> o   for every two nodes of a sample, a relation per pair of modalities

If a graph with structure does no better than this one, the structure did not help; its edges grow with the square of
the nodes. Positions are attributes of the nodes, as in the other recipes.

Source: attention of all with all is that of Vaswani et al., Attention Is All You Need, NeurIPS 2017,
arXiv 1706.03762.

Print the graph of a small sample with ``python -m mmgraph.graphs.complete``.
"""

import sys

from torch import nn

from mmgraph.features import LogMel, Patches, Words
from mmgraph.graph import Field, GraphSchema, describe
from mmgraph.graphs.spoken_grid import MODALITIES, sample
from mmgraph.nn import TransformerConv
from mmgraph.relations import Complete, GraphBuilder

__all__ = ["build", "conv", "sample"]


def build(*, size: int = 4, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary and the loudness of the mel bands.

    Args:
        size: pixels of a region, in both directions.
        num_classes: answers.

    Example:
        >>> build().fit([sample()])([sample()]).num_edges == 32 * 32
        True
    """
    return GraphBuilder(
        nodes={"image": Patches(size), "text": Words(), "audio": LogMel(8000, stack=4)},
        relations={(src, "with", dst): Complete(loops=True) for src in MODALITIES for dst in MODALITIES},
        targets={"answer": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Dot-product attention, one softmax over all relations: a transformer with matrices per relation."""
    return TransformerConv(schema, channels, channels // 4, heads=4, scope="node")


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
