"""GPU kernels in Triton, compiled on first use. Imported only when an operator runs on them.

No launch parameter has been tuned on a GPU: `PIECE`, `TILE`, `WIDE`, `NUMBERS_PER_WARP` and `LOOK` in `common`, `TILE`
in `gat` and in `softmax` were chosen on paper. With any choice the results are the same, up to rounding.
"""

__all__: list[str] = []
