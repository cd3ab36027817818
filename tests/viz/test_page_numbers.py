import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.viz.page_code import script_json
from mmgraph.viz.page_numbers import (
    DIGITS,
    decode_weights,
    encode_weights,
    inexactness,
    pack,
    pack32,
    pack_gaps,
    unpack85,
)


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.floats(1e-3, 1), st.sampled_from([1, 2, 4, 8, 16])
)
def test_weights_come_back_as_exact_as_is_said_or_as_none(values, largest, step):
    alpha = torch.tensor(values, dtype=torch.float64)[:, None] * largest
    codes = encode_weights(alpha, largest, step)
    back, exact = decode_weights(codes, largest)[0], alpha[:, 0].numpy()
    seen = exact >= 1.02e-4 * largest
    assert np.abs(back[seen] / exact[seen] - 1).max(initial=0) <= inexactness(step) + 1e-9
    assert back[~seen].max(initial=0) < 1.1e-4 * largest * (1 + inexactness(step))
    assert len(set(codes[codes > 0].tolist())) <= 254 // step + 2


@given(st.binary(max_size=50))
def test_bytes_come_back_from_base_85(content):
    text = pack(np.frombuffer(content, dtype=np.uint8))
    assert zlib.decompress(unpack85(text)) == content and set(text) <= set(DIGITS)
    assert script_json(text) == f'"{text}"'  # nothing to escape


@given(st.lists(st.integers(0, 2000), max_size=20))
def test_gaps_come_back(gaps):
    left = iter(zlib.decompress(unpack85(pack_gaps(np.array(gaps, dtype=np.int64)))))
    found, now = [], 0
    for step in left:
        now += step
        if step < 255:
            found.append(now)
            now = 0
    assert (found, now) == (gaps, 0)


@pytest.mark.parametrize("dtype", [np.uint32, np.float32])
def test_numbers_of_32_bits_come_back(dtype):
    values = np.array([0, 1, 258, 2**20], dtype=dtype)
    planes = np.frombuffer(zlib.decompress(unpack85(pack32(values))), dtype=np.uint8).reshape(4, -1)
    assert (np.ascontiguousarray(planes.T).view(values.dtype.newbyteorder("<")).reshape(-1) == values).all()
