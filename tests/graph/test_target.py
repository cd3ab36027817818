import pickle

import torch

from mmgraph.graph import Target


def test_values_without_a_mask_are_all_known() -> None:
    target = Target.of(torch.tensor([1, 2]))
    assert target.mask.tolist() == [True, True]
    assert Target.of(target) is target


def test_rows_are_taken_cut_and_joined_with_their_mask() -> None:
    target = Target(torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([True, False, True]))
    taken = target.take(torch.tensor([2, 1, 1]))
    assert taken.values[:, 0].tolist() == [3, 2, 2]
    assert taken.mask.tolist() == [True, False, False]
    whole = Target.concat([target.narrow(slice(0, 1)), target.narrow(slice(1, 3))])
    assert whole.values.equal(target.values)
    assert whole.mask.equal(target.mask)
    assert target.map(lambda tensor: tensor[:1]).mask.tolist() == [True]


def test_pickling_keeps_values_and_mask_but_not_what_a_view_looks_into() -> None:
    target = Target(torch.arange(10_000)[:2], torch.ones(10_000, dtype=torch.bool)[:2])
    data = pickle.dumps(target)
    assert len(data) < 2_000
    assert pickle.loads(data).values.tolist() == [0, 1]
