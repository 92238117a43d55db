"""What does a model forbid that the data ask for? Score tests of constraints and parameters.

A score test needs the fitted model only: the slope of the discrepancy along a direction that
the model forbids, against its information once the free parameters have answered
(Lagrange multipliers [sorbom1989]_).
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import special

from servlab.core.brief import brief
from servlab.core.checks import check_result
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.core.threads import blas_threads
from servlab.estimation.latent.compile import compile_paths
from servlab.estimation.latent.engine import LIKELIHOODS
from servlab.estimation.latent.inference import free_directions
from servlab.estimation.latent.optimize import Place, Problem
from servlab.estimation.latent.partable import ParameterTable
from servlab.estimation.latent.result import LatentFit
from servlab.estimation.latent.standardize import standardized_values

DETERMINED = 1e-8  # share of information left to a direction, below which nothing can be told


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ScoreTests:
    """Tests of the equality constraints of a model.

    Attributes
    ----------
    chi2, df, p_value : float, int, float
        Of releasing all of them at once.
    by_constraint : DataFrame
        A row a constraint: ``lhs``, ``op``, ``rhs`` (names of the two parameters), ``group``
        (of the second), ``statistic`` (chi-square on 1 degree of freedom), ``p_value``.
    n, n_dropped : int
    """

    chi2: float
    df: int
    p_value: float
    by_constraint: pd.DataFrame
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a constraint."""
        return self.by_constraint.copy()

    def glance(self) -> pd.DataFrame:
        """Return one row for all constraints together."""
        names = ("chi2", "df", "p_value", "n", "n_dropped")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])


def score_tests(fit: LatentFit) -> ScoreTests:
    """Test which equality constraints of a model the data reject.

    Parameters
    ----------
    fit : LatentFit
        With constraints: ``group_equal``, shared labels, ``a == b``.

    Returns
    -------
    ScoreTests

    Raises
    ------
    ModelError
        When the model has no equality constraint between free parameters.

    Notes
    -----
    The expected information is used whatever the standard errors rest on, as in lavaan's
    ``lavTestScore``: the tests point to the constraint that hurts, they are no robust tests.
    They are on the scale of the model's chi-square: n for normal likelihood, n less the number
    of groups for least squares and the Wishart likelihood, where lavaan 0.6-14 counts n.

    References
    ----------
    sorbom1989.

    Examples
    --------
    >>> import servlab as sl
    >>> data = sl.load_example("servqual").items("perception").add_prefix("i")
    >>> fit = sl.cfa("f =~ a*i1 + a*i2 + b*i3 + b*i4", data, std_lv=True)
    >>> sl.score_tests(fit).df
    2
    """
    R, pairs = _constraints(fit)
    if not pairs:
        raise ModelError(
            "score tests need equality constraints of two free parameters; this model has none."
        )
    with blas_threads(len(fit.theta)):
        g = fit.place.gradient()
        info = fit.place.expected()
        K = free_directions(fit.restrictions, fit.theta)
        away = np.asarray(
            np.linalg.pinv(R)
        )  # directions that break one constraint and keep the others
        total, df = _statistic(g, info, K, away)
        single = [_statistic(g, info, K, away[:, [i]])[0] for i in range(len(pairs))]
    scale = fit.setup.scale
    rows = pd.DataFrame(pairs, columns=["lhs", "rhs", "group"])
    rows.insert(1, "op", "==")
    rows["statistic"] = np.array(single) * scale
    rows["df"] = 1
    rows["p_value"] = special.chdtrc(1, rows["statistic"])
    return ScoreTests(
        chi2=total * scale,
        df=df,
        p_value=float(special.chdtrc(df, total * scale)),
        by_constraint=rows,
        n=fit.n,
        n_dropped=fit.n_dropped,
    )


def _statistic(g: Array, info: Array, K: Array, away: Array) -> tuple[float, int]:
    """Return the score statistic of a row for adding the directions ``away``, and their number."""
    wide = np.concatenate([K, away], axis=1)
    inner = wide.T @ info @ wide
    slope = wide.T @ g
    return float(slope @ np.linalg.lstsq(inner, slope, rcond=1e-12)[0]), away.shape[1]


def _constraints(fit: LatentFit) -> tuple[Array, list[tuple[str, str, str]]]:
    """Return (m, q) rows of the linear equalities of free parameters, and what each says."""
    table = fit.table
    rows, said = [], []
    joined: dict[int, int] = {}

    def root(i: int) -> int:
        while joined.get(i, i) != i:
            i = joined[i]
        return i

    for one, other in table.equalities:
        first = [r for r in table.rows_of(one) if table.free[r]]
        second = [r for r in table.rows_of(other) if table.free[r]]
        if not first or not second:
            continue
        a, b = first[0], next((r for r in second if r != first[0]), second[-1])
        i, j = int(table.free[a]) - 1, int(table.free[b]) - 1
        if root(i) == root(j):
            continue
        joined[root(j)] = root(i)
        row = np.zeros(table.n_free)
        row[i], row[j] = 1.0, -1.0
        rows.append(row)
        said.append((_term(table, a), _term(table, b), _group_of(table, b)))
    return np.array(rows).reshape(len(rows), table.n_free), said


def _term(table: ParameterTable, row: int) -> str:
    """Return the term of a row, as ``visual=~x2``."""
    return f"{table.lhs[row]}{table.op[row]}{table.rhs[row]}"


def _group_of(table: ParameterTable, row: int) -> str:
    """Return the label of a row's group."""
    return str(table.group_labels[table.group[row] - 1])


@brief
@dataclass(frozen=True, slots=True, eq=False)
class ModificationIndices:
    """What chi-square would fall by for each parameter that the model leaves out.

    Attributes
    ----------
    table : DataFrame
        A row a parameter: ``lhs, op, rhs, group``, ``mi`` (expected fall of chi-square, one
        degree of freedom), ``p_value``, ``epc`` (value expected of it, over its fixed one),
        ``sepc_lv``, ``sepc_all``, ``sepc_nox`` (the same, standardized).
    n, n_dropped : int
    """

    table: pd.DataFrame
    n: int
    n_dropped: int

    def tidy(self) -> pd.DataFrame:
        """Return a row a parameter, the largest index first."""
        return self.table.sort_values("mi", ascending=False, kind="stable", ignore_index=True)


def modification_indices(fit: LatentFit) -> ModificationIndices:
    """Return modification indices with expected parameter changes.

    Parameters
    ----------
    fit : LatentFit

    Returns
    -------
    ModificationIndices
        Candidates: fixed parameters, loadings that are not in the model, covariances of
        residuals, of factors, and regressions among the variables of a structural part. Those
        about which the data say nothing are left out. Unlike lavaan's, they hold covariances of
        an indicator's residual with an outcome's, and no regression of a fixed covariate.

    Notes
    -----
    With ``g`` the slope of half the discrepancy and ``V`` the information left when the free
    parameters have answered, ``mi = n g^2 / V`` and ``epc = -g / V`` [sorbom1989]_. The
    information is the expected one, as in lavaan. So are two conventions on n, no larger than
    2 / n: under least squares g is times (n - G) / n for G groups, which makes both numbers
    smaller by it, and ``likelihood="wishart"`` counts n rows where its chi-square counts n - G.
    A model changed by these is exploratory: its
    fit on the same data says little.

    References
    ----------
    sorbom1989.

    Examples
    --------
    >>> import servlab as sl
    >>> survey = sl.load_example("servqual")
    >>> found = sl.modification_indices(sl.cfa(survey.instrument, survey))
    >>> list(found.tidy().columns[:5])
    ['lhs', 'op', 'rhs', 'group', 'mi']
    """
    check_result("fit", fit, LatentFit, "cfa() or sem()")
    wide, added = _extended_table(fit)
    q, size = fit.table.n_free, wide.n_free
    theta = np.concatenate([fit.theta, np.zeros(size - q)])
    start = np.where(np.isnan(wide.ustart), 0.0, wide.ustart)
    theta[wide.free[added] - 1] = start[added]
    samples = fit.setup.samples
    paths = compile_paths(wide, [s.cov for s in samples], [s.mean for s in samples])
    with blas_threads(len(samples[0].mean)):
        place = Problem(paths, fit.setup.parts, fit.setup.shares, size).at(theta)
        if place is None:
            raise ModelError("the model's covariances are not positive definite.")
        mi, epc = _changes(fit, place, q)
    keep = np.isfinite(mi)
    at = added[keep]
    values = np.zeros(len(wide.lhs))
    values[added] = np.where(keep, epc, 0.0)
    found = {
        "lhs": [wide.lhs[r] for r in at],
        "op": [wide.op[r] for r in at],
        "rhs": [wide.rhs[r] for r in at],
        "group": [_group_of(wide, r) for r in at],
        "mi": mi[keep],
        "p_value": special.chdtrc(1, mi[keep]),
        "epc": epc[keep],
    }
    for kind in ("lv", "all", "nox"):
        found[f"sepc_{kind}"] = standardized_values(wide, values, fit.place.implied, kind)[at]
    return ModificationIndices(pd.DataFrame(found), fit.n, fit.n_dropped)


def _changes(fit: LatentFit, place: Place, q: int) -> tuple[Array, Array]:
    """Return indices and expected changes of the parameters numbered from q; NaN where unknown."""
    info, g = place.expected(), place.gradient()
    K = free_directions(fit.restrictions, fit.theta)
    n, share = _weights(fit)
    cross = K.T @ info[:q, q:]
    answered = cross * np.linalg.solve(K.T @ info[:q, :q] @ K, cross)
    left = np.diag(info)[q:] - answered.sum(axis=0)
    known = left > DETERMINED * np.abs(np.diag(info)[q:])
    with np.errstate(divide="ignore", invalid="ignore"):
        mi = np.where(known, n * (share * g[q:]) ** 2 / left, np.nan)
        epc = np.where(known, -share * g[q:] / left, np.nan)
    return mi, epc


def _weights(fit: LatentFit) -> tuple[float, float]:
    """Return the rows that score tests count and what slopes are multiplied by, as in lavaan."""
    n = fit.setup.n
    return n, 1.0 if fit.estimator in LIKELIHOODS else fit.setup.scale / n


def _extended_table(fit: LatentFit) -> tuple[ParameterTable, np.ndarray]:
    """Return the table with every candidate free, and the candidates' rows."""
    table = fit.table
    q = table.n_free
    fixed = np.flatnonzero((table.free == 0) & ~table.exo)
    new = [term for group in range(1, table.n_groups + 1) for term in _candidates(table, group)]
    free = table.free.copy()
    free[fixed] = q + 1 + np.arange(len(fixed))
    numbers = q + len(fixed) + 1 + np.arange(len(new))
    blank = ("",) * len(new)
    wide = replace(
        table,
        lhs=(*table.lhs, *(term[0] for term in new)),
        op=(*table.op, *(term[1] for term in new)),
        rhs=(*table.rhs, *(term[2] for term in new)),
        group=np.concatenate([table.group, [term[3] for term in new]]).astype(np.int64),
        free=np.concatenate([free, numbers]).astype(np.int64),
        ustart=np.concatenate([table.ustart, np.zeros(len(new))]),
        exo=np.concatenate([table.exo, np.zeros(len(new), dtype=bool)]),
        user=np.concatenate([table.user, np.zeros(len(new), dtype=bool)]),
        label=(*table.label, *blank),
        plabel=(*table.plabel, *blank),
    )
    return wide, np.concatenate([fixed, len(table.lhs) + np.arange(len(new))])


def _candidates(table: ParameterTable, group: int) -> list[tuple[str, str, str, int]]:
    """Return the terms that a group's model leaves out."""
    rows = np.flatnonzero(table.group == group)
    have = {(table.lhs[r], table.op[r], table.rhs[r]) for r in rows}
    have |= {(rhs, op, lhs) for lhs, op, rhs in have if op == "~~"}
    exogenous = {table.lhs[r] for r in rows if table.exo[r]}
    indicators = {table.rhs[r] for r in rows if table.op[r] == "=~"}
    found = [
        (factor, "=~", item, group)
        for factor in table.latent
        for item in table.observed
        if item in indicators and (factor, "=~", item) not in have
    ]
    outcomes = {lhs for lhs, op, _ in have if op == "~"}
    own = [name for name in table.observed if name in indicators or name in outcomes]
    for variables in (own, list(table.latent)):
        found += [
            (one, "~~", other, group)
            for k, one in enumerate(variables)
            for other in variables[k + 1 :]
            if (one, "~~", other) not in have
        ]
    structural = {x for lhs, op, rhs in have if op == "~" for x in (lhs, rhs)}
    order = [name for name in (*table.latent, *table.observed) if name in structural]
    found += [
        (outcome, "~", predictor, group)
        for outcome in order
        for predictor in order
        if outcome != predictor
        and outcome not in exogenous
        and (outcome, "~", predictor) not in have
        and (predictor, "=~", outcome) not in have
    ]
    return found
