"""servlab beside what a user would pick instead: reading, alpha, EFA, parallel analysis."""

import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

import servlab as sl


def seconds(call: Callable[[], object], repeats: int = 5) -> float:
    """Return the best time of several runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def line(what: str, ours: float, theirs: float, other: str) -> None:
    print(f"{what:46s} {ours:9.4f} s   {other:34s} {theirs:9.4f} s   {theirs / ours:7.1f} x")


def items(n: int) -> pd.DataFrame:
    """Return n answers to 22 seven-point items of five correlated factors."""
    instrument = sl.load_instrument("servqual-1991")
    return sl.simulate_survey(instrument, n=n, seed=1).items("perception")


def efa(n: int) -> None:
    from factor_analyzer import FactorAnalyzer

    data = items(n)

    def theirs() -> object:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return FactorAnalyzer(n_factors=5, rotation="oblimin").fit(data)

    assert sl.second_opinion(sl.efa(data, 5)).agrees
    line(f"EFA minres + oblimin, n = {n}", seconds(lambda: sl.efa(data, 5)), seconds(theirs, 3),
         "factor_analyzer")  # fmt: skip


def parallel(n: int, draws: int = 100) -> None:
    data = items(n)

    def by_rows() -> object:
        rng = np.random.default_rng(1)
        return [
            np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(n, 22)), rowvar=False))
            for _ in range(draws)
        ]

    ours = seconds(lambda: sl.parallel_analysis(data, seed=1, n_draws=draws), 3)
    line(
        f"parallel analysis, {draws} draws, n = {n}", ours, seconds(by_rows, 1), "numpy, row by row"
    )


def alpha(n: int) -> None:
    data = items(n)

    def by_pandas() -> float:
        k = data.shape[1]
        return k / (k - 1) * (1 - data.var().sum() / data.sum(axis=1).var())

    assert abs(by_pandas() - sl.cronbach_alpha(data).estimate) < 1e-9
    line(f"alpha with interval and items, n = {n}", seconds(lambda: sl.cronbach_alpha(data)),
         seconds(by_pandas), "pandas, the bare coefficient")  # fmt: skip


if __name__ == "__main__":
    for size in (300, 3_000, 100_000):
        efa(size)
    for size in (300, 100_000):
        parallel(size)
        alpha(size)
