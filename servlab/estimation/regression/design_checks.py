"""From a formula to a design matrix that a regression may be trusted with: the shared checks.

Every regression here passes this door: rows with missing values counted out, text outcomes,
constant columns, a predictor that is the outcome and exact combinations refused by name, and
predictors that are nearly combinations of each other named with their variance inflation factor.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servlab.core.brief import brief
from servlab.core.checks import check_frame, check_weights
from servlab.core.errors import ModelError
from servlab.core.groups import code_text
from servlab.data.survey import WEIGHTS
from servlab.estimation.regression.design_warnings import warn_of_unused_weights
from servlab.estimation.regression.formulas import Aliased, alias_columns
from servlab.scales.means import effective_n

Array = NDArray[np.float64]
Parts = tuple[tuple[str, str | None], ...]

INTERCEPT = "Intercept"


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The complete rows of a regression.

    Attributes
    ----------
    aliased : Aliased
        The formula and the way from its terms back to column names.
    rows : DataFrame
        The columns used, under their aliases, of the rows used.
    y : Series
        (n,) outcome.
    X : DataFrame
        (n, p) design matrix; its columns are terms over aliases.
    labels : list of str
        A label a column of ``X``, with the names of the data.
    weights : ndarray or None
        (n,) probability weights.
    cluster : ndarray or None
        (n,) whole numbers from 0 on: the cluster of each row.
    n_dropped : int
        Rows lost to missing values or to a weight of zero.
    parts : tuple of tuple of (str, str or None)
        For each column of ``X`` the factors it multiplies: a variable's name, with the category
        that the column marks, or None for a number; none for the intercept.
    levels : mapping of str to tuple of str
        The categories of each categorical predictor, the reference first.
    empty : tuple of str
        Categories that are declared but that no row used has, as ``branch[north]``.
    """

    aliased: Aliased
    rows: pd.DataFrame
    y: pd.Series
    X: pd.DataFrame
    labels: list[str]
    weights: Array | None
    cluster: NDArray[np.int64] | None
    n_dropped: int
    parts: tuple[Parts, ...]
    levels: Mapping[str, tuple[str, ...]]
    empty: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """Return the term of each column of ``X``: its variables, joined by colons."""
        return tuple(":".join(name for name, _ in parts) or INTERCEPT for parts in self.parts)

    @property
    def n_clusters(self) -> int:
        """Return the number of clusters; 0 without."""
        return 0 if self.cluster is None else int(self.cluster.max()) + 1

    @property
    def n_effective(self) -> float:
        """Return Kish's effective number of rows under weights; n without."""
        return float(len(self.y)) if self.weights is None else effective_n(self.weights)


def build_design(
    formula: str, data: pd.DataFrame, *, weights: str | None = None, cluster: str | None = None
) -> Design:
    """Return the complete rows of a formula, or raise ``ModelError`` naming what stands against it.

    ``weights`` and ``cluster`` name columns; rows with weight zero or without a cluster are left
    out and counted. A survey's weights that nobody named are warned of.
    """
    import patsy

    aliased = alias_columns(formula, data)
    used = aliased.data.notna().all(axis=1)
    w = None
    if weights is not None:
        w = check_weights(column_of(data, "weights", weights), data.index)
        used &= w > 0
    groups = None
    if cluster is not None:
        groups = column_of(data, "cluster", cluster)
        used &= groups.notna()
    rows = aliased.data[used].infer_objects()  # numbers that stood beside None are numbers
    if len(rows) == 0:
        raise ModelError("no row is complete in all columns of the formula; use fewer columns.")
    check_columns(rows, aliased)
    if weights is None and _weights_unused(data, aliased):
        warn_of_unused_weights(WEIGHTS, stacklevel=4)
    text = re.sub(r"C\(\s*v(\d+)_\s*\)", r"c\1_", aliased.formula)
    coded, levels, empty = _coded(rows, text, aliased)
    try:
        left, right = patsy.dmatrices(text, coded, return_type="dataframe")
    except patsy.PatsyError as err:
        raise ModelError(f"the formula cannot be read: {str(err).splitlines()[0]}.") from None
    right = _as_written(right, text)
    if INTERCEPT not in right.columns:
        raise ModelError(
            f"the formula {formula!r} takes the intercept out; leave '0 +' or '- 1' away, since R "
            "squared and the checks have another meaning without one."
        )
    parts = tuple(_parts(str(name), aliased, levels) for name in right.columns)
    return Design(
        aliased=aliased,
        rows=rows,
        y=left.iloc[:, 0],
        X=right,
        labels=[
            ":".join(n if v is None else f"{n}[{v}]" for n, v in p) or INTERCEPT for p in parts
        ],
        weights=None if w is None else w[used].to_numpy(),
        cluster=None if groups is None else pd.factorize(groups[used])[0].astype(np.int64),
        n_dropped=len(data) - len(rows),
        parts=parts,
        levels=MappingProxyType({aliased.names[_alias(k)]: v for k, v in levels.items()}),
        empty=empty,
    )


def _weights_unused(data: pd.DataFrame, aliased: Aliased) -> bool:
    """Tell whether a survey's weights, where they differ, are no part of a model."""
    if WEIGHTS not in data.columns or WEIGHTS in aliased.names.values():
        return False
    column = data[WEIGHTS]
    return pd.api.types.is_numeric_dtype(column.dtype) and bool(column.min() < column.max())


def _as_written(X: pd.DataFrame, text: str) -> pd.DataFrame:
    """Return a design matrix with terms as the formula has them, products after their parts.

    patsy puts categories before numbers, which nobody wrote and R does not do.
    """
    import patsy

    slices = X.design_info.term_slices  # patsy hangs it on the frame
    written = patsy.ModelDesc.from_formula(text).rhs_termlist
    ordered = sorted(written, key=lambda term: len(term.factors))  # as R: main effects first
    return X.iloc[:, [j for term in ordered for j in range(*slices[term].indices(X.shape[1]))]]


def column_of(data: pd.DataFrame, argument: str, name: str) -> pd.Series:
    """Return the column that an argument names, or raise ``ModelError``."""
    check_frame(data)
    if name not in data.columns:
        raise ModelError(f"{argument} names {name!r}, which is no column of the data.")
    return data[name]


def _coded(
    rows: pd.DataFrame, text: str, aliased: Aliased
) -> tuple[pd.DataFrame, dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return the columns as numbers or coded categories, each category's words, and empty ones.

    Categories get codes so that no word of theirs can be taken for a part of a term.
    """
    columns: dict[str, pd.Series] = {}
    levels: dict[str, tuple[str, ...]] = {}
    empty: list[str] = []
    for code in dict.fromkeys(re.findall(r"\b[vc]\d+_", text)):
        column = rows[_alias(code)]
        name = aliased.names[_alias(code)]
        numeric = pd.api.types.is_numeric_dtype(column.dtype)
        boolean = pd.api.types.is_bool_dtype(column.dtype)
        if code[0] == "v" and numeric and (not boolean or name == aliased.outcome):
            columns[code] = column.astype(float)
            continue
        values, unused = _categories(column)
        places = {value: f"c{i}" for i, value in enumerate(values)}
        columns[code] = pd.Series(
            pd.Categorical([places[v] for v in column], categories=list(places.values())),
            index=rows.index,
        )
        levels[code] = tuple(code_text(value) for value in values)
        empty += [f"{name}[{code_text(value)}]" for value in unused]
    return pd.DataFrame(columns, index=rows.index), levels, tuple(empty)


def _alias(code: str) -> str:
    """Return the alias of a column taken as numbers (``v0_``) or as categories (``c0_``)."""
    return f"v{code[1:]}"


def _categories(column: pd.Series) -> tuple[Sequence[object], Sequence[object]]:
    """Return the categories that rows have, in order, and those that none has."""
    seen = set(column.unique())
    if isinstance(column.dtype, pd.CategoricalDtype):
        declared = list(column.cat.categories)
        return [v for v in declared if v in seen], [v for v in declared if v not in seen]
    try:
        return sorted(seen), []
    except TypeError:  # words and numbers in one column
        return sorted(seen, key=str), []


def _parts(name: str, aliased: Aliased, levels: Mapping[str, tuple[str, ...]]) -> Parts:
    """Return the variables that a column of the design multiplies, with their categories."""
    found: list[tuple[str, str | None]] = []
    for code, place in re.findall(r"([vc]\d+_)(?:\[(?:T\.)?c(\d+)\])?", name):
        level = levels[code][int(place)] if place else None
        found.append((aliased.names[_alias(code)], level))
    return tuple(found)


def check_columns(rows: pd.DataFrame, aliased: Aliased) -> None:
    """Refuse constant and infinite columns, dates, and an outcome that is no number, by name."""
    for alias in rows.columns:
        name = aliased.names[alias]
        kind = rows[alias].dtype
        if kind.kind in "cmM":
            raise ModelError(
                f"column {name!r} holds {kind} values, neither numbers nor categories; compute "
                "from it the number that is meant, as days since a date."
            )
        numeric = pd.api.types.is_numeric_dtype(rows[alias])
        if name == aliased.outcome and not numeric:
            raise ModelError(
                f"the outcome {name!r} holds text; map its answers to numbers in the codebook."
            )
        if numeric and np.isinf(rows[alias].to_numpy(dtype=float)).any():
            raise ModelError(f"column {name!r} holds infinite values; set them to missing.")
        if rows[alias].nunique() < 2:
            what = "outcome" if name == aliased.outcome else "predictor"
            raise ModelError(
                f"the {what} {name!r} is constant over the {len(rows)} rows used; leave it out."
            )


def check_clusters(design: Design, cluster: str | None) -> None:
    """Raise ``ModelError`` where all rows are one cluster."""
    if design.cluster is not None and design.cluster.max() == 0:
        raise ModelError(
            f"the cluster column {cluster!r} has one value over the {len(design.y)} rows used; "
            "clustered errors need at least two clusters, better forty."
        )


def check_design(y: pd.Series, X: Array, labels: list[str], outcome: str) -> None:
    """Refuse too few rows, exact collinearity and a predictor that is the outcome."""
    n, p = X.shape
    if n <= p:
        raise ModelError(f"{n} rows cannot estimate {p} coefficients; use fewer predictors.")
    nobody = [label for label, column in zip(labels, X.T, strict=True) if not column.any()]
    if nobody:
        raise ModelError(
            f"no row has {nobody}: this combination is empty; leave the product out or join "
            "categories."
        )
    for j, label in enumerate(labels):
        column = X[:, j]
        if label == INTERCEPT or np.ptp(column) == 0:
            continue
        if abs(np.corrcoef(column, y.to_numpy())[0, 1]) > 1 - 1e-12:
            raise ModelError(
                f"the predictor {label!r} is the outcome {outcome!r} but for its scale; "
                "leave it out."
            )
    rank_lost = dependent(X, labels)
    if rank_lost:
        raise ModelError(
            f"predictors {rank_lost} are exact combinations of the others; leave them out."
        )


def dependent(X: Array, labels: list[str]) -> list[str]:
    """Return the columns that earlier columns determine."""
    scaled = X / np.linalg.norm(X, axis=0)
    lost: list[str] = []
    kept: list[int] = []
    for j, label in enumerate(labels):
        rank = np.linalg.matrix_rank(scaled[:, [*kept, j]], tol=1e-9)
        if rank > len(kept):
            kept.append(j)
        else:
            lost.append(label)
    return lost


def factor_values(design: Design, variable: str, level: str | None) -> Array:
    """Return (n,) numbers of a variable, or whether each row has a category of it."""
    alias = next(a for a, name in design.aliased.names.items() if name == variable)
    column = design.rows[alias]
    if level is None:
        return column.to_numpy(dtype=float)
    return np.asarray([code_text(value) == level for value in column], dtype=float)
