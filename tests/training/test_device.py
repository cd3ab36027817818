"""Names of devices."""

import pytest
import torch

from mmgraph.training.device import resolve_device


def test_auto_is_cuda_only_where_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_cpu_has_one_name() -> None:
    assert resolve_device("cpu") == resolve_device("cpu:0") == resolve_device(torch.device("cpu"))


@pytest.mark.parametrize("name", ["gpu", "mps", "", "cuda:x"])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not one of auto, cpu, cuda"):
        resolve_device(name)


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match=r"device='cuda:99': torch sees \d+ CUDA devices here"):
        resolve_device("cuda:99")
