"""CPU kernels, compiled by Numba on first use and kept in its cache. Imported only when an operator runs on them."""

__all__: list[str] = []
