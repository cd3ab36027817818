"""Modality-by-modality attention of every layer and head."""

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from mmgraph.explain import ModalityAttention, modality_attention
from mmgraph.viz import draw_heads


def attention(heads: tuple[int, ...] = (2, 3), size: int = 3) -> ModalityAttention:
    generator = torch.Generator().manual_seed(0)
    layers = tuple(torch.randn(5, h, size, size, generator=generator).softmax(-1) for h in heads)
    names = tuple(f"layer {i}" for i in range(len(heads)))
    return ModalityAttention(tuple("abcdefgh"[:size]), names, layers, None)


@pytest.mark.parametrize("graph", [None, 0, 4])
def test_every_layer_and_head_has_its_matrix_at_its_place(graph):
    found = attention()
    images = draw_heads(found, graph=graph).images
    assert len(images) == 5
    drawn = iter(images)
    for y, heads in enumerate((2, 3)):
        for x in range(heads):
            picture = next(drawn)
            matrix = found.mean(y)[x] if graph is None else found.layer(y)[graph, x]
            assert np.allclose(np.asarray(picture.get_array()), matrix)
            assert list(picture.get_extent()) == [3.5 * x, 3.5 * x + 3, 3.5 * y + 3, 3.5 * y]
            assert (picture.norm.vmin, picture.norm.vmax) == (0, 1)


def test_shares_are_written_in_their_cells():
    found = attention()
    texts = {text.get_position(): text.get_text() for text in draw_heads(found).texts}
    assert texts[2.5, 0.5] == f"{float(found.mean(0)[0, 0, 2]):.2f}"[1:]
    assert texts[3.5 + 0.5, 3.5 + 1.5] == f"{float(found.mean(1)[1, 1, 0]):.2f}"[1:]


def test_layers_heads_and_modalities_are_named():
    ax = draw_heads(attention())
    texts = [text.get_text() for text in ax.texts]
    assert {"head 1", "head 2", "head 3", "layer 1\nlayer 0", "layer 2\nlayer 1"} < set(texts)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]


def test_where_cells_are_small_a_bar_says_what_a_shade_is():
    ax = draw_heads(attention((8, 8, 8), 6))
    assert not any(text.get_text().startswith(".") for text in ax.texts)
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_xlabel() == "share of the attention" and bar.get_xlim() == (0, 1)
    assert len(draw_heads(attention()).figure.axes) == 1


def test_a_row_that_nothing_enters_stays_empty():
    found = attention()
    found.heads[0][:, :, 1] = torch.nan
    ax = draw_heads(found)
    ax.figure.draw_without_rendering()
    assert not {(x + 0.5, 1.5) for x in range(3)} & {text.get_position() for text in ax.texts}


def test_a_given_axes_is_used_and_a_record_can_be_drawn(sample, record):
    _, graph = sample()
    ax = Figure().subplots()
    assert draw_heads(modality_attention(record(graph)), ax) is ax
    assert len(ax.images) == 2


def test_what_is_not_there_is_refused():
    with pytest.raises(ValueError, match="no graph 5: the attention is of 5"):
        draw_heads(attention(), graph=5)
    with pytest.raises(ValueError, match="the attention has no layer"):
        draw_heads(ModalityAttention(("a",), (), (), None))
