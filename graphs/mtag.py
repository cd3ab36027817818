"""MTAG: three streams that are not aligned, connected by what is past, now and future.

A node per time step of text, sound and face. Within a stream each step knows its neighbours; between streams of other
rates the shorter one is laid over the longer one, and each of its steps has a window there::

    text      w0            w1            w2
            [ f0  f1  f2 ][ f3  f4  f5 ][ f6  f7 ]         now for w1: f3 f4 f5
    audio     f0  f1  f2    f3  f4  f5    f6  f7           past: f0 f1 f2, future: f6 f7

27 relations: 3 within each stream, 6 between each two. One softmax spans all edges into a node, which makes weights of
different relations comparable; the paper then drops the weakest edges (`AttentionPruning`).

Source: Yang et al., MTAG: Modal-Temporal Attention Graph for Unaligned Human Multimodal Language Sequences, NAACL 2021,
arXiv 2010.11985. Its layer is `MTGATConv`.

Print the graph of a small sample with ``python -m mmgraph.graphs.mtag``.
"""

import sys
from typing import Any

import numpy as np
from torch import nn

from mmgraph.features import Features
from mmgraph.graph import Field, GraphSchema, Relation, describe
from mmgraph.nn import MTGATConv
from mmgraph.relations import GraphBuilder, Rule, alignment_relations, window_relations

__all__ = ["build", "conv", "sample"]

CHANNELS = {"text": 300, "audio": 5, "visual": 20}


def build(*, reach: int = 1, factor: int = 2, num_outputs: int = 1) -> GraphBuilder:
    """The builder of MTAG's graphs; `.fit(train)` learns mean and deviation of the columns.

    Args:
        reach: steps before and after each one that it knows in its own stream.
        factor: how often a step of the longer stream is seen by the shorter one.
        num_outputs: numbers to predict, such as the sentiment.

    Example:
        >>> graph = build().fit([sample()])([sample()])
        >>> len(graph.schema.relations), graph.nodes["audio"].num_nodes
        (27, 14)
    """
    rules: dict[Relation, Rule] = {}
    for modality in CHANNELS:
        rules |= window_relations(modality, past=reach, future=reach)
    for src, dst in (("text", "audio"), ("text", "visual"), ("audio", "visual")):
        rules |= alignment_relations(src, dst, factor=factor)
    return GraphBuilder(
        nodes={name: Features(channels, standardise=True) for name, channels in CHANNELS.items()},
        relations=rules,
        targets={"sentiment": Field("float32", (num_outputs,))},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """The paper's layer."""
    return MTGATConv(schema, channels, channels // 4, heads=4)


def sample() -> dict[str, Any]:
    """Five words, fourteen steps of sound, nine of a face.

    Example:
        >>> {name: sample()[name].shape for name in ("text", "audio", "visual")}
        {'text': (5, 300), 'audio': (14, 5), 'visual': (9, 20)}
    """
    draw = np.random.default_rng(0)
    steps = {"text": 5, "audio": 14, "visual": 9}
    tables = {name: draw.normal(size=(steps[name], size)).astype(np.float32) for name, size in CHANNELS.items()}
    return {"id": "clip", **tables, "sentiment": [0.5]}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
