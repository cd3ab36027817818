"""The exponential of the CPU kernels, which is their own."""

from typing import Any, no_type_check

import numpy as np
import pytest
from numba import njit, types
from numba.extending import intrinsic

from mmgraph.ops.numba_kernels.common import Array
from mmgraph.ops.numba_kernels.exponential import exp
from mmgraph.ops.numba_kernels.lanes import loop


@intrinsic
@no_type_check
def replace_by_exponentials(typing_context: Any, row: Any, count: Any, like: Any) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def body(parts: Any, at: Any) -> None:
            row = builder.add(arguments[0], at)
            parts[0].store(exp(parts[0], parts[0].load(row)), row)

        loop(builder, context.get_data_type(like), arguments[1], body)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, like), emit


@njit
def exponentials(x: Array) -> Array:
    out = x.copy()
    replace_by_exponentials(np.int64(out.ctypes.data), np.int64(out.size), out.dtype.type(0))
    return out


@pytest.mark.parametrize(("dtype", "lowest"), [(np.float64, -708.0), (np.float32, -87.0)])
def test_exp_is_within_two_units_in_the_last_place(dtype: type, lowest: float) -> None:
    """In vectors and in the rest that does not fill one."""
    x: Array = np.concatenate([np.linspace(lowest, 0, 20_001), -np.logspace(-20, 0, 100), [0.0]]).astype(dtype)
    exact = np.exp(x.astype(np.longdouble))
    assert np.abs((exponentials(x) - exact) / (np.finfo(dtype).eps * exact)).max() < 2
    assert all(exponentials(x[-count:])[-1] == 1 for count in range(1, 18))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_far_below_zero_it_is_zero_and_nan_stays_nan(dtype: type) -> None:
    x: Array = np.array([-1e4, -np.inf, np.nan, -1e30, 0.0] * 3, dtype)
    assert np.array_equal(exponentials(x), np.array([0, 0, np.nan, 0, 1] * 3, dtype), equal_nan=True)
