"""Words for models: variables, terms, groups and levels as tables and sentences name them."""

import numpy as np
import pandas as pd

from servlab.data.instrument import Instrument
from servlab.data.schema import Language
from servlab.data.survey import Survey
from servlab.estimation.latent.choices import SERVICE_QUALITY
from servlab.estimation.latent.invariance.measurement import InvarianceResult
from servlab.estimation.latent.residuals import LatentResiduals
from servlab.estimation.latent.result import LatentFit
from servlab.presentation.labels import in_sentence, plain, shorten, term_label
from servlab.presentation.messages import join_words, message

Names = Instrument | Survey | None  # where labels come from
BATTERIES = ("expectation", "perception", "desired", "adequate", "importance")


def variable_name(name: str, names: Names, language: Language) -> str:
    """Return the label of a variable of a model; ``battery_code`` names the battery too."""
    if own := _own_label(name, names, language):
        return own
    battery, code = _parts(name, names)
    label = plain(term_label(code, instrument_of(names), language))
    return f"{battery_name(battery, language)}: {label}" if battery else label


def short_name(name: str, names: Names, language: Language) -> str:
    """Return the label of a variable, cut where two of them share a row."""
    return shorten(variable_name(name, names, language), 36)


def variable_in_sentence(name: str, names: Names, language: Language) -> str:
    """Return how a sentence names a variable of a model."""
    if own := _own_label(name, names, language):
        return own
    battery, code = _parts(name, names)
    instrument = instrument_of(names)
    known = instrument is not None and code in (*instrument.item_codes, *instrument.dimension_codes)
    label = in_sentence(code, instrument, language) if known else plain(code)
    return f"{battery_name(battery, language)}: {label}" if battery else label


def battery_name(name: str, language: Language) -> str:
    """Return the label of a battery; any other name as it is."""
    return message(f"terms.battery_{name}", language) if name in BATTERIES else plain(name)


def instrument_of(names: Names) -> Instrument | None:
    """Return the instrument whose labels are used."""
    return names.instrument if isinstance(names, Survey) else names


def _own_label(name: str, names: Names, language: Language) -> str:
    """Return the label of an outcome, a covariate or the factor of all dimensions; or nothing."""
    instrument = instrument_of(names)
    whole = instrument is not None and not instrument.dimensions and name == "quality"
    if name == SERVICE_QUALITY or whole:
        return message("latent.service_quality", language)
    if isinstance(names, Survey) and name in names.variables:
        return plain(names.label(name, language))
    return ""


def _parts(name: str, names: Names) -> tuple[str, str]:
    """Return battery (or nothing) and code of a variable."""
    instrument = instrument_of(names)
    battery, _, code = name.partition("_")
    known = () if instrument is None else (*instrument.item_codes, *instrument.dimension_codes)
    if name not in known and battery in BATTERIES and (code in known or instrument is None):
        return (battery, code) if code else ("", name)
    return "", name


def term_words(term: str, names: Names, language: Language) -> str:
    """Return a term of a model in words, as ``x1~1`` the intercept of x1."""
    for op, kind in (("=~", "loading"), ("~~", "residual"), ("~1", "intercept")):
        lhs, found, rhs = term.partition(op)
        if not found:
            continue
        item = variable_in_sentence(rhs if kind == "loading" else lhs, names, language)
        values = {"item": item}
        if kind == "loading":
            values["factor"] = variable_in_sentence(lhs, names, language)
        return message(f"invariance.term_{kind}", language, **values)
    return plain(term)


def free_words(lhs: str, op: str, rhs: str, names: Names, language: Language) -> str:
    """Return a parameter that is not in the model, in words."""
    one, other = (short_name(name, names, language) for name in (lhs, rhs))
    if op == "=~":
        return message("latent.free_loading", language, item=other, factor=one)
    if op == "~":
        return message("latent.free_path", language, outcome=one, predictor=other)
    if op == "~~":
        return message("latent.free_covariance", language, one=one, other=other)
    return f"{one} {op} {other}"


def effect_name(name: str, language: Language) -> str:
    """Return how a defined parameter is called; the names that servlab itself gives in words."""
    for kind in ("indirect", "total"):
        number = name.removeprefix(kind)
        if number != name and (not number or number.isdigit()):
            return f"{message(f'latent.effect_{kind}', language)} {number}".strip()
    return plain(name)


def level_words(name: str, language: Language) -> str:
    """Return ``metric`` or ``partial metric`` in words."""
    level = message(f"invariance.short_{name.removeprefix('partial ')}", language)
    if name.startswith("partial "):
        return message("invariance.short_partial", language, level=level)
    return level


def labels_in_sentence(result: InvarianceResult, language: Language) -> str:
    """Return the groups or batteries as a list."""
    return join_words([battery_name(label, language) for label in result.labels], language)


def explained(fit: LatentFit) -> dict[tuple[str, str], float]:
    """Return the share of variance explained of each explained variable and group."""
    frame = fit.tidy()
    own = frame[(frame["op"] == "~~") & (frame["lhs"] == frame["rhs"])]
    explained_by = {*frame.loc[frame["op"] == "=~", "rhs"], *frame.loc[frame["op"] == "~", "lhs"]}
    keys = list(zip(own["lhs"].astype(str), own["group"].astype(str), strict=True))
    return {
        key: 1 - share
        for key, share in zip(keys, own["std_all"].to_numpy(dtype=float), strict=True)
        if key[0] in explained_by and np.isfinite(share)
    }


def largest_residuals(result: LatentResiduals) -> pd.DataFrame:
    """Return the residuals of pairs of different variables, the largest first."""
    rows = result.tidy()
    pairs = (rows["op"] == "~~") & (rows["lhs"] != rows["rhs"]) & rows["estimate"].notna()
    return rows.loc[pairs].reset_index(drop=True)
