"""The frame of a study of branches: how its numbers were computed."""

from servlab.data.schema import Language
from servlab.estimation.comparison.league import LeagueTable
from servlab.presentation.display import Prose
from servlab.presentation.formats import format_count
from servlab.presentation.messages import message


def branch_methods(result: LeagueTable, *, language: Language = "en") -> Prose:
    """Return how branches were compared, with sources.

    Parameters
    ----------
    result : LeagueTable
        The study's league table.
    language : {"en", "zh"}
        Language of the text.

    Returns
    -------
    Prose
    """
    values = {
        "league": {"draws": format_count(result.n_draws)},
        "small": {"min_cell": str(result.min_cell)},
    }
    names = ("invariance", "agreement", "league", "pairs", "funnel", "small")
    points = [
        message(f"branches.method_{name}", language, **values.get(name, {})) for name in names
    ]
    points.append(message("framing.method_causes", language))
    return Prose(points, form="points")
