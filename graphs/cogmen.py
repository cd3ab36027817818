"""COGMEN: utterances with all their modalities side by side, connected by speaker and time.

One node per utterance holds the features of text, sound and face together; a missing part is zeros. So attention
shows which utterance mattered, never which modality. Relations are those of `dialogue_gcn` over five places::

              u0 [text|audio|visual]  --past_1_2-->  u1 [text|audio|visual]
              u0                      <-future_2_1-  u1

Source: Joshi et al., COGMEN: COntextualized GNN based Multimodal Emotion recognitioN, NAACL 2022, arXiv 2205.02455. An
RGCN is followed by a graph transformer, which is the layer given here.

Print the graph of a small conversation with ``python -m mmgraph.graphs.cogmen``.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from mmgraph.features import Utterances
from mmgraph.graph import Field, GraphSchema, NodeSet, describe
from mmgraph.graphs.mmgcn import MODALITIES
from mmgraph.graphs.mmgcn import sample as conversation
from mmgraph.nn import TransformerConv
from mmgraph.relations import GraphBuilder, Window, speaker_relations

__all__ = ["JoinedUtterances", "build", "conv", "sample"]


@dataclass(frozen=True)
class JoinedUtterances:
    """One node per utterance: hashed words, then the columns of its other features, zeros where there are none.

    A raw input maps "text" to a list as for `Utterances`, and the names of `columns` to tables with a row per
    utterance; a table that is None, or ends early, is filled up with zeros.

    Args:
        text: makes the nodes, their speakers and their first features.
        columns: how many columns each other table has.
    """

    text: Utterances
    columns: Mapping[str, int]

    @property
    def channels(self) -> int:
        """Of all parts together."""
        return self.text.channels + sum(self.columns.values())

    @property
    def attributes(self) -> Mapping[str, Field]:
        """Those of the utterances."""
        return self.text.attributes

    def fit(self, raws: Iterable[Mapping[str, Any]]) -> "JoinedUtterances":
        """Learns the speakers."""
        return replace(self, text=self.text.fit(raw["text"] for raw in raws))

    def __call__(self, raws: Sequence[Mapping[str, Any] | None]) -> NodeSet:
        """The nodes of each conversation."""
        nodes = self.text([None if raw is None else raw["text"] for raw in raws])
        parts = [nodes.x]
        for name, width in self.columns.items():
            rows = torch.zeros(nodes.num_nodes, width)
            for start, raw in zip(nodes.ptr.tolist(), raws, strict=False):
                table = None if raw is None else raw.get(name)
                if table is not None:
                    rows[start : start + len(table)] = torch.as_tensor(table, dtype=torch.float32)
            parts.append(rows)
        return NodeSet(torch.cat(parts, 1), nodes.ptr, nodes.attributes)


def build(
    *, speakers: int = 2, reach: int = 5, channels: int = 32, columns: int = 32, num_classes: int = 6
) -> GraphBuilder:
    """The builder of a conversation's graph; `.fit(train)` learns who speaks.

    Args:
        speakers: how many people speak, in all conversations together.
        reach: utterances before and after each one that it hears.
        channels: that the words of an utterance are hashed to.
        columns: of the audio and of the visual features.
        num_classes: emotions, one target per conversation.

    Example:
        >>> build().fit([sample()])([sample()]).nodes["utterance"].x.shape
        torch.Size([4, 96])
    """
    nodes = JoinedUtterances(Utterances(channels), {"audio": columns, "visual": columns})
    return GraphBuilder(
        nodes={"utterance": nodes},
        relations=speaker_relations(
            "utterance", range(1, speakers + 1), past=Window(reach, -1), future=Window(0, reach)
        ),
        targets={"emotion": Field("int64", num_classes=num_classes)},
    )


def conv(schema: GraphSchema, channels: int) -> nn.Module:
    """A layer of the kind that the paper ends with."""
    return TransformerConv(schema, channels, channels // 4, heads=4)


def sample() -> dict[str, Any]:
    """The conversation of `mmgcn`, its modalities under one key.

    Example:
        >>> sorted(sample()["utterance"])
        ['audio', 'text', 'visual']
    """
    raw = conversation()
    parts = {name: raw[name] for name in MODALITIES}
    return {"id": raw["id"], "utterance": parts, "emotion": raw["emotion"]}


def main() -> None:
    """Print the graph of the sample."""
    raw = sample()
    sys.stdout.write(describe(build().fit([raw])([raw])) + "\n")


if __name__ == "__main__":
    main()
