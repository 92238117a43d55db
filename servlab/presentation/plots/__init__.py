"""Charts: one kind of result a module, all on the same rows, colours and sizes."""

from servlab.presentation.plots.choices import plot_marginal_effects, plot_mediation, plot_odds
from servlab.presentation.plots.drivers import plot_drivers
from servlab.presentation.plots.factors import plot_loadings, plot_scree
from servlab.presentation.plots.funnel import plot_funnel
from servlab.presentation.plots.gap_tests import plot_gap_tests
from servlab.presentation.plots.gaps import plot_expectation_perception, plot_gaps
from servlab.presentation.plots.groups import plot_groups
from servlab.presentation.plots.importance import plot_importance_performance
from servlab.presentation.plots.league import plot_league
from servlab.presentation.plots.likert import plot_likert, plot_likert_by
from servlab.presentation.plots.missing import plot_missing
from servlab.presentation.plots.moderation import plot_johnson_neyman, plot_simple_slopes
from servlab.presentation.plots.path_diagram import plot_path_diagram
from servlab.presentation.plots.quantiles import plot_quantiles
from servlab.presentation.plots.residuals import plot_residuals
from servlab.presentation.plots.surface import plot_response_surface
from servlab.presentation.plots.waves import plot_wave_limits, plot_waves
from servlab.presentation.plots.zone import plot_zone

__all__ = [
    "plot_drivers",
    "plot_expectation_perception",
    "plot_funnel",
    "plot_gap_tests",
    "plot_gaps",
    "plot_groups",
    "plot_importance_performance",
    "plot_johnson_neyman",
    "plot_league",
    "plot_likert",
    "plot_likert_by",
    "plot_loadings",
    "plot_marginal_effects",
    "plot_mediation",
    "plot_missing",
    "plot_odds",
    "plot_path_diagram",
    "plot_quantiles",
    "plot_residuals",
    "plot_response_surface",
    "plot_scree",
    "plot_simple_slopes",
    "plot_wave_limits",
    "plot_waves",
    "plot_zone",
]
