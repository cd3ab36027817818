"""Which back-end runs: by device, by `with`, and what is said where it cannot."""

import re
import sys

import pytest
import torch

from mmgraph.ops import available_backends, backend, current_backend
from mmgraph.ops.backend import BACKENDS

CPU = torch.device("cpu")


def test_the_reference_runs_everywhere() -> None:
    assert BACKENDS[0] == available_backends()[0] == "reference"
    assert set(available_backends()) <= set(BACKENDS)


def test_numba_is_the_default_on_the_cpu() -> None:
    assert current_backend(CPU) == "numba"


def test_plain_torch_stands_in_where_numba_and_triton_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["mmgraph.ops.backend"], "_AVAILABLE", ("reference", "torch"))
    assert current_backend(CPU) == current_backend(torch.device("cuda")) == "torch"
    with pytest.raises(ValueError, match="back-end 'numba' is not installed here: pip install numba"), backend("numba"):
        pass


def test_choices_nest_and_end_with_their_block() -> None:
    with backend("reference"):
        assert current_backend(CPU) == "reference"
        with backend("numba"):
            assert current_backend(CPU) == "numba"
        assert current_backend(CPU) == "reference"
    assert current_backend(CPU) == "numba"


def test_a_choice_ends_with_an_error_too() -> None:
    with pytest.raises(KeyError), backend("reference"):
        raise KeyError
    assert current_backend(CPU) == "numba"


def test_an_unknown_back_end_is_named() -> None:
    message = f"unknown back-end 'cuda'; there are {', '.join(BACKENDS)}"
    with pytest.raises(ValueError, match=re.escape(message)), backend("cuda"):
        pass


def test_numba_refuses_other_devices() -> None:
    with backend("numba"), pytest.raises(ValueError, match="'numba' runs on the CPU only, the tensors are on cuda:1"):
        current_backend(torch.device("cuda", 1))


def test_triton_is_the_default_on_a_gpu_and_needs_its_interpreter_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["mmgraph.ops.backend"], "_AVAILABLE", BACKENDS)
    assert current_backend(torch.device("cuda", 0)) == "triton"
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    with backend("triton"):
        assert current_backend(CPU) == "triton"
        monkeypatch.delenv("TRITON_INTERPRET")
        with pytest.raises(
            ValueError, match="'triton' runs on a CPU only in its interpreter: start with TRITON_INTERPRET=1"
        ):
            current_backend(CPU)


def test_on_other_devices_plain_torch_runs() -> None:
    assert current_backend(torch.device("mps")) == "torch"
