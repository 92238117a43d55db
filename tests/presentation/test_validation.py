"""The dossier of a scale in tables and sentences: flags first, standards under each table."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from servlab.core.errors import ModelError, ServlabWarning
from servlab.estimation.efa import efa
from servlab.estimation.moments import moments
from servlab.estimation.scale_item_analysis import scale_item_analysis
from servlab.presentation.dossier import (
    exploratory,
    summarize_validation,
    validation_limits,
    validation_methods,
)
from servlab.presentation.narrative import efa_warnings, narrate
from servlab.presentation.plots import plot_loadings
from servlab.presentation.result_tables import table
from servlab.presentation.result_tables.structure import _PARTS
from tests.presentation.results import results, survey
from tests.presentation.test_narrative import OWN, foreign
from tests.surveys import tiny_survey

DOSSIER = ("item_analysis", "scale_items", "coefficients", "omega", "omega_one", "categorical",
           "latent", "halves", "lambdas", "count", "map", "mardia", "dimensions", "decisions",
           "replication", "cosmin", "kmo", "bartlett", "parallel", "efa", "items")  # fmt: skip


def text(prose) -> str:
    return " ".join(prose.paragraphs)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", DOSSIER)
def test_every_table_of_the_dossier_names_its_standard(name, language):
    notes = " ".join(table(results()[name], language=language).notes)
    assert re.search(r"Standards?: " if language == "en" else "判断标准：", notes)


@pytest.mark.parametrize("part", sorted(_PARTS))
def test_every_part_of_a_factor_analysis_has_a_table_in_both_languages(part):
    fit = results()["efa"]
    english, chinese = (table(fit, part=part, language=lang) for lang in ("en", "zh"))
    assert english.frame.shape == chinese.frame.shape
    words = " ".join([chinese.caption, chinese.row_header, *chinese.headings.values(),
                      *chinese.notes])  # fmt: skip
    assert not foreign(words, OWN)
    assert re.search(r"n = \d", " ".join(english.notes))


def test_parts_hold_the_results_own_numbers():
    fit = results()["efa"]
    np.testing.assert_array_equal(table(fit, part="structure").frame, fit.structure)
    np.testing.assert_array_equal(table(fit, part="factor_cor").frame, fit.factor_cor)
    shown = table(fit, part="fit").frame.iloc[0]
    assert shown["rmsea"] == fit.rmsea
    assert shown["interval"] == (fit.rmsea_low, fit.rmsea_high)
    residuals = table(fit, part="residuals").frame["estimate"]
    off = fit.residual.to_numpy()[np.triu_indices(9, 1)]
    assert abs(residuals.iloc[0]) == np.abs(off).max()
    with pytest.raises(ModelError, match="part must be one of"):
        table(fit, part="scree")


def test_advice_shows_the_items_that_a_rule_names_and_no_others():
    rng = np.random.default_rng(3)
    items = survey().items("perception").dropna().reset_index(drop=True)
    fit = efa(items.assign(noise=rng.integers(1, 8, len(items))), 2)
    shown = table(fit, part="advice")
    assert "noise" in shown.frame.index
    assert all(cells[-1] != "–" for cells in shown.cells())


def test_a_heywood_case_leads_every_form_of_the_solution():
    fit = replace(results()["efa"], heywood=("a1",))
    (panel,) = efa_warnings(fit, instrument=survey().instrument)
    assert "Heywood" in panel.text[0]
    assert "item a1" in panel.text[0]
    for part in _PARTS:
        assert "Heywood" in table(fit, part=part).notes[0]
    assert "Heywood" in narrate(fit).paragraphs[0]
    chart = plot_loadings(fit)
    assert "Heywood" in chart.caption
    (chinese,) = efa_warnings(fit, language="zh")
    assert "不得解读" in chinese.text[0]
    assert efa_warnings(results()["efa"]) == ()


def test_a_heywood_row_is_framed_in_the_chart():
    plain, struck = (plot_loadings(replace(results()["efa"], heywood=h)) for h in ((), ("a1",)))
    assert struck.svg.count("<path") == plain.svg.count("<path") + 1


def test_the_first_screen_names_what_speaks_against_the_battery():
    found = results()
    known = {"adequacy": found["kmo"], "reliability": found["coefficients"]}
    known |= {"decisions": found["decisions"], "dimensions": found["dimensions"]}
    fit = replace(found["efa"], heywood=("a1",))
    panel, lead, cards, *_ = summarize_validation(fit=fit, **known)
    assert "Heywood" in panel.text[0]
    assert "must not be interpreted" in text(lead)
    assert cards.cards[2].tone == "bad"
    first, *_ = summarize_validation(fit=found["efa"], language="zh", **known)
    assert re.search("[\u4e00-\u9fff]", text(first))


def test_a_sound_battery_is_called_so():
    import servlab as sl

    example = sl.load_example("servqual")
    fit = sl.efa(example.items("perception"), 5)
    with pytest.warns(ServlabWarning):
        reliability = sl.reliability_coefficients(example, "perception")
    decisions = sl.item_decisions(sl.scale_item_analysis(example, "perception"), fit)
    lead, cards, *_ = summarize_validation(
        decisions=decisions,
        adequacy=sl.kmo(fit.moments),
        fit=fit,
        reliability=reliability,
        dimensions=sl.factor_dimensions(fit, example.instrument),
    )
    assert "Nothing in these data speaks against" in text(lead)
    assert all(card.tone != "bad" for card in cards.cards)


def test_limits_name_weights_and_missing_answers():
    import servlab as sl

    weighted = tiny_survey(n=60, missing=0.2, weights=np.linspace(1, 2, 60))
    (panel,) = validation_limits(weighted, "perception")
    assert len(panel.text) == 2
    assert "respondents answered every item" in panel.text[0]
    assert "unweighted" in panel.text[1]
    assert validation_limits(sl.load_example("servqual"), "perception") == ()


def test_what_remains_exploratory_depends_on_the_hold_out_half():
    held = exploratory(results()["replication"], n=80, n_items=9)
    assert "held out" in held.paragraphs[2]
    assert "too few for two factor analyses" in exploratory(None, n=40, n_items=22).paragraphs[2]
    assert "holdout = True" in exploratory(None, n=400, n_items=22, asked=False).paragraphs[2]


def test_methods_name_the_choices_of_the_study():
    fit, count = results()["efa"], results()["count"]
    said = " ".join(validation_methods(fit, count)[0].paragraphs)
    assert "oblimin" in said
    assert "20 draws, seed 1" in said
    assert "random half" not in said
    held = validation_methods(fit, count, replication=results()["replication"], language="zh")
    assert "随机分为两半" in " ".join(held[0].paragraphs)


def test_moments_say_which_correlations_and_whether_rows_are_enough():
    few = moments(survey().items("perception").iloc[:50])
    assert "COSMIN asks for" in text(narrate(few))
    assert "Pearson" in text(narrate(few, language="zh"))


def test_a_recommendation_has_its_reason_and_what_was_chosen_instead():
    count = results()["count"]
    unanimous = replace(count, reason="unanimous", n_factors=2, lowest=2, highest=2)
    assert "All four criteria name 2 factors" in text(narrate(unanimous))
    divided = replace(count, reason="divided", n_factors=3, lowest=2, highest=4)
    said = text(narrate(divided, chosen=6, dimensions=5))
    assert "from 2 to 4 factors" in said
    assert "This dossier uses 6" in said
    assert "5 dimensions" in said


def test_normality_is_judged_by_mardias_kurtosis():
    found = results()["mardia"]
    assert "far from jointly normal" in text(narrate(replace(found, kurtosis_statistic=9.0)))
    kept = replace(found, kurtosis_statistic=0.1, kurtosis_p=0.9, skewness_p=0.5)
    assert "do not show a departure" in text(narrate(kept))


def test_reliability_of_latent_responses_is_called_so():
    assert "nobody observes" in text(narrate(results()["latent"]))
    assert "nobody observes" in " ".join(table(results()["latent"]).notes)
    assert "nobody observes" not in " ".join(table(results()["categorical"]).notes)
    assert "latent" in " ".join(table(results()["coefficients"], part="more").headings.values())


def test_a_one_factor_heywood_case_withdraws_the_omegas():
    found = results()["coefficients"]
    recommended = found.recommended.copy()
    recommended["a"] = "alpha"
    struck = replace(found, heywood={"a": ("a1",)}, recommended=recommended)
    shown = table(struck)
    assert "Heywood" in shown.notes[0]
    place = list(struck.by_term.index).index("a")
    assert shown.marks["categorical_omega"][place] == "bad"
    assert shown.marks["alpha"][place] in ("strong", "bad")
    assert "must not be reported" in text(narrate(struck))


def test_a_weak_general_factor_forbids_a_total_score():
    weak = replace(results()["omega"], hierarchical=0.4)
    assert "report the dimensions" in text(narrate(weak))
    assert table(weak).marks["estimate"][1] == "bad"
    assert "omega hierarchical" not in text(narrate(results()["omega_one"]))


def test_lost_and_small_halves_are_said():
    found = results()["replication"]
    lost = replace(found, congruence=pd.Series([0.97, 0.6], found.congruence.index), small=True)
    said = text(narrate(lost))
    assert "1 of 2 factors" in said
    assert "do not build on them" in said
    assert "halves are small" in said
    equal = replace(found, congruence=pd.Series([0.97, 0.96], found.congruence.index))
    assert "All factors are found again" in text(narrate(equal))


def test_decisions_are_worded_with_their_reasons():
    import servlab as sl

    found = results()["decisions"]
    rows = found.by_item.copy()
    rows["reasons"] = [("weak_item_rest", "weak_loading"), *[()] * (len(rows) - 1)]
    rows["decision"] = ["drop", *["keep"] * (len(rows) - 1)]
    spoilt = replace(found, by_item=rows)
    shown = sl.table(spoilt)
    assert shown.cells()[0][0] == "drop: low item-total correlation and weak loading"
    assert shown.cells()[1][0] == "keep"
    assert shown.marks["proposal"][0] == "bad"
    assert "Proposed for dropping" in text(narrate(spoilt))
    assert "item a1" in text(narrate(spoilt))
    rows["reasons"], rows["decision"] = [()] * len(rows), "keep"
    assert "No rule speaks against any of the 9 items" in text(
        narrate(replace(found, by_item=rows))
    )


def test_content_validity_is_called_outside_the_data():
    shown = table(results()["cosmin"], survey=survey())
    assert shown.row_labels()[0] == "Content validity"
    assert shown.cells()[0][-1] == "outside the data"
    assert "r = " in " ".join(cells[1] for cells in shown.cells())
    assert "experts and respondents" in text(narrate(results()["cosmin"]))


def test_the_item_analysis_says_the_rows_of_each_dimension():
    survey = tiny_survey(n=150, missing=0.05)
    found = scale_item_analysis(survey, "perception")
    used = [found.by_scale[name].n for name in found.by_item["dimension"].unique()]
    assert len(set(used)) > 1
    notes = " ".join(map(str, table(found).notes))
    assert f"from {min(used)} to {max(used)}" in notes
    assert f"n = {found.n}." not in notes
