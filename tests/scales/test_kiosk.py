"""The kiosk survey's own figures (real expectations and perceptions, 207 respondents)."""

from pathlib import Path

import pytest

import servlab as sl

CODEBOOK = Path(__file__).resolve().parent.parent / "codebooks" / "kiosk.toml"


@pytest.fixture(scope="module")
def kiosk(shared_data):
    return sl.read_survey(shared_data / "kiosk" / "kiosk_servqual.csv", CODEBOOK)


def test_kiosk_means_and_gaps_are_as_published_with_the_data(kiosk):
    gaps = sl.gap_scores(kiosk)
    assert gaps.n == 207
    overall = gaps.by_overall.loc["overall_items"]
    assert round(overall["expected"], 3) == 5.974
    assert round(overall["perceived"], 3) == 4.872
    assert round(overall["estimate"], 3) == -1.102
    assert round(gaps.by_overall.loc["overall_dimensions", "estimate"], 3) == -1.075
    items = gaps.by_item["estimate"]
    assert (items.idxmin(), round(items.min(), 2)) == ("23", -1.98)
    assert {code: round(v, 3) for code, v in items[items > 0].items()} == {"04": 0.280, "05": 0.010}


def test_kiosk_reliabilities_and_ceiling(kiosk):
    assert round(sl.cronbach_alpha(kiosk.items("expectation")).estimate, 3) == 0.879
    assert round(sl.cronbach_alpha(kiosk.items("perception")).estimate, 3) == 0.907
    assert round(sl.difference_score_reliability(kiosk).overall, 3) == 0.843
    described = sl.item_descriptives(kiosk, "expectation")
    assert round(described.share_top, 2) == 0.54
    assert described.ceiling


def test_kiosk_perception_and_gap_cannot_be_told_apart(kiosk):
    forms = sl.compare_score_forms(kiosk, "satisfaction").overall
    assert round(forms.r_first, 3) == 0.517
    assert round(forms.r_second, 3) == 0.454
    assert round(forms.statistic, 2) == 1.46
    assert round(forms.p_value, 2) == 0.14
