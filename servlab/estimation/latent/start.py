"""Where should the search for estimates begin?

Least squares, factor by factor: each factor's loadings from its indicators' covariances
(first principal axis of the matrix with squared multiple correlations on its diagonal), its
covariances with everything else by projection, regressions from those covariances.
"""

import numpy as np

from servlab.core.linalg import Array
from servlab.estimation.latent.partable import ParameterTable

FLOOR = 0.15  # residual variances start with at least this share of the variance


def starting_values(table: ParameterTable, covs: list[Array], means: list[Array]) -> Array:
    """Return (q,) starting values; the user's own, where given, stand."""
    theta = np.zeros(table.n_free)
    for group in range(table.n_groups):
        values = _group_values(table, group + 1, covs[group], means[group])
        rows = np.flatnonzero((table.group == group + 1) & (table.free > 0))
        theta[table.free[rows] - 1] = values[rows]
    rows = np.flatnonzero(table.free > 0)
    given = table.ustart[rows]
    theta[table.free[rows] - 1] = np.where(np.isnan(given), theta[table.free[rows] - 1], given)
    return theta


def _group_values(table: ParameterTable, group: int, cov: Array, mean: Array) -> Array:
    """Return a value a row of one group."""
    names = (*table.observed, *table.latent)
    where = {name: at for at, name in enumerate(names)}
    rows = np.flatnonzero(table.group == group).tolist()
    p, t = len(table.observed), len(names)
    values = np.where(np.isnan(table.ustart), 0.0, table.ustart)
    total = np.zeros((t, t))
    total[:p, :p] = cov
    left = total.copy()  # what earlier uncorrelated factors leave of the covariances
    known = set(table.observed)
    pending = list(table.latent)
    items: dict[str, set[str]] = {factor: set() for factor in table.latent}
    for r in rows:
        if table.op[r] == "=~":
            items[table.lhs[r]].add(table.rhs[r])
    while pending:
        ready = [f for f in pending if items[f] <= known] or pending[:1]
        for factor in ready:
            _add_factor(table, rows, factor, where, values, total, left)
            known.add(factor)
        pending = [f for f in pending if f not in ready]
    _regressions(table, rows, where, values, total)
    _variances(table, rows, where, values, total)
    for row in rows:
        if table.op[row] == "~1" and table.lhs[row] in table.observed and table.free[row]:
            values[row] = mean[where[table.lhs[row]]]
    return values


def _add_factor(
    table: ParameterTable,
    rows: list[int],
    factor: str,
    where: dict[str, int],
    values: Array,
    total: Array,
    left: Array,
) -> None:
    """Set a factor's free loadings and its covariances with everything known."""
    mine = [r for r in rows if table.op[r] == "=~" and table.lhs[r] == factor]
    at = where[factor]
    items = np.array([where[table.rhs[r]] for r in mine], dtype=np.int64)
    if not len(items):
        total[at, at] = 1.0
        return
    apart = _uncorrelated(table, rows, factor)
    source = left if apart else total
    loadings = _axis(source[np.ix_(items, items)])
    variance, scale = 1.0, 1.0
    fixed = [k for k, r in enumerate(mine) if not table.free[r] and table.ustart[r]]
    own = [r for r in rows if table.op[r] == "~~" and table.lhs[r] == table.rhs[r] == factor]
    if fixed:
        k = fixed[0]
        small = 0.1 * np.sqrt(abs(source[items[k], items[k]]))
        marker = loadings[k] if abs(loadings[k]) > small else np.copysign(small, loadings[k])
        scale = marker / table.ustart[mine[k]]
        variance = scale**2
    elif own and not table.free[own[0]]:
        variance = float(table.ustart[own[0]])
        scale = np.sqrt(variance) if variance > 0 else 1.0
    if apart:
        left[np.ix_(items, items)] -= np.outer(loadings, loadings)
    loadings = loadings / scale
    for k, r in enumerate(mine):
        if table.free[r]:
            values[r] = loadings[k]
    weights = loadings / max(float(loadings @ loadings), 1e-12)
    toward = weights @ total[items]
    limit = 0.9 * np.sqrt(variance * np.maximum(np.diag(total), 0))
    total[at] = total[:, at] = np.clip(toward, -limit, limit)
    total[at, items] = total[items, at] = loadings * variance
    total[at, at] = variance


def _uncorrelated(table: ParameterTable, rows: list[int], factor: str) -> bool:
    """Return whether all covariances of a factor with other factors are fixed to zero."""
    others = [
        r
        for r in rows
        if table.op[r] == "~~"
        and factor in (table.lhs[r], table.rhs[r])
        and table.lhs[r] != table.rhs[r]
    ]
    return bool(others) and all(not table.free[r] and table.ustart[r] == 0 for r in others)


def _axis(S: Array) -> Array:
    """Return (k,) loadings of one factor, the first one positive."""
    scale = np.sqrt(np.maximum(np.diag(S), 1e-12))
    R = S / np.outer(scale, scale)
    k = len(R)
    if k == 1:
        return np.asarray(scale * np.sqrt(0.7))
    off = np.abs(R - np.diag(np.diag(R))).max(axis=0)
    np.fill_diagonal(R, np.clip(off, 0.05, 0.95))
    for _ in range(2):
        roots, vectors = np.linalg.eigh(R)
        h = np.clip(max(roots[-1], 0.05) * vectors[:, -1] ** 2, 0.02, 0.95)
        np.fill_diagonal(R, h)
    vector = vectors[:, -1] * (-1.0 if vectors[0, -1] < 0 else 1.0)
    return np.asarray(np.sqrt(max(roots[-1], 0.05)) * vector * scale)


def _regressions(
    table: ParameterTable, rows: list[int], where: dict[str, int], values: Array, total: Array
) -> None:
    """Set free regression coefficients by least squares on the estimated covariances."""
    outcomes = {table.lhs[r] for r in rows if table.op[r] == "~"}
    for outcome in outcomes:
        mine = [r for r in rows if table.op[r] == "~" and table.lhs[r] == outcome]
        x = np.array([where[table.rhs[r]] for r in mine])
        y = where[outcome]
        S = total[np.ix_(x, x)]
        b = np.linalg.lstsq(S + 0.05 * np.diag(np.diag(S)), total[x, y], rcond=None)[0]
        for r, value in zip(mine, b, strict=True):
            if table.free[r]:
                values[r] = value


def _variances(
    table: ParameterTable, rows: list[int], where: dict[str, int], values: Array, total: Array
) -> None:
    """Set free variances to what the predictors leave, free covariances of factors to theirs."""
    into: dict[str, list[int]] = {}
    for r in rows:
        if table.op[r] in ("=~", "~"):
            into.setdefault(table.rhs[r] if table.op[r] == "=~" else table.lhs[r], []).append(r)
    for r in rows:
        if table.op[r] != "~~" or not table.free[r]:
            continue
        one, other = table.lhs[r], table.rhs[r]
        if one == other:
            explained = 0.0
            by = into.get(one, [])
            x = [where[table.lhs[s] if table.op[s] == "=~" else table.rhs[s]] for s in by]
            b = values[np.array(by, dtype=np.int64)]
            if by:
                explained = float(b @ total[np.ix_(x, x)] @ b)
            whole = total[where[one], where[one]]
            values[r] = max(whole - explained, FLOOR * whole, 1e-8)
        elif one not in into and other not in into:
            values[r] = total[where[one], where[other]]
    _shrink(table, rows, values)


def _shrink(table: ParameterTable, rows: list[int], values: Array) -> None:
    """Draw starting covariances toward zero until they can hold together."""
    variances = {
        table.lhs[r]: values[r]
        for r in rows
        if table.op[r] == "~~" and table.lhs[r] == table.rhs[r]
    }
    names = list(variances)
    at = {name: i for i, name in enumerate(names)}
    mine = [
        r
        for r in rows
        if table.op[r] == "~~"
        and table.lhs[r] != table.rhs[r]
        and {table.lhs[r], table.rhs[r]} <= set(at)
    ]
    for _ in range(20):
        S = np.diag([variances[name] for name in names])
        for r in mine:
            i, j = at[table.lhs[r]], at[table.rhs[r]]
            S[i, j] = S[j, i] = values[r]
        if np.linalg.eigvalsh(S)[0] > 1e-4 * max(S.diagonal().min(), 1e-12):
            return
        free = [r for r in mine if table.free[r]]
        if not free:
            return
        values[free] *= 0.7
