"""What every figure of the room's door must have."""

import inspect

import pytest

import mmgraph.viz

FIGURES = [name for name in mmgraph.viz.__all__ if name.startswith("draw_")]


@pytest.mark.parametrize("name", [*FIGURES, "page"])
def test_it_says_what_it_does_not_show(name):
    assert "    Does not show: " in inspect.getdoc(getattr(mmgraph.viz, name)).replace("\n", "\n    ")


@pytest.mark.parametrize("name", FIGURES)
def test_it_takes_data_first_and_a_place_to_draw_as_an_option(name):
    parameters = inspect.signature(getattr(mmgraph.viz, name)).parameters
    places = [parameter for key, parameter in parameters.items() if key in ("ax", "fig")]
    assert len(places) == 1 and places[0].default is None
    assert next(iter(parameters)) not in ("ax", "fig")
