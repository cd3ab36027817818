"""`Speakers`: edges between utterances of given speakers; `speaker_relations`: one relation per pair of speakers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.edge_sets import keep_edges, rows_of
from mmgraph.relations.pairs import needed
from mmgraph.relations.rule import Rule


@dataclass(frozen=True)
class Speakers:
    """Keeps those edges of a rule whose two ends are of given speakers.

    What reaches utterance 3, which Bob says, of a window over the two before it::

        speaker      Ann  Ann  Bob  Bob         "same":             2 --> 3
        utterance     0    1    2    3          "other":            1 --> 3
                                                (Ann, Bob):         1 --> 3, from Ann to Bob

    Speakers are whole numbers; whoever is unknown and has a number too (0 in `Utterances`) counts as a speaker.

    Args:
        within: the rule whose edges are kept; features stay with them.
        who: "same" speaker at both ends, an "other" one, or (number of the source's, number of the destination's).
        attribute: where the numbers stand.

    Raises:
        ValueError: on another word for `who`; when called, if nodes do not have the attribute.

    Example:
        >>> import torch
        >>> from mmgraph.relations import Window
        >>> talk = NodeSet.of([torch.zeros(4, 1)], speaker=[torch.tensor([1, 1, 2, 2])])
        >>> for who in ("same", "other", (1, 2)):
        ...     edges = Speakers(Window(2, -1), who)(talk, talk)
        ...     print(who, list(zip(edges.src.tolist(), edges.dst.tolist())))
        same [(0, 1), (2, 3)]
        other [(0, 2), (1, 2), (1, 3)]
        (1, 2) [(0, 2), (1, 2), (1, 3)]
    """

    within: Rule
    who: Literal["same", "other"] | tuple[int, int]
    attribute: str = "speaker"

    def __post_init__(self) -> None:
        if self.who in ("same", "other"):
            return
        if isinstance(self.who, str) or len(self.who) != 2:
            raise ValueError(f"who={self.who!r} is 'same', 'other', or the numbers of two speakers, such as (1, 2)")
        object.__setattr__(self, "who", tuple(self.who))

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the edge features, those of `within`."""
        return self.within.feature_names

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst` within a modality."""
        theirs, own = needed(self, src, self.attribute), needed(self, dst, self.attribute)
        edges = self.within(src, dst)
        src_row, dst_row = rows_of(edges, src, dst)
        speaker, hearer = theirs[src_row], own[dst_row]
        if isinstance(self.who, str):
            return keep_edges(edges, speaker == hearer if self.who == "same" else speaker != hearer)
        return keep_edges(edges, (speaker == self.who[0]) & (hearer == self.who[1]))


def speaker_relations(modality: str, speakers: Iterable[int], **rules: Rule) -> dict[Relation, Speakers]:
    """One relation for each named rule and each ordered pair of speakers, as in DialogueGCN and COGMEN.

    Args:
        modality: whose nodes are the utterances, with an attribute `speaker`.
        speakers: their numbers.
        rules: rules by name; DialogueGCN and COGMEN take the past, and the utterance itself with the future.

    Example:
        >>> from mmgraph.relations import Window
        >>> relations = speaker_relations("text", (1, 2), past=Window(10, -1), future=Window(0, 10))
        >>> [name for _, name, _ in relations]
        ['past_1_1', 'past_1_2', 'past_2_1', 'past_2_2', 'future_1_1', 'future_1_2', 'future_2_1', 'future_2_2']
        >>> relations["text", "past_1_2", "text"]
        Speakers(within=Window(past=10, future=-1, loops=True), who=(1, 2), attribute='speaker')
    """
    numbers = tuple(speakers)
    return {
        (modality, f"{name}_{a}_{b}", modality): Speakers(rule, (a, b))
        for name, rule in rules.items()
        for a in numbers
        for b in numbers
    }
