r"""MM-DFN: the graph of MMGCN, with other weights across modalities.

::

    text     t0 ======= t1 ======= t2          = all with all, both ways
              | \         | \         | \
    audio    a0 |====== a1 |====== a2 |         | \ the same utterance: relations of their own,
              | /         | /         | /           with weights of their own
    visual   v0 ======= v1 ======= v2

The same three nodes per utterance and the same edges as in `mmgcn`. What differs is the model: between its layers a
gate decides dynamically what each node keeps, and edges across modalities may be weighted differently from those within
one. For the latter they are relations of their own here, so a layer can be given another weight for them
(`edge_weight`) or learns it.

Source: Hu et al., MM-DFN: Multimodal Dynamic Fusion Network for Emotion Recognition in Conversations, ICASSP 2022,
arXiv 2203.02385. Its layers are GCNII with a recurrent gate around them.

Print the graph of a small conversation with ``python -m mmgraph.graphs.mm_dfn``.
"""

import sys

from torch import nn

from mmgraph.graph import GraphSchema, describe
from mmgraph.graphs.mmgcn import build, sample
from mmgraph.nn import GCN2Conv

__all__ = ["build", "conv", "sample"]


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A layer of the kind that the paper stacks, with its share of the first features."""
    return GCN2Conv(schema, channels, channels, alpha=0.2)


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
