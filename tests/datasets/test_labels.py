"""Labels of a manifest."""

from pathlib import Path

import pytest

from mmgraph.datasets.labels import read_labels
from mmgraph.datasets.manifest import Row


def column(*cells):
    return [Row(line, {"y": cell}) for line, cell in enumerate(cells, 2)]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (("3", None, "-1"), [3, None, -1]),
        ((3, True), [3, 1]),
        (("0.5", "2"), [0.5, 2.0]),
        ((1, 2.5), [1.0, 2.5]),
        (("no", None, "yes", "no"), [0, None, 1, 0]),
        (("1_0", "2"), [0, 1]),
    ],
)
def test_the_kind_of_a_column_is_that_of_all_its_cells(cells, values):
    rows = column(*cells)
    labels = read_labels(Path("m.csv"), rows, "y")
    found = [labels.value(row) for row in rows]
    assert found == values and [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ((None, None), "m.csv has no label in column 'y'"),
        (("1.5", "nan"), "line 3: y 'nan' is no number to learn"),
        (("inf",), "line 2: y 'inf' is no number"),
        ((2**70,), "line 2: y 1180591620717411303424 is no number"),
        ((1, "cat"), "line 2: y 1 is no name"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(cells, message):
    with pytest.raises(ValueError, match=message):
        read_labels(Path("m.csv"), column(*cells), "y")
