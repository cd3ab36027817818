import math

import pytest
import torch

from mmgraph.explain import Estimate


def test_the_interval_holds_the_mean_and_narrows_with_more_graphs():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    few, many = Estimate.of(values[:20]), Estimate.of(values)
    for found, given in ((few, values[:20]), (many, values)):
        assert found.low < found.mean < found.high and found.mean == pytest.approx(float(given.mean()))
    assert many.high - many.low < few.high - few.low
    # The bootstrap's standard error is that of a mean.
    assert many.high - many.low == pytest.approx(2 * 1.96 * float(values.std()) / 20, rel=0.1)


def test_graphs_that_do_not_count_are_left_out():
    found = Estimate.of(torch.tensor([1.0, torch.nan, 3.0]))
    assert (found.mean, found.num_graphs) == (2.0, 2)
    nothing = Estimate.of(torch.tensor([torch.nan]))
    assert math.isnan(nothing.mean) and nothing.num_graphs == 0 and str(nothing) == "-"


def test_differences_are_paired():
    noise = torch.randn(50, generator=torch.Generator().manual_seed(1))
    found = Estimate.of(noise + 0.5).minus(Estimate.of(noise))
    assert found.mean == pytest.approx(0.5) and found.high - found.low < 1e-6


def test_what_cannot_be_estimated_is_refused():
    with pytest.raises(ValueError, match="confidence=1 lies between 0 and 1"):
        Estimate.of(torch.ones(2), confidence=1)
    with pytest.raises(ValueError, match="resamples=0 is at least 1"):
        Estimate.of(torch.ones(2), resamples=0)
    with pytest.raises(ValueError, match="2 and 3 graphs: measure both on the same ones"):
        Estimate.of(torch.ones(2)).minus(Estimate.of(torch.ones(3)))
