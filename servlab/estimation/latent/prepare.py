"""What data does a model need, and are they fit for it? From frames to samples of groups."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from servlab.core.brief import brief
from servlab.core.checks import check_weights
from servlab.core.errors import ModelError
from servlab.core.groups import code_text
from servlab.core.linalg import Array
from servlab.data.survey import Survey
from servlab.estimation.latent.ram import Ints
from servlab.estimation.latent.sample import GroupSample, row_moments
from servlab.estimation.moments import Moments

Data = pd.DataFrame | Survey | Moments | Mapping[str, Moments]
COPIES = 1e-10  # smallest eigenvalue of correlations that have a usable inverse


@brief
@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Data as they were given, checked for kind only.

    Attributes
    ----------
    frame : DataFrame or None
        Rows, or None when moments were given.
    moments : dict of str to Moments
        Published moments by group.
    group_labels : tuple of str
        In order of appearance; a categorical column's own order where there is one.
    codes : (n,) array or None
        Group number of each row, -1 where it has none.
    weights : (n,) array or None
    clusters : (n,) array or None
        Cluster number of each row, -1 where it has none.
    """

    frame: pd.DataFrame | None
    moments: dict[str, Moments]
    group_labels: tuple[str, ...]
    codes: Ints | None = None
    weights: Array | None = None
    clusters: Ints | None = None


def read_source(
    data: Data, group: str | None, cluster: str | None, weights: pd.Series | str | None
) -> Source:
    """Return the data with their groups, clusters and weights, or refuse them."""
    if isinstance(data, Moments | Mapping):
        return _moments_source(data, group, cluster, weights)
    if isinstance(data, Survey):
        weights = data.weights if weights is None else weights
        frame = _survey_frame(data)
    elif isinstance(data, pd.DataFrame):
        frame = data
    else:
        raise ModelError(
            "data must be a DataFrame of rows, a Survey, Moments, or a mapping of group to "
            f"Moments; got {type(data).__name__}."
        )
    labels, codes = (("",), None) if group is None else _levels(frame, group, "group")
    clusters = None if cluster is None else _levels(frame, cluster, "cluster")[1]
    if isinstance(weights, str):
        weights = _column(frame, weights, "weights")
    w = None if weights is None else check_weights(weights, frame.index).to_numpy()
    return Source(frame, {}, labels, codes, w, clusters)


def _moments_source(
    data: Moments | Mapping[str, Moments],
    group: str | None,
    cluster: str | None,
    weights: pd.Series | str | None,
) -> Source:
    """Return given moments, one or several groups."""
    if group is not None or cluster is not None or weights is not None:
        raise ModelError(
            "group, cluster and weights need rows; for several groups of Moments give a mapping "
            "of label to Moments, as in {'a': moments_a, 'b': moments_b}."
        )
    found = {"": data} if isinstance(data, Moments) else {str(k): v for k, v in data.items()}
    for label, one in found.items():
        if not isinstance(one, Moments):
            raise ModelError(
                f"data must map each group to Moments; group {label!r} holds {type(one).__name__}."
            )
        if one.kind != "pearson":
            raise ModelError(
                "polychoric moments need an estimator for ordered items; give pearson moments, "
                "or the rows."
            )
        if one.weighted:
            raise ModelError("weighted Moments have no likelihood here; give the rows and weights.")
    if not found:
        raise ModelError("data holds no group; give Moments of at least one.")
    return Source(None, found, tuple(found))


def _survey_frame(survey: Survey) -> pd.DataFrame:
    """Return a survey's flat frame; items of its one battery also under their own codes."""
    frame = survey.frame()
    battery = "perception" if survey.has("perception") else survey.batteries[0]
    items = survey.items(battery)
    items.columns = items.columns.map(str)
    return pd.concat([frame, items[[c for c in items.columns if c not in frame.columns]]], axis=1)


def _column(frame: pd.DataFrame, name: str, argument: str) -> pd.Series:
    """Return a column of the data, or refuse one that is not there."""
    if name not in frame.columns:
        raise ModelError(f"{argument}={name!r} is no column of the data; {_have(frame.columns)}.")
    return frame[name]


def _have(columns: Sequence[object] | pd.Index) -> str:
    """Return which columns there are, the first dozen."""
    names = [str(column) for column in columns]
    return f"it has {', '.join(names[:12])}{', ...' if len(names) > 12 else ''}"


def _levels(frame: pd.DataFrame, name: str, argument: str) -> tuple[tuple[str, ...], Ints]:
    """Return the labels of a column's levels and each row's level, -1 where missing."""
    column = _column(frame, name, argument)
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.cat.remove_unused_categories()
        codes, levels = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, levels = pd.factorize(column)
    if len(levels) < 2:
        raise ModelError(f"{argument}={name!r} has {len(levels)} level(s); at least 2 are needed.")
    return tuple(code_text(level) for level in levels), np.asarray(codes, dtype=np.int64)


def check_variables(source: Source, observed: tuple[str, ...], latent: tuple[str, ...]) -> None:
    """Raise ``ModelError`` for variables of the model that the data lack."""
    if source.frame is not None:
        columns = source.frame.columns
        unknown = [name for name in observed if name not in columns]
        names = [str(c) for c in columns]
    else:
        names = list(next(iter(source.moments.values())).names)
        unknown = [
            name for name in observed if any(name not in m.names for m in source.moments.values())
        ]
    if unknown:
        raise ModelError(
            f"the model names {', '.join(unknown)}, which the data do not have; "
            f"{_have(names)}. Correct the name, or define it as a factor with =~."
        )
    twice = [name for name in latent if name in names]
    if twice:
        raise ModelError(
            f"{', '.join(twice)} is a factor of the model and a column of the data; "
            "rename one of them."
        )


def read_samples(
    source: Source,
    observed: tuple[str, ...],
    *,
    fiml: bool,
    unbiased: bool,
    meanstructure: bool,
    exogenous: tuple[int, ...],
) -> tuple[tuple[GroupSample, ...], int]:
    """Return a sample a group and the rows lost.

    ``unbiased`` covariances have denominator n - 1. Under ``fiml`` the samples hold rows with
    missing answers and no moments yet.
    """
    if source.frame is None:
        if fiml:
            raise ModelError("missing='fiml' needs the rows; the data given are Moments.")
        return _given_samples(source, observed, unbiased, meanstructure), sum(
            m.n_dropped for m in source.moments.values()
        )
    X = _numbers(source.frame, observed)
    gone = np.isnan(X)
    keep = ~(gone.all(axis=1) if fiml else gone.any(axis=1))
    if fiml and exogenous:
        keep &= ~gone[:, list(exogenous)].any(axis=1)
    for codes in (source.codes, source.clusters):
        if codes is not None:
            keep &= codes >= 0
    if source.weights is not None:
        keep &= source.weights > 0
    dropped = int(len(X) - keep.sum())
    if not keep.any():
        raise ModelError(
            "no row is left after dropping rows with missing values; use missing='fiml' or "
            "fewer items."
        )
    weights = None
    if source.weights is not None:
        weights = np.where(keep, source.weights, 0.0)
        weights = weights * (keep.sum() / weights.sum())
    samples = []
    for number, label in enumerate(source.group_labels):
        mine = np.asarray(keep if source.codes is None else keep & (source.codes == number))
        samples.append(_sample(source, X, mine, label, weights, observed, fiml, unbiased))
    return tuple(samples), dropped


def _numbers(frame: pd.DataFrame, observed: tuple[str, ...]) -> Array:
    """Return the observed variables as an (n, p) array, or refuse one that is no number."""
    part = frame[list(observed)]
    if part.columns.duplicated().any():
        twice = sorted({str(c) for c in part.columns[part.columns.duplicated()]})
        raise ModelError(f"columns {twice} occur more than once; give each its own name.")
    for name, dtype in zip(observed, part.dtypes, strict=True):
        if not pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_complex_dtype(dtype):
            raise ModelError(
                f"variable {name!r} holds {dtype} values, not numbers; map its answers to numbers."
            )
    plain = all(isinstance(dtype, np.dtype) for dtype in part.dtypes)
    X = part.to_numpy(dtype=float) if plain else part.to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(X).any():
        bad = [name for name, inf in zip(observed, np.isinf(X).any(axis=0), strict=True) if inf]
        raise ModelError(f"variables {bad} hold infinite values; set them to missing.")
    return X


def _sample(
    source: Source,
    X: Array,
    mine: np.ndarray,
    label: str,
    weights: Array | None,
    observed: tuple[str, ...],
    fiml: bool,
    unbiased: bool,
) -> GroupSample:
    """Return the sample of one group's rows."""
    n, p = int(mine.sum()), len(observed)
    where = f" in group {label!r}" if label else ""
    if n < 2:
        raise ModelError(
            f"{n} row(s) are left{where}; at least 2 are needed, far more to be of use."
        )
    rows = X if mine.all() else X[mine]
    w = None if weights is None else weights[mine]
    size = float(n if w is None else w.sum())
    clusters = None if source.clusters is None else source.clusters[mine]
    index = None if source.frame is None else source.frame.index.to_numpy()[mine]
    if fiml:
        with warnings.catch_warnings():  # an item nobody answered is told below
            warnings.simplefilter("ignore", RuntimeWarning)
            low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    else:
        low, high = rows.min(axis=0), rows.max(axis=0)
    flat = [name for name, a, b in zip(observed, low, high, strict=True) if not a < b]
    if flat:
        raise ModelError(
            f"items {flat} are constant over the {n} rows used{where}; leave them out."
        )
    if fiml:
        empty = np.zeros((p, p)), np.zeros(p)
        return GroupSample(label, size, *empty, rows, w, clusters, index)
    cov, mean = row_moments(rows, w)
    if unbiased:
        cov = cov * (n / (n - 1))
    return GroupSample(label, size, cov, mean, rows, w, clusters, index)


def _given_samples(
    source: Source, observed: tuple[str, ...], unbiased: bool, meanstructure: bool
) -> tuple[GroupSample, ...]:
    """Return samples of published moments, in the model's order of variables."""
    samples = []
    for label, one in source.moments.items():
        at = np.array([one.names.index(name) for name in observed])
        cov = np.asarray(one.cov if unbiased else one.cov_ml)[np.ix_(at, at)]
        mean = np.asarray(one.mean)[at]
        if np.isnan(mean).any():
            if meanstructure:
                raise ModelError(
                    "a mean structure needs means and the Moments given have none; add them, or "
                    "set meanstructure=False."
                )
            mean = np.zeros(len(at))
        acov = None if one.acov is None else _picked_acov(one.acov, at, len(one.names))
        samples.append(GroupSample(label, float(one.n), cov, mean, acov=acov))
    return tuple(samples)


def _picked_acov(acov: Array, at: Ints, k: int) -> Array:
    """Return the acov of some items' covariances, in a new order."""
    col, row = np.triu_indices(k)
    place = np.zeros((k, k), dtype=np.int64)
    place[row, col] = place[col, row] = np.arange(len(row))
    new_col, new_row = np.triu_indices(len(at))
    picked = place[at[new_row], at[new_col]]
    return np.asarray(acov[np.ix_(picked, picked)])


def check_definite(sample: GroupSample, observed: tuple[str, ...]) -> None:
    """Raise ``ModelError`` naming the variables when covariances have no usable inverse."""
    cov = sample.cov
    if not np.isfinite(cov).all() or not np.allclose(cov, cov.T, rtol=1e-8, atol=1e-12):
        raise ModelError("the covariances must be finite and symmetric; check the matrix given.")
    scale = np.sqrt(np.maximum(np.diag(cov), 0))
    if (scale == 0).any():
        flat = [name for name, s in zip(observed, scale, strict=True) if s == 0]
        raise ModelError(f"{flat} have no variance; leave them out.")
    values, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    if values[0] > COPIES:
        return
    where = f" of group {sample.label!r}" if sample.label else ""
    if sample.rows is not None and sample.n <= len(cov):
        raise ModelError(
            f"{sample.n:.0f} rows of {len(cov)} variables{where} give covariances without an "
            "inverse; more rows than variables are needed."
        )
    involved = [name for name, v in zip(observed, vectors[:, 0], strict=True) if abs(v) > 1e-4]
    kind = "is not positive definite" if values[0] < -COPIES else "has no inverse"
    raise ModelError(
        f"the covariance matrix{where} {kind} (smallest eigenvalue {values[0]:.2g}): "
        f"{', '.join(involved)} depend on each other; leave one of them out or correct the matrix."
    )
