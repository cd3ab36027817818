r"""Fusion bottleneck: modalities hear of each other only through a few shared nodes.

::

    image regions ==all==          ==all== words
                   \  [b0]  //
                    =  [b1]  =
                   //  [b2]  \
                 frames ==all==         b: fusion nodes, which start as learned vectors

Within a modality everything is connected. Across, a graph of n nodes needs n x bottlenecks edges instead of n^2, and
what the bottleneck lets through is what the modalities share.

Source: Nagrani et al., Attention Bottlenecks for Multimodal Fusion, NeurIPS 2021, arXiv 2107.00135.

Print the graph of a small sample with ``python -m mmgraph.graphs.bottleneck``.
"""

import sys

from torch import nn

from mmgraph.features import LogMel, Patches, Words
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.graphs.spoken_grid import MODALITIES, sample
from mmgraph.nn import TransformerConv
from mmgraph.relations import Complete, GlobalNodes, GraphBuilder, Rule, star_relations

__all__ = ["build", "conv", "sample"]


def build(*, bottlenecks: int = 4, size: int = 4, num_classes: int = 10) -> GraphBuilder:
    """The builder of the graphs; `.fit(train)` learns the vocabulary and the loudness of the mel bands.

    Args:
        bottlenecks: shared nodes per graph.
        size: pixels of a region, in both directions.
        num_classes: answers.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> graph.nodes["fusion"].num_nodes, graph.relation(("image", "to", "fusion")).num_edges
        (4, 64)
    """
    within: dict[Relation, Rule] = {(m, "all", m): Complete() for m in MODALITIES}
    return GraphBuilder(
        nodes={"image": Patches(size), "text": Words(), "audio": LogMel(8000, stack=4)},
        extra={"fusion": GlobalNodes(bottlenecks)},
        relations=within | star_relations("fusion", MODALITIES),
        targets={"answer": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """Dot-product attention, one softmax over all relations."""
    return TransformerConv(schema, channels, channels // 4, heads=4, scope="node")


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
