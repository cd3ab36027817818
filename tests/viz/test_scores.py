import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from mmgraph.viz import draw_missing, draw_robustness

NAMES = ("image", "text")
MISSING = {
    "A": {("text",): [0.5, 0.7], ("image",): [0.4], ("image", "text"): [0.9, 0.8]},
    "B": {("text", "image"): [0.6]},
}
NOISE = {"A": {0.5: [0.5, 0.7], 0.0: [0.8, 1.0]}, "B": {0.0: [0.3]}}


def lines(ax) -> dict[str, np.ndarray]:
    return {line.get_label(): np.array(line.get_xydata()) for line in ax.lines if not line.get_label().startswith("_")}


def test_columns_hold_means_the_most_modalities_first():
    drawn = lines(draw_missing(MISSING, NAMES, metric="accuracy"))
    assert drawn["A"][:, 1].tolist() == pytest.approx([0.85, 0.4, 0.6])  # both, image, text
    assert np.round(drawn["A"][:, 0]).tolist() == [0, 1, 2]
    assert drawn["B"][:, 1].tolist() == [0.6] and round(float(drawn["B"][0, 0])) == 0
    assert drawn["A"][0, 0] < drawn["B"][0, 0]  # beside each other


def test_seeds_stand_beside_their_mean():
    ax = draw_missing(MISSING, NAMES, metric="accuracy")
    (seeds,) = [line for line in ax.lines if line.get_label() == "_seeds"]
    assert sorted(seeds.get_ydata()) == [0.5, 0.7, 0.8, 0.9]  # a single seed is its mean


def test_filled_dots_say_what_is_there():
    ax = draw_missing(MISSING, NAMES, metric="accuracy")
    dots = {c.get_gid(): [float(x) for x in np.asarray(c.get_offsets())[:, 0]] for c in ax.collections if c.get_gid()}
    assert dots == {"present image": [0, 1], "missing image": [2], "present text": [0, 2], "missing text": [1]}
    assert [text.get_text() for text in ax.texts] == ["image", "text"]
    rows = {float(np.asarray(c.get_offsets())[0, 1]) for c in ax.collections if c.get_gid()}
    assert len(rows) == 2 and max(rows) < 0  # below the axes


def test_robustness_is_a_line_of_means_in_a_band_of_seeds():
    ax = draw_robustness(NOISE, metric="accuracy", disturbance="noise", chance=0.1)
    drawn = lines(ax)
    assert drawn["A"].tolist() == [pytest.approx([0, 0.9]), pytest.approx([0.5, 0.6])]
    band = next(c for c in ax.collections if isinstance(c, PolyCollection)).get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (0.5, 1.0)
    assert drawn["chance"][:, 1].tolist() == [0.1, 0.1] and ax.get_xlabel() == "noise"


@pytest.mark.parametrize("which", ["missing", "robustness"])
def test_models_differ_in_colour_and_mark(which):
    ax = Figure().subplots()
    if which == "missing":
        assert draw_missing(MISSING, NAMES, ax, metric="macro_f1") is ax
    else:
        assert draw_robustness(NOISE, ax, metric="macro_f1", disturbance="noise") is ax
    a, b = (next(line for line in ax.lines if line.get_label() == name) for name in "AB")
    assert a.get_color() != b.get_color() and a.get_marker() != b.get_marker()
    assert ax.get_ylabel() == "macro f1"


def test_settings_stay_as_they_are():
    settings = dict(matplotlib.rcParams)
    draw_missing(MISSING, NAMES, metric="accuracy", chance=0.5).figure.draw_without_rendering()
    draw_robustness(NOISE, metric="accuracy", disturbance="$x$").figure.draw_without_rendering()
    assert dict(matplotlib.rcParams) == settings


def test_what_holds_no_score_is_refused():
    with pytest.raises(ValueError, match="no score to draw"):
        draw_missing({"A": {}}, NAMES, metric="accuracy")
    with pytest.raises(ValueError, match="no score to draw"):
        draw_robustness({}, metric="accuracy", disturbance="noise")
    with pytest.raises(ValueError, match=r"model 'A' has no value for 0\.5"):
        draw_robustness({"A": {0.5: []}}, metric="accuracy", disturbance="noise")
    with pytest.raises(ValueError, match=r"a score is of modality 'smell'; there are \['image', 'text'\]"):
        draw_missing({"A": {("smell",): [0.5]}}, NAMES, metric="accuracy")
