"""How much would estimates change with other respondents? The bootstrap of a fitted model.

Under maximum likelihood and least squares rows enter through their moments only, so a draw
re-weighs the rows into new moments and starts from the estimates at hand; nothing is fitted
from rows again.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.brief import brief
from servlab.core.checks import check_choice, check_conf_level, check_count, check_result
from servlab.core.errors import ModelError, NotConvergedError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.latent.compile import compile_paths, compile_restrictions, evaluator
from servlab.estimation.latent.engine import Setup, make_fiml_setup, make_setup
from servlab.estimation.latent.optimize import Problem, minimise
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.row_patterns import find_patterns
from servlab.estimation.latent.sample import GroupSample

Interval = Literal["percentile", "bias_corrected"]
FEWEST = 0.8  # share of draws that must have converged


@brief
@dataclass(frozen=True, slots=True, eq=False)
class LatentBootstrap:
    """Bootstrap draws of a model's parameters.

    Attributes
    ----------
    draws : DataFrame
        (b, q + d), a row a draw that converged, a column a free or defined parameter.
    estimates : Series
        (q + d,) estimates from the data themselves.
    terms : DataFrame
        (q + d) rows of ``lhs, op, rhs, label, group``.
    n_draws, n_failed, n_inadmissible : int
        Draws asked for, draws that did not converge (left out), and draws with a variance that
        is not positive (kept).
    seed : int
    n, n_dropped : int
    """

    draws: pd.DataFrame
    estimates: pd.Series
    terms: pd.DataFrame
    n_draws: int
    n_failed: int
    n_inadmissible: int
    seed: int
    n: int
    n_dropped: int

    def tidy(self, *, interval: Interval = "percentile", conf_level: float = 0.95) -> pd.DataFrame:
        """Return a row a parameter with bootstrap standard error and interval.

        The bias-corrected interval moves the percentiles by the share of draws below the
        estimate [efron1987]_ (without acceleration).
        """
        check_choice("interval", interval, ("percentile", "bias_corrected"))
        check_conf_level(conf_level)
        values = self.draws.to_numpy()
        tails = np.array([(1 - conf_level) / 2, (1 + conf_level) / 2])
        limits = np.empty((2, values.shape[1]))
        for k, estimate in enumerate(self.estimates):
            at = tails
            if interval == "bias_corrected":
                below = np.clip((values[:, k] < estimate).mean(), 1e-12, 1 - 1e-12)
                at = special.ndtr(2 * special.ndtri(below) + special.ndtri(tails))
            limits[:, k] = np.quantile(values[:, k], at, method="weibull")
        table = self.terms.copy()
        table["estimate"] = self.estimates.to_numpy()
        table["std_error"] = values.std(axis=0, ddof=1)
        table["conf_low"], table["conf_high"] = limits
        return table


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What a process needs to draw: the model, the rows, and where to start."""

    table: ParameterTable
    samples: tuple[GroupSample, ...]
    estimator: str
    fiml: bool
    unbiased: bool
    theta: Array


def bootstrap_fit(
    fit: LatentFit, *, seed: int, n_draws: int = 1000, processes: int = 1
) -> LatentBootstrap:
    """Draw a fitted model's parameters anew from resampled rows.

    Parameters
    ----------
    fit : LatentFit
        Of rows; ML, MLM, MLR, GLS or ULS, or full-information likelihood.
    seed : int
        The same seed gives the same draws, whatever ``processes``.
    n_draws : int
        Number of draws, at least 2.
    processes : int
        Processes that share the draws; worth it from seconds of work on.

    Returns
    -------
    LatentBootstrap

    Raises
    ------
    ModelError
        For fits of Moments, with weights or clusters, or by WLS; or when fewer than 80 % of
        the draws converge.

    Notes
    -----
    Rows are drawn with replacement within each group (the ordinary nonparametric bootstrap
    [efron1987]_). Defined parameters are computed draw by draw.

    References
    ----------
    efron1987.

    Examples
    --------
    >>> import servlab as sl
    >>> data = sl.load_example("servqual").items("perception").add_prefix("i")
    >>> fit = sl.cfa("f =~ i1 + i2 + i3 + i4", data)
    >>> sl.bootstrap_fit(fit, seed=1, n_draws=20).draws.shape
    (20, 8)
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    n_draws = check_count("n_draws", n_draws, minimum=2)
    processes = check_count("processes", processes)
    job = _job(fit)
    seeds = np.random.SeedSequence(seed).spawn(n_draws)
    if processes == 1:
        found = _draws(job, seeds)
    else:
        parts = [seeds[k::processes] for k in range(processes)]
        found = np.empty((n_draws, len(fit.theta)))
        with ProcessPoolExecutor(processes) as pool:
            for k, values in enumerate(pool.map(_draws, [job] * processes, parts)):
                found[k::processes] = values
    return _result(fit, found, n_draws, seed)


def _job(fit: LatentFit) -> _Job:
    """Return what a process needs, or refuse fits that cannot be drawn anew."""
    setup = fit.setup
    for group in range(len(setup.samples)):
        setup.rows(group)
    if setup.samples[0].weights is not None or setup.samples[0].clusters is not None:
        raise ModelError(
            "rows with weights or in clusters are no simple random sample, which the bootstrap "
            "draws from; use the errors of estimator='MLR'."
        )
    if setup.estimator == "WLS":
        raise ModelError("the bootstrap of WLS is not offered; use estimator='ML' or 'MLR'.")
    samples = tuple(replace(sample, index=None) for sample in setup.samples)
    unbiased = fit.likelihood == "wishart" or fit.estimator in ("GLS", "ULS")
    return _Job(fit.table, samples, fit.estimator, setup.fiml, unbiased, fit.theta)


def _draws(job: _Job, seeds: list[np.random.SeedSequence]) -> Array:
    """Return (len(seeds), q) estimates; NaN where a draw did not converge."""
    restrictions = compile_restrictions(job.table)
    exogenous = bool(job.table.exo.any())
    covs, means = [s.cov for s in job.samples], [s.mean for s in job.samples]
    paths = compile_paths(job.table, covs, means)
    out = np.full((len(seeds), len(job.theta)), np.nan)
    with blas_threads(len(means[0])):
        for k, seed in enumerate(seeds):
            try:
                setup = _resampled(job, np.random.default_rng(seed))
                if exogenous:
                    samples = setup.samples
                    paths = compile_paths(
                        job.table, [s.cov for s in samples], [s.mean for s in samples]
                    )
                problem = Problem(paths, setup.parts, setup.shares, len(job.theta))
                out[k] = minimise(problem, restrictions, job.theta, rough=True)[0].theta
            except (NotConvergedError, ModelError, np.linalg.LinAlgError):
                continue
    return out


def _resampled(job: _Job, rng: np.random.Generator) -> Setup:
    """Return the setup of rows drawn with replacement within groups."""
    drawn, patterns = [], []
    for sample in job.samples:
        rows = sample.rows
        if rows is None:
            raise ModelError("the bootstrap needs rows.")
        n = len(rows)
        times = np.bincount(rng.integers(0, n, n), minlength=n).astype(float)
        if job.fiml:
            kept = times > 0
            patterns.append(find_patterns(rows[kept], times[kept]))
            drawn.append(replace(sample, rows=rows[kept]))
            continue
        D = rows - sample.mean
        shift = times @ D / n
        cov = (D * times[:, None]).T @ D / n - np.outer(shift, shift)
        if job.unbiased:
            cov *= n / (n - 1)
        drawn.append(replace(sample, cov=(cov + cov.T) / 2, mean=sample.mean + shift))
    means = job.table.meanstructure
    if job.fiml:
        return make_fiml_setup(tuple(drawn), tuple(patterns), job.table.observed, job.estimator)
    return make_setup(
        tuple(drawn), estimator=job.estimator, meanstructure=means, wishart=job.unbiased
    )


def _result(fit: LatentFit, found: Array, n_draws: int, seed: int) -> LatentBootstrap:
    """Return the draws that converged with what belongs to them."""
    kept = found[~np.isnan(found).any(axis=1)]
    if len(kept) < max(2, FEWEST * n_draws):
        raise ModelError(
            f"only {len(kept)} of {n_draws} draws converged; the model asks too much of so few "
            "rows."
        )
    table = fit.table
    functions = [evaluator(table, d.expression) for d in table.definitions]
    defined = np.array([[f(theta)[0] for f in functions] for theta in kept])
    own = np.array([f(fit.theta)[0] for f in functions])
    rows = np.flatnonzero(table.free)
    variances = [
        int(table.free[r]) - 1 for r in rows if table.op[r] == "~~" and table.lhs[r] == table.rhs[r]
    ]
    names = [*table.free_names(), *(d.name for d in table.definitions)]
    terms = pd.DataFrame(
        {
            "lhs": [*(table.lhs[r] for r in rows), *(d.name for d in table.definitions)],
            "op": [*(table.op[r] for r in rows), *(":=" for _ in table.definitions)],
            "rhs": [
                *(table.rhs[r] for r in rows),
                *(d.expression.text for d in table.definitions),
            ],
            "label": [*(table.label[r] for r in rows), *(d.name for d in table.definitions)],
            "group": [
                *(table.group_labels[table.group[r] - 1] for r in rows),
                *("" for _ in table.definitions),
            ],
        }
    )
    values = np.concatenate([kept, defined.reshape(len(kept), len(functions))], axis=1)
    return LatentBootstrap(
        draws=pd.DataFrame(values, columns=names),
        estimates=pd.Series(np.concatenate([fit.theta, own]), names),
        terms=terms,
        n_draws=n_draws,
        n_failed=n_draws - len(kept),
        n_inadmissible=int((kept[:, variances] <= 0).any(axis=1).sum()),
        seed=seed,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )
