"""Ordinal regression beside statsmodels' OrderedModel: ``python -m benchmarks.choice_models``.

Processor seconds, best of several, on one BLAS thread; the answers are compared first.
"""

import os
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from statsmodels.miscmodels.ordinal_model import OrderedModel

import servlab as sl

NAMES = ["a", "b", "c", "d"]


def sample(n: int) -> pd.DataFrame:
    """Return n answers 1 to 7 that four predictors move."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.integers(1, 8, size=(n, 4)).astype(float), columns=NAMES)
    latent = data.sum(axis=1) * 0.4 + rng.logistic(size=n)
    return data.assign(y=np.digitize(latent, [3.5, 4.5, 5.5, 6.5, 7.5, 8.5]) + 1)


def seconds(call: Callable[[], object], times: int) -> float:
    """Return the least processor seconds of a call."""
    found = []
    for _ in range(times):
        start = time.process_time()
        call()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Print a row a size."""
    print("| rows | servlab s | OrderedModel s | ratio | slopes differ by |")
    print("|---|---|---|---|---|")
    for n, times in ((300, 5), (3_000, 5), (100_000, 2)):
        data = sample(n)
        model = OrderedModel(data["y"], data[NAMES], distr="logit")
        theirs = model.fit(method="bfgs", disp=0, maxiter=500)
        ours = sl.ordinal_regress("y ~ a + b + c + d", data)
        gap = np.abs(ours.coefficients["estimate"].to_numpy() - theirs.params[:4].to_numpy()).max()
        fast = seconds(lambda data=data: sl.ordinal_regress("y ~ a + b + c + d", data), times)
        slow = seconds(
            lambda data=data: (
                OrderedModel(data["y"], data[NAMES], distr="logit")
                .fit(method="bfgs", disp=0, maxiter=500)
                .bse
            ),
            times,
        )
        print(f"| {n:,} | {fast:.3f} | {slow:.3f} | {slow / fast:.1f} | {gap:.1e} |")


if __name__ == "__main__":
    main()
