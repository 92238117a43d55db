"""The machine names of columns in tidy results: one meaning and one unit each.

Headings for readers are in the message catalogues of the presentation layer, not here.
"""

from collections.abc import Iterable
from types import MappingProxyType

from servlab.core.errors import ModelError

TIDY = MappingProxyType(
    {
        "term": "what the row is about: an item, a dimension, a coefficient",
        "battery": "battery of questions the row belongs to",
        "dimension": "dimension code",
        "item": "item code",
        "factor": "factor name",
        "group": "group of respondents",
        "lhs": "left-hand side of a model term",
        "op": "operator of a model term",
        "rhs": "right-hand side of a model term",
        "label": "label of a parameter in a model",
        "estimate": "point estimate, in the unit of the statistic",
        "std_error": "standard error of the estimate",
        "statistic": "test statistic",
        "df": "degrees of freedom",
        "p_value": "two-sided p value, in [0, 1]",
        "conf_low": "lower confidence limit",
        "conf_high": "upper confidence limit",
        "std_all": "estimate standardized by observed and latent variances",
        "std_lv": "estimate standardized by latent variances only",
        "effect_size": "standardized effect",
        "n": "rows used",
        "n_dropped": "rows lost to missing values",
        # fits
        "chi2": "chi-square of exact fit",
        "cfi": "comparative fit index",
        "tli": "Tucker-Lewis index",
        "rmsea": "root mean square error of approximation",
        "rmsea_low": "lower limit of RMSEA's 90 % interval",
        "rmsea_high": "upper limit of RMSEA's 90 % interval",
        "srmr": "standardized root mean square residual",
        "loglik": "log-likelihood",
        "aic": "Akaike's information criterion",
        "bic": "Bayesian information criterion",
        # scores and gaps
        "level": "what a row averages over: item, dimension, items (overall), dimensions (overall)",
        "expected": "mean answer of the expectation battery, in scale points",
        "perceived": "mean answer of the perception battery, in scale points",
        "desired": "mean answer of the desired-service battery, in scale points",
        "adequate": "mean answer of the adequate-service battery, in scale points",
        "mss": "measure of service superiority: perceived - desired, in scale points",
        "mss_low": "lower confidence limit of mss",
        "mss_high": "upper confidence limit of mss",
        "msa": "measure of service adequacy: perceived - adequate, in scale points",
        "msa_low": "lower confidence limit of msa",
        "msa_high": "upper confidence limit of msa",
        "width": "width of the zone of tolerance: desired - adequate, in scale points",
        "width_low": "lower confidence limit of width",
        "width_high": "upper confidence limit of width",
        "share_inside": "share of respondents whose perception lies inside their zone, in [0, 1]",
        "share_below": "share of respondents whose perception lies under adequate service",
        "share_above": "share of respondents whose perception lies over desired service",
        "share_inverted": "share of respondents whose adequate service exceeds the desired",
        "skewness": "bias-corrected skewness",
        "kurtosis": "bias-corrected excess kurtosis",
        "n_inverted": "respondents whose adequate service exceeds their desired service",
        "std_dev": "standard deviation over respondents",
        "n_effective": "Kish's effective number of rows under weights",
        "weight": "weight of a dimension or item; weights sum to 1",
        "weighted": "contribution to the weighted score",
        "share_top": "share of answers at the top of the scale, in [0, 1]",
        "share_bottom": "share of answers at the bottom of the scale, in [0, 1]",
        "reliability": "reliability coefficient, at most 1",
        "reliability_expected": "reliability of the expectation score",
        "reliability_perceived": "reliability of the perception score",
        "correlation": "correlation of two scores, in [-1, 1]",
        "r_perception": "correlation of the perception score with the outcome",
        "r_gap": "correlation of the gap score with the outcome",
        "r_between": "correlation of the two scores with each other",
        # items and scales
        "mean": "mean",
        "item_rest": "correlation of an item with the sum of the others",
        "item_total": "correlation of an item with the sum, itself included",
        "critical_ratio": "Welch's t of an item between the upper and the lower 27 % of the sums",
        "critical_df": "degrees of freedom of the critical ratio",
        "critical_p": "two-sided p value of the critical ratio, in [0, 1]",
        "alpha_if_dropped": "coefficient alpha of the other items",
        "alpha_standardized": "coefficient alpha of standardized items",
        "mean_cor": "mean correlation between items",
        "n_items": "number of items",
        "decision": "proposal for an item under stated rules: keep, look or drop",
        "loading_largest": "largest absolute loading of an item",
        "loading_second": "second largest absolute loading of an item",
        # factor analysis
        "communality": "share of an item's variance that the factors explain",
        "uniqueness": "share of an item's variance that the factors leave",
        "complexity": "Hofmann's row complexity: factors needed to account for an item",
        "ss_loadings": "variance explained by a factor (sum of squares)",
        "proportion": "share of the total variance",
        "cumulative": "cumulated share of the total variance",
        "eigenvalue": "eigenvalue of the observed matrix",
        "eigenvalue_null": "eigenvalue expected without common factors",
        "average_fourth": "mean fourth power of the partial correlations",
        "msa_kaiser": "Kaiser's measure of sampling adequacy, in [0, 1]",
        # measurement invariance
        "against": "model that a row's model is compared with",
        "step": "level of invariance: configural, metric, scalar, strict",
        "chi2_diff": "chi-square difference test against the model before",
        "df_diff": "degrees of freedom of that test",
        "p_diff": "p value of that test, in [0, 1]",
        "cfi_change": "change of CFI against the model before",
        "rmsea_change": "change of RMSEA against the model before",
        "srmr_change": "change of SRMR against the model before",
        "holds": "whether the named rule lets the level stand",
        "disputed": "whether CFI alone or the difference test speaks against a level that stands",
        "accepted": "whether the model stands, the levels under it included",
        "freed": "terms set free, in the order they were",
        "highest": "highest level of invariance that stands",
        "rule": "rule that levels are judged by",
        "comparable_relations": "whether correlations and slopes may be compared",
        "comparable_means": "whether latent means may be compared",
        "exploratory": "whether the model was changed after looking at the data",
        # regression
        "std_beta": "coefficient with outcome and predictors standardized",
        "vif": "variance inflation factor, at least 1",
        "r_squared": "share of variance explained",
        "adj_r_squared": "share of variance explained, adjusted for the number of predictors",
        "f_statistic": "F statistic of the whole model",
        "condition_number": "condition number of the scaled design matrix",
        "df_residual": "denominator degrees of freedom of an F test",
        # sample and missing answers
        "kind": "what a row of a sample table is: value, rest, missing, numeric",
        "share": "share of all respondents, in [0, 1]",
        "share_valid": "share of the respondents with a value, in [0, 1]",
        "share_weighted": "share_valid under the survey's weights",
        "n_missing": "respondents who left the answer open",
        "share_missing": "share of the answers missing, in [0, 1]",
        # screening
        "quantity": "what a compared result is: gap, perception, alpha, r_squared",
        "with_all": "a result with every respondent",
        "without": "the result without the respondents that screening proposes",
        "difference": "difference of two results, in their unit",
        "n_all": "rows used with every respondent",
        "n_without": "rows used without the respondents that screening proposes",
        # importance
        "quadrant": "quadrant of an importance-performance matrix",
        "importance": "mean importance, in points of its scale or in shares",
        "performance": "mean perception, in scale points",
    }
)


def check_tidy(columns: Iterable[str]) -> None:
    """Raise ``ModelError`` when a tidy result uses a column without a registered meaning."""
    unknown = sorted(set(columns) - set(TIDY))
    if unknown:
        raise ModelError(
            f"columns {unknown} have no meaning in core/columns.py; register each with its unit."
        )
