"""`Syntax`: words and their heads; `syntax_relations`: one relation upwards, one downwards."""

from dataclasses import dataclass
from typing import Literal

from mmgraph.graph import EdgeList, NodeSet, Relation
from mmgraph.relations.edge_sets import edges_of_keys
from mmgraph.relations.pairs import pair_keys
from mmgraph.relations.pointers import named_rows
from mmgraph.relations.rule import refuse_across


@dataclass(frozen=True)
class Syntax:
    """Connects words of a sentence along its dependency tree, between each word and its head.

    Edges of `Syntax("head")`, which bring a word what depends on it; `Syntax("dependent")` turns them round::

             +------> barks          place   word    head
             |          ^              0     The       1
        The -+-> dog ---+              1     dog       2
                                       2     barks    -1, the root

    The front end `ParsedWords` writes such heads; another parser can, as an attribute of the tokens: a place per token,
    counted from 0 within the sample; -1 for roots and for tokens that were not parsed.

    Args:
        to: what the edges lead to: the "head" of each word, or from the head to its "dependent"s.
        attribute: where the heads stand.

    Raises:
        ValueError: on another `to`; when called, as `Pointers` does, or across modalities.

    Example:
        >>> import torch
        >>> words = NodeSet.of([torch.zeros(3, 1)], head=[torch.tensor([1, 2, -1])])
        >>> up, down = Syntax("head")(words, words), Syntax("dependent")(words, words)
        >>> list(zip(up.src.tolist(), up.dst.tolist())), list(zip(down.src.tolist(), down.dst.tolist()))
        ([(0, 1), (1, 2)], [(1, 0), (2, 1)])
    """

    to: Literal["head", "dependent"] = "head"
    attribute: str = "head"

    def __post_init__(self) -> None:
        if self.to not in ("head", "dependent"):
            raise ValueError(f"to={self.to!r} is neither 'head' nor 'dependent'")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """No edge features."""
        return ()

    def __call__(self, src: NodeSet, dst: NodeSet) -> EdgeList:
        """The edges; `src is dst`."""
        refuse_across(self, src, dst, "take Pointers where an attribute names nodes of another one")
        word, head, _ = named_rows(self, dst, dst, self.attribute)
        return edges_of_keys(src, dst, pair_keys(src, word, head) if self.to == "head" else pair_keys(src, head, word))


def syntax_relations(modality: str, attribute: str = "head") -> dict[Relation, Syntax]:
    """A relation from words to their heads and one back, so that a conv learns the two directions apart.

    Args:
        modality: whose nodes are the words.
        attribute: where the heads stand.

    Example:
        >>> list(syntax_relations("text"))
        [('text', 'head', 'text'), ('text', 'dependent', 'text')]
    """
    return {
        (modality, "head", modality): Syntax("head", attribute),
        (modality, "dependent", modality): Syntax("dependent", attribute),
    }
