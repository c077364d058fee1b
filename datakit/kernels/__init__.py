"""Hot loops on plain arrays, compiled by numba."""
