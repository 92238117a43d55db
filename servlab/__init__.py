"""A Jupyter research workbench for service-quality studies.

Every public name is here, flat: ``import servlab as sl`` and then ``sl.read_survey(...)``,
``sl.gap_scores(...)``, ``sl.efa(...)``. Names are loaded when they are first used, so the
import itself costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that holds it. docs/api.md is made from this table.
_HOMES = {
    # data
    "load_instrument": "servlab.data.instrument",
    "shipped_instruments": "servlab.data.instrument",
    "Instrument": "servlab.data.instrument",
    "load_codebook": "servlab.data.codebook",
    "Codebook": "servlab.data.codebook",
    "Survey": "servlab.data.survey",
    "Label": "servlab.data.schema",
    "read_survey": "servlab.data.readers",
    "load_example": "servlab.data.examples",
    "draft_codebook": "servlab.data.draft",
    "simulate_survey": "servlab.data.simulate",
    "screen_responses": "servlab.data.screening",
    "exclude_screened": "servlab.data.screening",
    "keep_respondents": "servlab.data.keep",
    "ScreeningCutoffs": "servlab.data.screening_rules",
    "screening_effect": "servlab.estimation.screening_effect",
    "survey_from_frame": "servlab.data.readers",
    "check_survey": "servlab.data.check",
    "combine_waves": "servlab.data.waves",
    "wave_items": "servlab.data.wave_items",
    # scales
    "dimension_scores": "servlab.scales.scoring",
    "gap_scores": "servlab.scales.gaps",
    "servqual_score": "servlab.scales.weighting",
    "zone_of_tolerance": "servlab.scales.tolerance",
    "item_descriptives": "servlab.scales.descriptives",
    "sample_table": "servlab.scales.sample",
    "missing_patterns": "servlab.scales.missing",
    # measurement
    "moments": "servlab.estimation.moments",
    "smooth_moments": "servlab.estimation.moments",
    "polyserial": "servlab.estimation.polyserial",
    "mardia": "servlab.estimation.normality",
    "kmo": "servlab.estimation.adequacy",
    "bartlett_sphericity": "servlab.estimation.adequacy",
    "parallel_analysis": "servlab.estimation.retention",
    "map_test": "servlab.estimation.retention",
    "factor_count": "servlab.estimation.factor_count",
    "efa": "servlab.estimation.efa",
    "efa_scores": "servlab.estimation.efa_scores",
    "loading_advice": "servlab.estimation.efa_scores",
    "second_opinion": "servlab.estimation.second_opinion",
    "comparable": "servlab.estimation.second_opinion",
    "cronbach_alpha": "servlab.estimation.reliability",
    "scale_reliability": "servlab.estimation.scale_reliability",
    "item_analysis": "servlab.estimation.item_analysis",
    "scale_item_analysis": "servlab.estimation.scale_item_analysis",
    "item_decisions": "servlab.estimation.item_decisions",
    "factor_dimensions": "servlab.estimation.factor_dimensions",
    "tucker_congruence": "servlab.estimation.replication",
    "can_hold_out": "servlab.estimation.replication",
    "hold_out": "servlab.estimation.replication",
    "reliability_coefficients": "servlab.estimation.reliability_coefficients",
    "cosmin_summary": "servlab.estimation.cosmin",
    "mcdonald_omega": "servlab.estimation.omega",
    "congeneric_omega": "servlab.estimation.omega",
    "categorical_omega": "servlab.estimation.ordinal_reliability",
    "polychoric_alpha": "servlab.estimation.ordinal_reliability",
    "split_half": "servlab.estimation.split_half",
    "guttman_lambdas": "servlab.estimation.split_half",
    "difference_score_reliability": "servlab.estimation.difference_scores",
    # latent variable models
    "instrument_syntax": "servlab.estimation.latent.syntax",
    "cfa": "servlab.estimation.latent.fit",
    "sem": "servlab.estimation.latent.fit",
    "LatentFit": "servlab.estimation.latent.result",
    "standardized_solution": "servlab.estimation.latent.standardize",
    "compare_models": "servlab.estimation.latent.compare",
    "score_tests": "servlab.estimation.latent.score_tests",
    "modification_indices": "servlab.estimation.latent.score_tests",
    "model_residuals": "servlab.estimation.latent.residuals",
    "factor_scores": "servlab.estimation.latent.factor_scores",
    "bootstrap_fit": "servlab.estimation.latent.bootstrap",
    "factor_reliability": "servlab.estimation.latent.factor_reliability",
    "model_choices": "servlab.estimation.latent.choices",
    "structural_choices": "servlab.estimation.latent.choices",
    "measurement_invariance": "servlab.estimation.latent.invariance.measurement",
    "group_invariance": "servlab.estimation.latent.invariance.groups_of_survey",
    # comparisons and drivers
    "compare_score_forms": "servlab.estimation.difference_scores",
    "meng_test": "servlab.estimation.correlations",
    "gap_tests": "servlab.estimation.comparison.gap_tests",
    "compare_waves": "servlab.estimation.comparison.waves",
    "wave_limits": "servlab.estimation.comparison.wave_limits",
    "compare_groups": "servlab.estimation.comparison.groups",
    "agreement": "servlab.estimation.comparison.agreement",
    "league_table": "servlab.estimation.comparison.league",
    "funnel": "servlab.estimation.comparison.funnel",
    "funnel_counts": "servlab.estimation.comparison.funnel",
    "formula": "servlab.estimation.regression.formulas",
    "regress": "servlab.estimation.regression.linear",
    "ordinal_regress": "servlab.estimation.regression.ordinal",
    "brant_test": "servlab.estimation.regression.brant",
    "marginal_effects": "servlab.estimation.regression.marginal_effects",
    "logistic_regress": "servlab.estimation.regression.logistic",
    "top_box": "servlab.estimation.regression.top_box",
    "mediation": "servlab.estimation.regression.mediation",
    "regression_choices": "servlab.estimation.regression.choices",
    "hierarchical_regress": "servlab.estimation.regression.hierarchical",
    "nested_formulas": "servlab.estimation.regression.hierarchical",
    "influence": "servlab.estimation.regression.influence",
    "simple_slopes": "servlab.estimation.regression.simple_slopes",
    "johnson_neyman": "servlab.estimation.regression.johnson_neyman",
    "quantile_regress": "servlab.estimation.regression.quantile",
    "multilevel": "servlab.estimation.regression.multilevel",
    "centre_within": "servlab.estimation.regression.contextual",
    "contextual_effects": "servlab.estimation.regression.contextual",
    "importance_performance": "servlab.estimation.drivers",
    "response_surface": "servlab.estimation.regression.response_surface",
    "gap_licence": "servlab.estimation.comparison.licence",
    "study_choices": "servlab.estimation.choices",
    "validation_choices": "servlab.estimation.choices",
    "mcar_test": "servlab.estimation.mcar",
    # who answered
    "read_sample_file": "servlab.data.sample_file",
    "response_rates": "servlab.estimation.response_rates",
    "early_late": "servlab.estimation.nonresponse",
    "mode_effect": "servlab.estimation.mode_effects",
    "rake": "servlab.estimation.raking",
    "parse_margins": "servlab.estimation.raking",
    "sample_size_mean": "servlab.estimation.survey_sample_size",
    "sample_size_share": "servlab.estimation.survey_sample_size",
    "sample_size_gap": "servlab.estimation.survey_sample_size",
    "sample_size_difference": "servlab.estimation.survey_sample_size",
    # presentation
    "cover": "servlab.presentation.framing",
    "section": "servlab.presentation.framing",
    "methods": "servlab.presentation.framing",
    "table": "servlab.presentation.result_tables",
    "narrate": "servlab.presentation.narrative",
    "summarize": "servlab.presentation.narrative",
    "who_answered": "servlab.presentation.narrative",
    "screening_flow": "servlab.presentation.narrative",
    "efa_warnings": "servlab.presentation.narrative",
    "summarize_validation": "servlab.presentation.dossier",
    "validation_limits": "servlab.presentation.dossier",
    "validation_methods": "servlab.presentation.dossier",
    "exploratory": "servlab.presentation.dossier",
    "instrument_notes": "servlab.presentation.narrative",
    "wave_verdict": "servlab.presentation.narrative",
    "invariance_warnings": "servlab.presentation.narrative",
    "plot_gaps": "servlab.presentation.plots",
    "plot_gap_tests": "servlab.presentation.plots",
    "plot_expectation_perception": "servlab.presentation.plots",
    "plot_zone": "servlab.presentation.plots",
    "plot_likert": "servlab.presentation.plots",
    "plot_likert_by": "servlab.presentation.plots",
    "plot_missing": "servlab.presentation.plots",
    "plot_scree": "servlab.presentation.plots",
    "plot_loadings": "servlab.presentation.plots",
    "model_cover": "servlab.presentation.model_study",
    "summarize_model": "servlab.presentation.model_study",
    "comparison_notes": "servlab.presentation.model_study",
    "model_methods": "servlab.presentation.model_study",
    "plot_path_diagram": "servlab.presentation.plots",
    "plot_drivers": "servlab.presentation.plots",
    "regression_methods": "servlab.presentation.regression_study",
    "plot_residuals": "servlab.presentation.plots",
    "plot_simple_slopes": "servlab.presentation.plots",
    "plot_johnson_neyman": "servlab.presentation.plots",
    "plot_response_surface": "servlab.presentation.plots",
    "plot_importance_performance": "servlab.presentation.plots",
    "plot_waves": "servlab.presentation.plots",
    "plot_wave_limits": "servlab.presentation.plots",
    "plot_groups": "servlab.presentation.plots",
    "plot_odds": "servlab.presentation.plots",
    "plot_marginal_effects": "servlab.presentation.plots",
    "plot_mediation": "servlab.presentation.plots",
    "branch_methods": "servlab.presentation.branch_study",
    "plot_league": "servlab.presentation.plots",
    "plot_funnel": "servlab.presentation.plots",
    "Table": "servlab.presentation.tables",
    "export_tables": "servlab.studies.exports",
    "Section": "servlab.presentation.display",
    "Prose": "servlab.presentation.display",
    "Note": "servlab.presentation.display",
    # studies
    "run_study": "servlab.studies.runner",
    "StudyRun": "servlab.studies.runner",
    "list_parameters": "servlab.studies.parameters",
    "secret": "servlab.studies.secrets",
    "record": "servlab.studies.results",
}

__all__ = sorted(["__version__", *_HOMES])


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used."""
    if name not in _HOMES:
        raise AttributeError(
            f"servlab has no public name {name!r}; dir(servlab) lists them, docs/api.md explains."
        )
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:  # what type checkers and editors see
    pass
