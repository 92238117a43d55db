"""A sentence cannot contradict its number, in either language."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from servlab.core.errors import ModelError
from servlab.data.schema import Label
from servlab.data.survey import Exclusions, Provenance
from servlab.estimation.correlations import meng_test
from servlab.presentation.formats import format_number
from servlab.presentation.labels import (
    in_sentence,
    listed,
    names_in_sentence,
    predictor_label,
    shorten,
)
from servlab.presentation.messages import catalogue
from servlab.presentation.narrative import (
    instrument_notes,
    narrate,
    summarize,
    who_answered,
)
from servlab.presentation.narrative.gaps import gap_lead, overall_gap, widest
from servlab.presentation.narrative.respondents import confounded_dimensions
from servlab.presentation.narrative.standing import standing
from servlab.scales.gaps import gap_scores
from servlab.scales.scoring import dimension_scores
from servlab.scales.tolerance import zone_of_tolerance
from tests.presentation.results import results, survey, zones
from tests.surveys import tiny_survey

PACKAGE = Path(__file__).resolve().parents[2] / "servlab"
MINE = (
    "gaps",
    "zone",
    "items",
    "scale",
    "drivers",
    "groups",
    "missing",
    "sample",
    "screening",
    "summary",
    "terms",
)
NAMES = sorted(results())
# words that Chinese texts use too: names of people, statistics, programs and codes
SHARED = {
    "Nunnally", "Kaiser", "Menard", "Meng", "Feldt", "Stevens", "Horn", "Johns", "Peter",
    "Churchill", "Brown", "Cronin", "Taylor", "Welch", "Wilcoxon", "Schuirmann", "Hochberg",
    "Benjamini", "Games", "Howell", "Dunn", "Kruskal", "Wallis", "Forsythe", "Pillai", "Wilks",
    "Hotelling", "Lawley", "Roy", "Wald", "Box", "Tukey", "Delacre", "Lumley", "Scott",
    "Brant", "McFadden", "Nagelkerke", "Tjur", "ROC", "AIC", "Lemeshow", "Hosmer", "Sobel",
    "probit", "delta", "Peduzzi",
    "Martilla", "James", "Rosenthal", "Rubin",
    "Breusch", "Pagan", "Koenker", "White", "Ramsey", "RESET", "Shapiro", "Wilk", "Cook", "DFFITS",
    "DFBETAS", "Belsley", "Kuh", "Welsch", "Fox", "Bollen", "Jackman", "Cameron", "Miller",
    "Johnson", "Neyman", "Bauer", "Esarey", "Sumner", "Hendricks", "Machado",
    "Kish", "Bartlett", "Heywood", "Parasuraman", "Zeithaml", "Berry", "SERVQUAL", "SERVPERF",
    "Meade", "Craig", "Schafer", "Bennett", "Little", "Armstrong", "Overton",
    "Holm", "Hedges", "Deming", "Stephan", "Cochran", "AAPOR", "RR", "COOP", "REF", "I", "P", "NC",
    "O", "UH", "UO", "NE", "E", "U", "e", "g",
    "KMO", "VIF", "MSA", "MSS", "HC", "EFA", "factor", "analyzer", "minres", "varimax",
    "quartimax", "oblimin", "quartimin", "promax", "n", "p", "z", "t", "F", "r", "R", "df",
    "Kline", "Bentler", "Terwee", "Bernstein", "Mokkink", "COSMIN", "Glorfeld", "Velicer",
    "Eaton", "Fava", "Tabachnick", "Fidell", "Child", "Costello", "Osborne", "Hair", "Hu",
    "Browne", "Cudeck", "Bonett", "Lorenzo", "Seva", "ten", "Berge", "Reise", "Bonifay",
    "Haviland", "Prinsen", "Curran", "Guttman", "Mardia", "Pearson", "Tucker", "Hofmann",
    "Schmid", "Leiman", "Zinbarg", "Auerswald", "Moshagen", "MAP", "RMSEA", "TLI", "BIC", "CR",
    "Chalmers", "Green", "Yang", "McDonald", "psych", "geomin", "equamax",
}  # fmt: skip


def said(name: str, language: str, **options) -> str:
    return " ".join(narrate(results()[name], language=language, **options).paragraphs)


def foreign(text: str, labels: set[str]) -> set[str]:
    """Return the Latin words of a Chinese text that are neither names nor the survey's labels."""
    return set(re.findall(r"[A-Za-z]+", text)) - SHARED - labels


OWN = {"item", "A", "B", "C", "a", "b", "c", "d", "satisfaction", "Satisfaction", "north", "south",
       "west", "Tiny", "tiny", "Branch", "branch", "top"}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_chinese_sentences_have_none_of_our_english_words(name):
    text = said(name, "zh")
    assert re.search(r"[\u4e00-\u9fff]", text)
    assert not foreign(text, OWN)


@pytest.mark.parametrize("name", NAMES)
def test_english_sentences_have_no_chinese_and_end_in_a_full_stop(name):
    paragraphs = narrate(results()[name]).paragraphs
    assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", " ".join(paragraphs))
    assert all(text.endswith(".") for text in paragraphs)
    assert not any("{" in text or ".." in text or "nan" in text for text in paragraphs)


def test_an_unknown_value_has_no_sentences():
    with pytest.raises(ModelError, match="no sentences for a int"):
        narrate(3)


def with_dimensions(rows: list[tuple[float, float, float]]):
    """Return gaps whose dimensions have the (estimate, low, high) given."""
    codes = list("abcdefgh")[: len(rows)]
    gaps = gap_scores(tiny_survey(n=40, per_dimension=(1,) * len(rows)))
    table = gaps.by_dimension.copy()
    table[["estimate", "conf_low", "conf_high"]] = np.array(rows)
    assert list(table.index) == codes
    return replace(gaps, by_dimension=table)


estimates = st.tuples(
    st.floats(-3, 3).map(lambda x: round(x, 3)), st.floats(0.01, 1).map(lambda x: round(x, 3))
).map(lambda pair: (pair[0], pair[0] - pair[1], pair[0] + pair[1]))


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(estimates, min_size=1, max_size=6))
def test_the_count_of_dimensions_that_fall_short_is_the_count_of_negative_intervals(rows):
    text = " ".join(gap_lead(with_dimensions(rows), "en"))
    short = sum(high < 0 for _, _, high in rows)
    if short == len(rows):
        assert f"all {short} dimensions" in text or "its one dimension" in text
    elif short:
        assert f"on {short} of {len(rows)} dimensions" in text
    else:
        assert "below" in text
        assert "none of" in text or "do not rate" in text
    level = any(low <= 0 <= high for _, low, high in rows)
    assert ("two are level" in text) == level
    assert ("exceeds" in text) == any(low > 0 for _, low, _ in rows)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(estimates, min_size=2, max_size=6))
def test_only_dimensions_that_fall_short_are_called_widest(rows):
    text = " ".join(widest(with_dimensions(rows), "zh"))
    named = re.findall(r"\*\*(\w)\*\*", text)
    short = [row[0] for row in rows if row[2] < 0]
    assert len(named) == min(2, len(short))
    if short:
        assert format_number(min(short), sign=True) in text


@settings(max_examples=30, deadline=None)
@given(low=st.floats(-3, 3), width=st.floats(0, 2))
def test_overall_words_follow_the_interval(low, width):
    gaps = gap_scores(survey())
    table = gaps.by_overall.copy()
    table.loc["overall_items", ["estimate", "conf_low", "conf_high"]] = (
        low + width / 2,
        low,
        low + width,
    )
    text = overall_gap(replace(gaps, by_overall=table), "en")[0]
    words = {"below": "falls short", "level": "are level", "above": "exceeds"}
    assert words[standing(low, low + width)] in text
    assert sum(word in text for word in words.values()) == 1


def test_too_few_respondents_get_no_judgement():
    gaps = gap_scores(survey())
    table = gaps.by_overall.assign(conf_low=np.nan, conf_high=np.nan)
    text = overall_gap(replace(gaps, by_overall=table), "en")[0]
    assert "too few respondents" in text
    assert "falls short" not in text


def test_one_item_with_a_positive_gap_is_singular():
    gaps = gap_scores(survey())
    table = gaps.by_item.assign(estimate=[-0.5] * 8 + [0.2])
    text = " ".join(narrate(replace(gaps, by_item=table)).paragraphs)
    assert "positive on one item only: item c3 (item c3) (+0.20)" in text
    assert "a1 (item a1) has the widest gap (−0.50)" in text


@pytest.mark.parametrize(
    ("grade", "word"), [("should", "should"), ("higher_will", "will"), (None, "does not say")]
)
def test_the_grade_of_expectation_is_said(grade, word):
    text = " ".join(narrate(replace(gap_scores(survey()), grade=grade)).paragraphs)
    assert word in text
    assert ("must not be compared" in text) == (grade == "should")


def alpha(low: float, high: float):
    return replace(results()["alpha"], estimate=(low + high) / 2, conf_low=low, conf_high=high)


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.71, 0.9, "reaches .70"), (0.6, 0.8, "do not settle"), (0.4, 0.69, "does not reach .70")],
)
def test_alpha_is_judged_by_its_interval_with_the_source(low, high, words):
    text = narrate(alpha(low, high)).paragraphs[0]
    assert words in text
    assert "(Nunnally, 1978)" in text


@pytest.mark.parametrize(("value", "words"), [(0.6, "reaches .60"), (0.59, "does not reach .60")])
def test_sampling_adequacy_names_its_standard(value, words):
    text = narrate(replace(results()["kmo"], overall=value)).paragraphs[0]
    assert words in text
    assert "(Kaiser, 1974)" in text


@settings(max_examples=40, deadline=None)
@given(first=st.floats(-0.6, 0.6), second=st.floats(-0.6, 0.6), n=st.integers(20, 2000))
def test_the_verdict_on_score_forms_is_that_of_the_test(first, second, n):
    assume(1 + first * second - first**2 - second**2 - 0.25 > 0)  # the three can occur together
    forms = results()["forms"]
    test = meng_test(first, second, 0.5, n=n)
    text = narrate(replace(forms, overall=test)).paragraphs[0]
    if test.p_value >= 0.05:
        assert "cannot tell perception and gap apart" in text
    elif first * second < 0:
        assert "opposite directions" in text
    elif abs(first) > abs(second):
        assert "Perception alone goes with the outcome more closely" in text
    else:
        assert "The gap goes with the outcome more closely" in text


def test_collinear_predictors_come_first_and_are_named_with_the_source():
    text = said("collinear", "en", survey=survey())
    assert text.startswith("Nearly collinear are A with d (VIF ")
    assert "(Menard, 1995)" in text
    assert "largest standardized" not in text


def test_importance_is_called_association():
    assert "These are associations" in said("regression", "en")
    assert "association, not cause" in said("derived", "en")
    assert "关联" in said("regression", "zh")


@settings(max_examples=30, deadline=None)
@given(lows=st.lists(st.floats(-1, 1), min_size=3, max_size=3), width=st.floats(0.01, 1))
def test_predictors_are_clear_exactly_when_their_interval_excludes_zero(lows, width):
    fit = results()["regression"]
    table = fit.coefficients.copy()
    table.loc[["a", "b", "c"], "conf_low"] = lows
    table.loc[["a", "b", "c"], "conf_high"] = [low + width for low in lows]
    text = narrate(replace(fit, coefficients=table)).paragraphs[0]
    clear = [low > 0 or low + width < 0 for low in lows]
    assert ("Clearly associated" in text) == any(clear)
    assert ("For none of the predictors" in text) == (not any(clear))
    assert ("these data do not show" in text) == (any(clear) and not all(clear))


def test_suppressed_groups_are_said_and_have_no_number():
    hidden = results()["hidden"]
    assert hidden.suppressed
    text = said("hidden", "en")
    assert f"fewer than {hidden.min_cell} respondents" in text
    assert all(group in text for group in hidden.suppressed)


def test_a_heywood_case_comes_before_anything_else():
    text = narrate(replace(results()["efa"], heywood=("a1",))).paragraphs[0]
    assert text.startswith("A uniqueness is at or beyond its bound (Heywood case) for item a1")


@pytest.mark.parametrize(("count", "words"), [(0, "no common factor"), (1, "1 factor:"),
                                              (4, "4 factors:")])  # fmt: skip
def test_the_number_of_factors_is_grammatical(count, words):
    assert words in narrate(replace(results()["parallel"], n_factors=count)).paragraphs[0]


def test_a_ceiling_is_said_where_half_of_the_answers_are_at_the_top():
    described = replace(results()["items"], share_top=0.54, ceiling=True)
    assert "54 % of the answers are at the top" in narrate(described).paragraphs[0]
    low = replace(results()["items"], share_top=0.2, share_bottom=0.1, ceiling=False)
    assert "neither a ceiling nor a floor" in narrate(low).paragraphs[0]


def test_the_zone_counts_inverted_zones_apart():
    zone = zone_of_tolerance(zones())
    count = int(zone.by_overall["n_inverted"].loc["overall_items"])
    text = " ".join(narrate(zone).paragraphs)
    assert (f"{count} respondent" in text) == (count > 0)


def test_levels_of_the_zone_follow_their_intervals():
    zone = zone_of_tolerance(zones())
    table = zone.by_dimension.assign(
        msa=[-0.5, 0.1], msa_low=[-0.7, -0.1], msa_high=[-0.3, 0.3], mss=[-1.0, -0.2],
        mss_low=[-1.2, -0.4], mss_high=[-0.8, 0.1],
    )  # fmt: skip
    text = narrate(replace(zone, by_dimension=table)).paragraphs[0]
    assert "On 1 of 2 dimensions the mean perception lies inside" in text
    assert "below what customers would accept on A " in text
    assert "On B perception and adequate service are level" in text
    assert "On B perception and desired service are level" in text


# --- the first screen ---


def first_screen(language="en", **changes):
    s = survey()
    given = {"gaps": gap_scores(s), "forms": results()["forms"]} | changes
    return summarize(s, language=language, **given)


def test_the_first_screen_leads_with_the_gap_and_its_uncertainty():
    lead, figures, *_ = first_screen()
    assert lead.form == "lead"
    card = figures.cards[0]
    row = gap_scores(survey()).by_overall.loc["overall_items"]
    assert card.value == format_number(row["estimate"], sign=True)
    assert (
        card.tone
        == {"below": "bad", "level": "", "above": "good"}[
            standing(row["conf_low"], row["conf_high"])
        ]
    )
    assert "95 % interval" in card.detail


def test_a_summary_needs_a_result():
    with pytest.raises(ModelError, match="needs gaps, perception or zone"):
        summarize(survey())


def test_without_gaps_perception_leads_and_nothing_is_said_of_gaps():
    s = tiny_survey(n=60, batteries=("perception",))
    lead, figures, *rest = summarize(s, perception=dimension_scores(s, "perception"))
    words = " ".join([*lead.paragraphs, *(c.label for c in figures.cards)])
    assert words.startswith("Perception: the overall mean is")
    assert "gap" not in words.lower()
    assert not rest


def test_what_limits_the_reading_stands_in_the_note():
    s = replace(survey(), provenance=Provenance("x", "", 90, simulated=True))
    s = s.subset(pd.Series(np.arange(s.n) < 20, index=s.index), reason="late")
    answers = {b: frame.clip(lower=6) for b, frame in s.answers.items()}
    s = replace(s, answers={"expectation": answers["expectation"] * 0 + 7.0} | {
        "perception": s.answers["perception"]})  # fmt: skip
    gaps = gap_scores(s)
    *_, care = summarize(s, gaps=gaps)
    text = care.text[0]
    assert "simulated" in text
    assert "100 % of the expectation answers are at the top" in text
    assert f"Only {gaps.n} respondents" in text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_first_screen_is_in_one_language(language):
    s = replace(survey(), provenance=Provenance("x", "", 120, simulated=True))
    lead, figures, care = summarize(
        s, gaps=gap_scores(s), forms=results()["forms"], regression=results()["collinear"],
        language=language,
    )  # fmt: skip
    text = " ".join([*lead.paragraphs, *care.text, *(f"{c.label} {c.detail}" for c in
                                                     figures.cards)])  # fmt: skip
    if language == "zh":
        assert not foreign(text, OWN)
    else:
        assert not re.search(r"[\u3000-\u9fff]", text)


# --- who answered, and what was asked ---


def test_the_flow_goes_from_the_file_to_the_rows_used():
    s = replace(survey(), provenance=Provenance("x.csv", "", 92, (
        Exclusions(Label(en="never came", zh="从未光顾"), 1),
        Exclusions(Label(en="too fast", zh="作答过快"), 1))))  # fmt: skip
    flow, prose = who_answered(s)
    assert [step.kind for step in flow.steps] == ["start", "out", "out", "used"]
    assert flow.steps[0].text == "92 rows in the file"
    assert flow.steps[-1].text == "90 respondents used"
    assert "1 was excluded (never came)." in prose.paragraphs[0]
    assert "从未光顾" in who_answered(s, "zh")[1].paragraphs[0]


def test_confounded_wording_is_computed_from_the_survey():
    s = replace(survey(), reversed_items={"perception": ("b1", "b2", "b3")})
    assert confounded_dimensions(s, "perception") == ("b",)
    text = " ".join(instrument_notes(s)[1].text)
    assert "exactly those of B" in text
    partly = replace(s, reversed_items={"perception": ("b1", "b2", "b3", "c1")})
    assert "and some others too" in " ".join(instrument_notes(partly)[1].text)
    mixed = replace(s, reversed_items={"perception": ("a1", "b2")})
    assert "no dimension consists of them alone" in " ".join(instrument_notes(mixed)[1].text)
    everything = replace(s, reversed_items={"perception": s.instrument.item_codes})
    assert confounded_dimensions(everything, "perception") == ()


def test_servqual_1988_confounds_responsiveness_and_empathy_with_wording():
    from servlab.data.instrument import load_instrument
    from servlab.data.simulate import simulate_survey

    instrument = load_instrument("servqual-1988")
    s = simulate_survey(instrument, n=60, seed=1)
    turned = dict.fromkeys(s.batteries, instrument.proposed_reversed)
    text = " ".join(instrument_notes(replace(s, reversed_items=turned))[1].text)
    assert "exactly those of Responsiveness and Empathy" in text
    assert "simulated" in text
    assert "“应当”" in " ".join(instrument_notes(s, "zh")[1].text)


def test_a_survey_without_limits_has_no_note():
    s = replace(tiny_survey(batteries=("perception",)), reversed_items={})
    assert len(instrument_notes(s)) == 1


# --- labels ---


def test_long_lists_of_items_go_by_their_codes():
    instrument = survey().instrument
    codes = list(instrument.item_codes[:4])
    assert names_in_sentence(codes, instrument, "en") == "items a1, a2, a3 and b1"
    assert names_in_sentence(codes, instrument, "zh") == "第a1、a2、a3和b1题"


def test_no_label_can_switch_on_bold_or_break_a_line():
    instrument = survey().instrument
    items = tuple(item.model_copy(update={"label": Label(en="**x**\n$y$", zh="x")})
                  for item in instrument.items)  # fmt: skip
    text = in_sentence("a1", instrument.model_copy(update={"items": items}), "en")
    assert "**" not in text
    assert "\n" not in text
    assert "$y$" in text


def test_lists_past_the_limit_count_the_rest():
    assert listed(list("abcd"), "en", most=2) == "a, b and 2 more"
    assert listed(list("abcd"), "zh", most=2) == "a、b等（另有2个）"


@pytest.mark.parametrize(
    ("term", "label"),
    [
        ("branch[north]", "Branch: north"),
        ("perception_a1", "Perception: a1 item a1"),
        ("a:b", "A × B"),
        ("Intercept", "Intercept"),
        ("unknown", "unknown"),
    ],
)
def test_terms_of_a_regression_have_labels(term, label):
    assert predictor_label(term, survey(), "en") == label


@settings(max_examples=50, deadline=None)
@given(text=st.text(alphabet="ab 感知期望", max_size=30), width=st.integers(2, 20))
def test_a_shortened_label_fits_its_width(text, width):
    from servlab.presentation.chart import text_width

    assert text_width(shorten(text, width)) <= max(width, 2)


# --- catalogues ---


def test_every_key_of_the_catalogues_is_used():
    source = "\n".join(
        path.read_text(encoding="utf-8") for path in (PACKAGE / "presentation").rglob("*.py")
    )
    literal = set(re.findall(r'"([a-z]+\.[a-z_0-9A-Z]+)"', source))
    prefixes = set(re.findall(r'f["\']([a-z]+\.[a-z_]*)\{', source))
    prefixes |= {"terms.col_", "terms.weights_"}
    unused = [
        f"{topic}.{name}"
        for topic in MINE
        for name in catalogue(topic)
        if f"{topic}.{name}" not in literal
        and not any(f"{topic}.{name}".startswith(prefix) for prefix in prefixes)
    ]
    assert not unused


def test_dynamic_columns_have_no_unused_heading():
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (PACKAGE / "presentation" / "result_tables").rglob("*.py")
    )
    words = set(re.findall(r'"([a-z_0-9]+)"', source))
    names = {name.removeprefix("col_") for name in catalogue("terms") if name.startswith("col_")}
    assert not names - words
