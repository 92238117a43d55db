"""From samples and paths to estimates: one setup for every estimator, model and baseline."""

from dataclasses import dataclass, replace

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.latent.compile import Restrictions, no_cells
from servlab.estimation.latent.discrepancy import (
    Discrepancy,
    Quadratic,
    Weighted,
    normal_likelihood,
)
from servlab.estimation.latent.fiml import PatternLikelihood, deviance, saturated_moments
from servlab.estimation.latent.optimize import Place, Problem, minimise, newton
from servlab.estimation.latent.ram import Cells, Paths, make_paths
from servlab.estimation.latent.row_patterns import Patterns, Solved
from servlab.estimation.latent.sample import GroupSample, Layout, statistics_acov, vech_layout

LIKELIHOODS = ("ML", "MLM", "MLR")


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """The data side of a fit.

    Attributes
    ----------
    estimator : str
    samples : tuple of GroupSample
        Under FIML their moments are the saturated ones.
    parts : list of Discrepancy
        One a group.
    shares : (g,) array
        Weight of each group.
    n : float
        Rows of all groups.
    scale : float
        What twice the discrepancy is multiplied by to give chi-square, and the information of
        one row to give that of all.
    meanstructure : bool
    patterns : tuple of Patterns
        Under FIML, one a group.
    saturated : tuple of Solved
        Under FIML, the patterns' inverses at the saturated moments.
    acovs : tuple of arrays
        Under WLS, n times the sampling covariance of each group's statistics.
    exogenous : tuple of int
        Positions of fixed covariates, whose moments are the sample's and no statistics.
    """

    estimator: str
    samples: tuple[GroupSample, ...]
    parts: list[Discrepancy]
    shares: Array
    n: float
    scale: float
    meanstructure: bool
    patterns: tuple[Patterns, ...] = ()
    saturated: tuple[Solved, ...] = ()
    acovs: tuple[Array, ...] = ()
    exogenous: tuple[int, ...] = ()

    @property
    def n_statistics(self) -> int:
        """The number of means and covariances that a model is fitted to."""

        def count(k: int) -> int:
            return k * (k + 1) // 2 + (k if self.meanstructure else 0)

        return len(self.samples) * (count(self.size) - count(len(self.exogenous)))

    @property
    def fiml(self) -> bool:
        """Whether rows are incomplete."""
        return bool(self.patterns)

    @property
    def size(self) -> int:
        """The number of observed variables."""
        return len(self.samples[0].mean)

    def rows(self, group: int) -> Array:
        """Return the rows of a group, or refuse moments without any."""
        rows = self.samples[group].rows
        if rows is None:
            raise ModelError("this needs the rows of the data; the fit was made from Moments.")
        return rows

    def layout(self) -> Layout:
        """Return the order of a group's statistics."""
        return vech_layout(self.size, self.meanstructure)


def make_setup(
    samples: tuple[GroupSample, ...],
    *,
    estimator: str,
    meanstructure: bool,
    wishart: bool,
    exogenous: tuple[int, ...] = (),
) -> Setup:
    """Return the setup of complete rows or given moments.

    ``exogenous`` are the positions of observed covariates, whose moments no estimate changes.
    """
    sizes = np.array([sample.n for sample in samples], dtype=float)
    n = float(sizes.sum())
    layout = vech_layout(len(samples[0].mean), meanstructure)
    acovs: tuple[Array, ...] = ()
    if estimator in LIKELIHOODS:
        parts: list[Discrepancy] = [normal_likelihood(s.cov, s.mean) for s in samples]
    elif estimator == "WLS":
        acovs = tuple(_acov(sample, layout) for sample in samples)
        parts = [
            Weighted(layout.vector(s.cov, s.mean), _weight(acov, s), layout)
            for s, acov in zip(samples, acovs, strict=True)
        ]
    else:
        parts = [Quadratic(s.cov, s.mean, _metric(s, estimator)) for s in samples]
    used = sizes - 1 if wishart else sizes
    return Setup(
        estimator, samples, parts, used / used.sum(), n, float(used.sum()), meanstructure,
        acovs=acovs, exogenous=exogenous,
    )  # fmt: skip


def make_fiml_setup(
    samples: tuple[GroupSample, ...],
    patterns: tuple[Patterns, ...],
    names: tuple[str, ...],
    estimator: str,
    exogenous: tuple[int, ...] = (),
) -> Setup:
    """Return the setup of incomplete rows; the samples' moments become the saturated ones."""
    filled, solved = [], []
    parts: list[Discrepancy] = []
    for sample, found in zip(samples, patterns, strict=True):
        cov, mean, at = saturated_moments(found, names)
        filled.append(replace(sample, cov=cov, mean=mean))
        solved.append(at)
        parts.append(PatternLikelihood(found, deviance(found, at) / 2))
    sizes = np.array([sample.n for sample in samples], dtype=float)
    n = float(sizes.sum())
    return Setup(
        estimator, tuple(filled), parts, sizes / n, n, n, True, patterns, tuple(solved),
        exogenous=exogenous,
    )  # fmt: skip


def never_together(setup: Setup) -> list[tuple[int, int]]:
    """Return the pairs of variables that no row of some group holds both of."""
    found = set()
    for patterns in setup.patterns:
        seen = patterns.seen.astype(float)
        both = (seen * patterns.counts[:, None]).T @ seen
        found |= {(int(j), int(i)) for i, j in np.argwhere(np.tril(both == 0, -1))}
    return sorted(found)


def _metric(sample: GroupSample, estimator: str) -> Array:
    """Return the weight matrix of least squares: S^-1 under GLS, I under ULS."""
    p = len(sample.cov)
    return np.asarray(np.linalg.inv(sample.cov) if estimator == "GLS" else np.eye(p))


def _acov(sample: GroupSample, layout: Layout) -> Array:
    """Return n times the sampling covariance of a group's statistics, given or from rows."""
    if sample.rows is not None:
        return statistics_acov(sample, layout)
    if sample.acov is None or layout.means:
        raise ModelError(
            "this estimator needs the rows, or moments(items, acov=True) without a mean "
            "structure; the Moments given hold no acov."
        )
    return sample.acov


def _weight(acov: Array, sample: GroupSample) -> Array:
    """Return the inverse of a group's acov, or refuse too few rows."""
    if sample.n <= len(acov):
        raise ModelError(
            f"WLS weighs {len(acov)} statistics by their covariances and needs more rows than "
            f"that; got {sample.n:.0f}. Use estimator='MLR', or 'MLM'."
        )
    try:
        root = np.linalg.cholesky(acov)
    except np.linalg.LinAlgError:
        raise ModelError(
            "the sampling covariances of the statistics have no inverse, which WLS needs; "
            "use estimator='MLR'."
        ) from None
    half = np.linalg.inv(root)
    return np.asarray(half.T @ half)


def independence(
    setup: Setup, names: tuple[str, ...], covariates: tuple[int, ...]
) -> tuple[Problem, Array]:
    """Return the baseline model, variables uncorrelated, with its starting values.

    Covariates keep their covariances: the sample's where they are fixed, else free ones.
    """
    p, fixed = len(names), list(setup.exogenous)
    loose = [i for i in covariates if i not in fixed]
    inner = [i for i in range(p) if i not in fixed]
    pairs = [(i, i) for i in inner]
    pairs += [(i, j) for k, i in enumerate(loose) for j in loose[:k]]
    row, col = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    free = np.array(inner, dtype=np.int64)
    size = len(pairs) + (len(inner) if setup.meanstructure else 0)
    start, paths = [], []
    for group, sample in enumerate(setup.samples):
        S, a = np.zeros((p, p)), np.zeros(p)
        S[np.ix_(fixed, fixed)] = sample.cov[np.ix_(fixed, fixed)]
        a[fixed] = sample.mean[fixed]
        covs = Cells(group * size + np.arange(len(pairs)), row, col)
        means = no_cells()
        start.append(sample.cov[row, col])
        if setup.meanstructure:
            first = group * size + len(pairs)
            means = Cells(first + np.arange(len(free)), free, np.zeros_like(free))
            start.append(sample.mean[free])
        paths.append(
            make_paths(
                names,
                p,
                (np.zeros((p, p)), S, a),
                (no_cells(), covs, means),
                meanstructure=setup.meanstructure,
            )
        )
    theta = np.concatenate(start)
    return Problem(paths, setup.parts, setup.shares, len(theta)), theta


def fit_independence(setup: Setup, names: tuple[str, ...], covariates: tuple[int, ...]) -> Place:
    """Return the fitted baseline model."""
    problem, start = independence(setup, names, covariates)
    return newton(problem, np.eye(len(start)), start)[0]


def saturated_paths(setup: Setup, names: tuple[str, ...]) -> tuple[Problem, Array]:
    """Return the model of free means and covariances, at the saturated moments."""
    p = len(names)
    row, col = np.tril_indices(p)
    size = len(row) + p
    start, paths = [], []
    for group, sample in enumerate(setup.samples):
        covs = Cells(group * size + np.arange(len(row)), row, col)
        means = Cells(
            group * size + len(row) + np.arange(p), np.arange(p), np.zeros(p, dtype=np.int64)
        )
        start += [sample.cov[row, col], sample.mean]
        paths.append(
            make_paths(
                names,
                p,
                (np.zeros((p, p)), np.zeros((p, p)), np.zeros(p)),
                (no_cells(), covs, means),
                meanstructure=True,
            )
        )
    theta = np.concatenate(start)
    return Problem(paths, setup.parts, setup.shares, len(theta)), theta


def estimate(
    setup: Setup, paths: list[Paths], restrictions: Restrictions, start: Array
) -> tuple[Place, int]:
    """Return the estimates and the iterations taken."""
    problem = Problem(paths, setup.parts, setup.shares, len(start))
    return minimise(problem, restrictions, start)
