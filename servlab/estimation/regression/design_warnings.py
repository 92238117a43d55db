"""What every kind of regression warns of alike: empty categories, lone rows, few clusters.

Each warning goes with a flag of the result, which its tables and sentences show.
"""

import warnings
from collections.abc import Sequence

from servlab.core.errors import (
    NoWeightsError,
    SmallSampleWarning,
    SparseDataWarning,
    UnweightedWarning,
)
from servlab.core.standards import standard


def refuse_weights(weights: str | None, method: str, why: str) -> None:
    """Refuse weights for a method without a weighted form; silent without weights."""
    if weights is not None:
        raise NoWeightsError(
            f"{method} takes no weights: {why}. Leave weights out to describe these respondents "
            "alone, or use regress with weights."
        )


def warn_of_unused_weights(column: str, *, stacklevel: int) -> None:
    """Warn that a survey's weights stand in the data and are not used."""
    warnings.warn(
        UnweightedWarning(
            f"the data hold survey weights in the column {column!r}, which this estimate leaves "
            "out: it describes these respondents, not the population. Name them as weights where "
            "the method takes them, or drop the column.",
            key="weights_unused",
            values={},
        ),
        stacklevel=stacklevel,
    )


def few_clusters(n_clusters: int | None) -> bool:
    """Return whether there are clusters, but fewer than clustered errors need [cameron2015]_."""
    return bool(n_clusters) and not standard("clusters").met_by(n_clusters or 0)


def warn_of_few_clusters(n_clusters: int | None, cluster: str | None, *, stacklevel: int) -> None:
    """Warn of few clusters; silent where there are enough, or none."""
    if not few_clusters(n_clusters):
        return
    warnings.warn(
        SmallSampleWarning(
            f"{n_clusters} clusters of {cluster!r} are few: clustered errors tend to be too "
            f"small under {standard('clusters').value:.0f} (Cameron and Miller, 2015); read p "
            "values and intervals with care.",
            key="few_clusters",
            values={"count": str(n_clusters)},
        ),
        stacklevel=stacklevel,
    )


def warn_of_empty(empty: tuple[str, ...], *, stacklevel: int) -> None:
    """Warn of declared categories that no row used has; silent without."""
    if not empty:
        return
    names = ", ".join(empty)
    warnings.warn(
        SparseDataWarning(
            f"nobody is in {names}; the category is left out.",
            key="empty_category",
            values={"items": names},
        ),
        stacklevel=stacklevel,
    )


def warn_of_undetermined(undetermined: tuple[str, ...], *, clusters: bool, stacklevel: int) -> None:
    """Warn of coefficients that hang on one respondent or one cluster; silent without."""
    if not undetermined:
        return
    names = ", ".join(undetermined)
    text = (
        f"{names} hang on {'one cluster' if clusters else 'one respondent'} alone, so that no "
        "robust error can be computed for them; join categories or leave them out."
    )
    if clusters:
        told = SparseDataWarning(text, key="undetermined_cluster", values={"items": names})
    else:
        told = SparseDataWarning(text, key="undetermined_row", values={"items": names})
    warnings.warn(told, stacklevel=stacklevel)


def warn_of_design(
    undetermined: Sequence[str],
    *,
    empty: tuple[str, ...],
    n_clusters: int | None,
    cluster: str | None,
    stacklevel: int,
) -> None:
    """Warn of empty categories, of what hangs on one row or cluster, and of few clusters."""
    level = stacklevel + 1
    warn_of_empty(empty, stacklevel=level)
    warn_of_undetermined(tuple(undetermined), clusters=cluster is not None, stacklevel=level)
    warn_of_few_clusters(n_clusters, cluster, stacklevel=level)
