"""One place that decides how many threads linear algebra may use.

Two OpenBLAS threads on small matrices and shared cores cost ten to twenty times the
work they save, so small problems run on one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

SMALL = 500  # matrices up to this many rows and columns gain nothing from a second thread


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Find the loaded BLAS libraries once; the search costs milliseconds each time."""
    return ThreadpoolController()


@contextmanager
def blas_threads(size: int) -> Iterator[None]:
    """Run the block with one BLAS thread when matrices are at most ``SMALL`` wide.

    Parameters
    ----------
    size : int
        Rows or columns of the largest square matrix in the block.
    """
    if size > SMALL:
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield
