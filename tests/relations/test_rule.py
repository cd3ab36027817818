"""What rules refuse with one voice."""

import pytest

from mmgraph.relations import Nearest, SelfLoops, Symmetric, Syntax, Window
from tests.relations.tiny import graph


def test_a_rule_within_a_modality_refuses_two_and_says_what_to_take() -> None:
    with pytest.raises(ValueError, match=r"Syntax\(to='head'.*connects nodes of one modality; take Pointers where"):
        Syntax()(graph(1, head=[-1]), graph(1, head=[-1]))
    with pytest.raises(ValueError, match=r"SelfLoops.*connects nodes of one modality; a loop needs both ends"):
        SelfLoops(Window(1, 1))(graph(1), graph(1))


@pytest.mark.parametrize("rule", [Symmetric, SelfLoops])
def test_a_rule_that_adds_edges_refuses_features_and_says_what_to_do(rule: type[Symmetric]) -> None:
    with pytest.raises(
        ValueError, match=rf"{rule.__name__} adds .*lack the edge features distance: .*Measured\({rule.__name__}"
    ):
        rule(Nearest(1, features=("distance",)))
