"""From a parameter table to paths and restrictions that arithmetic can use."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from servlab.core.brief import brief
from servlab.core.errors import ModelError
from servlab.core.linalg import Array
from servlab.estimation.latent.expressions import Expression
from servlab.estimation.latent.partable import Constraint, ParameterTable
from servlab.estimation.latent.ram import Cells, Ints, Paths, make_paths

REDUNDANT = 1e-8  # share of a restriction's slope, below which it repeats others
HELD = 1e-10  # distance within which fixed values satisfy a restriction

Function = Callable[[Array], tuple[float, Array]]  # theta -> value, gradient (q,)


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Restrictions:
    """What free parameters must satisfy together.

    Attributes
    ----------
    base : (q,) array
    K : (q, r) array
        Linear equalities are kept by ``theta = base + K phi``.
    equal, at_least : tuple of functions
        Further functions of theta that must be 0, or at least 0, with their gradients.
    texts : tuple of str
        What the functions say, ``equal`` first.
    """

    base: Array
    K: Array
    equal: tuple[Function, ...] = ()
    at_least: tuple[Function, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def simple(self) -> bool:
        """Whether linear equalities are all there is."""
        return not self.equal and not self.at_least

    def count_free(self, theta: Array) -> int:
        """Return how many parameters are left to estimate; redundant equalities take none."""
        slopes = [function(theta)[1] @ self.K for function in self.equal]
        return int(self.K.shape[1]) - len(independent(slopes))


def independent(slopes: list[Array]) -> list[int]:
    """Return which of m slopes (r,) say something that those before them do not."""
    kept: list[int] = []
    basis: list[Array] = []
    for i, slope in enumerate(slopes):
        left = slope / (np.linalg.norm(slope) or 1.0)
        for _ in range(2):  # twice is enough against rounding
            for known in basis:
                left = left - (known @ left) * known
        size = np.linalg.norm(left)
        if size > REDUNDANT:
            kept.append(i)
            basis.append(left / size)
    return kept


def place(row: int, table: ParameterTable, where: dict[str, int]) -> tuple[str, int, int]:
    """Return the matrix ("A", "S" or "a") and the entry of a row of a table."""
    lhs, op, rhs = table.lhs[row], table.op[row], table.rhs[row]
    if op == "=~":
        return "A", where[rhs], where[lhs]
    if op == "~":
        return "A", where[lhs], where[rhs]
    if op == "~~":
        return "S", *sorted((where[lhs], where[rhs]), reverse=True)  # type: ignore[return-value]
    if op == "~1":
        return "a", where[lhs], 0
    raise ModelError(f"operator {op!r} of {lhs} {op} {rhs} has no estimator here.")


def compile_paths(table: ParameterTable, covs: list[Array], means: list[Array]) -> list[Paths]:
    """Return the paths of each group; moments of covariates (fixed.x) are the sample's.

    ``covs`` (p, p) and ``means`` (p,) of each group, in the order of ``table.observed``.
    """
    names = (*table.observed, *table.latent)
    where = {name: at for at, name in enumerate(names)}
    return [
        _group_paths(table, group + 1, names, where, covs[group], means[group])
        for group in range(table.n_groups)
    ]


def _group_paths(
    table: ParameterTable,
    group: int,
    names: tuple[str, ...],
    where: dict[str, int],
    cov: Array,
    mean: Array,
) -> Paths:
    """Return the paths of one group."""
    t = len(names)
    fixed = {"A": np.zeros((t, t)), "S": np.zeros((t, t)), "a": np.zeros((t, 1))}
    free: dict[str, list[tuple[int, int, int]]] = {"A": [], "S": [], "a": []}
    for row in np.flatnonzero(table.group == group):
        matrix, i, j = place(int(row), table, where)
        if table.free[row]:
            free[matrix].append((int(table.free[row]) - 1, i, j))
            continue
        value = table.ustart[row]
        if table.exo[row]:
            value = mean[i] if matrix == "a" else cov[i, j]
        fixed[matrix][i, j] = value
        if matrix == "S":
            fixed[matrix][j, i] = value
    return make_paths(
        names,
        len(table.observed),
        (fixed["A"], fixed["S"], fixed["a"][:, 0]),
        (_cells(free["A"]), _cells(free["S"]), _cells(free["a"])),
        meanstructure=table.meanstructure,
    )


def _cells(entries: list[tuple[int, int, int]]) -> Cells:
    """Return cells from (parameter, row, column)."""
    table: Ints = np.array(entries, dtype=np.int64).reshape(-1, 3)
    return Cells(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy())


def no_cells() -> Cells:
    """Return no free entries."""
    return _cells([])


def compile_restrictions(table: ParameterTable) -> Restrictions:
    """Return the restrictions between the free parameters of a table."""
    base, K = _linear(table)
    equal = [c for c in table.nonlinear if not _settled(table, c, base, K)]
    at_least = [c for c in table.inequalities if not _settled(table, c, base, K)]
    return Restrictions(
        base,
        K,
        tuple(_difference(table, c, 1.0) for c in equal),
        tuple(_difference(table, c, -1.0 if c.op == "<" else 1.0) for c in at_least),
        tuple(_text(c) for c in (*equal, *at_least)),
    )


def _text(constraint: Constraint) -> str:
    """Return a restriction as it is written."""
    return f"{constraint.lhs.text} {constraint.op} {constraint.rhs.text}"


def _settled(table: ParameterTable, constraint: Constraint, base: Array, K: Array) -> bool:
    """Tell whether fixed values alone satisfy a restriction, or refuse one that they break."""
    free = _free_names(table, constraint)
    moving = [i for i in free if K[i].any()]
    if moving:
        return False
    sign = -1.0 if constraint.op == "<" else 1.0
    value = _difference(table, constraint, sign)(base)[0]
    if value < -HELD or (constraint.op == "==" and value > HELD):
        raise _contradiction(_text(constraint))
    return True


def _free_names(table: ParameterTable, constraint: Constraint) -> list[int]:
    """Return the free parameters that a restriction names, from 0."""
    rows = _rows_by_name(table)
    names = {*constraint.lhs.names, *constraint.rhs.names}
    first = [rows[name][0] for name in names if name in rows]
    return [int(table.free[row]) - 1 for row in first if table.free[row]]


def _contradiction(text: str) -> ModelError:
    """Return the refusal of a restriction that fixed values break."""
    return ModelError(
        f"the restriction {text} contradicts the values that the model fixes its parameters to; "
        "change the restriction, or free a parameter with NA*."
    )


def _linear(table: ParameterTable) -> tuple[Array, Array]:
    """Return (base, K) of the pairs of parameters forced equal."""
    q = table.n_free
    parent = list(range(q))
    value: dict[int, float] = {}

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    rows = _rows_by_name(table)
    for pair in table.equalities:
        members = [row for name in pair for row in rows[name]]
        free = [root(int(table.free[row]) - 1) for row in members if table.free[row]]
        fixed = [float(table.ustart[row]) for row in members if not table.free[row]]
        fixed += [value[i] for i in free if i in value]
        if fixed and max(fixed) - min(fixed) > HELD:
            raise _contradiction(" == ".join(_spelled(table, name) for name in pair))
        if not free:
            continue
        for other in free[1:]:
            low, high = sorted((root(free[0]), root(other)))
            if low != high:
                parent[high] = low
                value.pop(high, None)
        if fixed:
            value[root(free[0])] = fixed[0]
    roots = [root(i) for i in range(q)]
    kept = [i for i in range(q) if roots[i] == i and i not in value]
    column = {i: at for at, i in enumerate(kept)}
    base, K = np.zeros(q), np.zeros((q, len(kept)))
    for i, top in enumerate(roots):
        if top in value:
            base[i] = value[top]
        else:
            K[i, column[top]] = 1.0
    return base, K


def _spelled(table: ParameterTable, name: str) -> str:
    """Return a label, or the name of the row that a plabel stands for."""
    return table.names()[table.rows_of(name)[0]]


def _rows_by_name(table: ParameterTable) -> dict[str, list[int]]:
    """Return the rows that carry each label or plabel."""
    found: dict[str, list[int]] = {}
    for row, names in enumerate(zip(table.label, table.plabel, strict=True)):
        for name in {name for name in names if name}:
            found.setdefault(name, []).append(row)
    return found


def _difference(table: ParameterTable, constraint: Constraint, sign: float) -> Function:
    """Return ``sign * (lhs - rhs)`` as a function of theta."""
    left, right = (evaluator(table, side) for side in (constraint.lhs, constraint.rhs))

    def function(theta: Array) -> tuple[float, Array]:
        a, da = left(theta)
        b, db = right(theta)
        return sign * (a - b), sign * (da - db)

    return function


def evaluator(table: ParameterTable, expression: Expression) -> Function:
    """Return an expression over labels as a function of theta, with its gradient."""
    rows = _rows_by_name(table)
    unknown = [name for name in expression.names if name not in rows]
    if unknown:
        raise ModelError(
            f"{expression.text!r} uses {unknown[0]!r}, which labels no parameter; label one."
        )
    first = {name: rows[name][0] for name in expression.names}

    def function(theta: Array) -> tuple[float, Array]:
        values = {
            name: float(theta[table.free[row] - 1] if table.free[row] else table.ustart[row])
            for name, row in first.items()
        }
        out = np.zeros(len(theta))
        for name, slope in expression.gradient(values).items():
            if table.free[first[name]]:
                out[table.free[first[name]] - 1] += slope
        return float(expression.value(values)), out

    return function
