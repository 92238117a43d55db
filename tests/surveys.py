"""Small surveys made in memory, for tests that need exact numbers."""

import numpy as np
import pandas as pd

from servlab.data.instrument import Battery, Dimension, Instrument, Item
from servlab.data.schema import Label, Scale
from servlab.data.survey import Provenance, Survey, VariableInfo


def label(text: str) -> Label:
    return Label(en=text, zh=text)


def tiny_instrument(per_dimension=(2, 3), names=("expectation", "perception")) -> Instrument:
    """Dimensions a, b, ... with the given numbers of items, named a1, a2, b1, ..."""
    codes = "abcdefgh"[: len(per_dimension)]
    return Instrument(
        name="tiny",
        title=label("Tiny"),
        scale=Scale(low=1, high=7),
        dimensions=tuple(Dimension(code=c, label=label(c.upper())) for c in codes),
        items=tuple(
            Item(code=f"{c}{i + 1}", dimension=c, label=label(f"item {c}{i + 1}"))
            for c, k in zip(codes, per_dimension, strict=True)
            for i in range(k)
        ),
        batteries={name: Battery() for name in names},
        reference_weights={c: float(i + 1) for i, c in enumerate(codes)},
    )


def tiny_survey(
    *,
    n=60,
    seed=0,
    per_dimension=(2, 3),
    batteries=("expectation", "perception"),
    weights=None,
    missing=0.0,
    min_answered=1.0,
    outcome=True,
    points=False,
) -> Survey:
    """A survey of answers 1 to 7 with one common factor a battery."""
    rng = np.random.default_rng(seed)
    instrument = tiny_instrument(per_dimension, batteries)
    k = len(instrument.items)
    answers = {}
    person = rng.normal(size=n)
    for place, battery in enumerate(batteries):
        own = 0.6 * person + 0.6 * rng.normal(size=n)
        raw = 4.5 - 0.7 * place + own[:, None] + rng.normal(size=(n, k))
        values = np.clip(np.rint(raw), 1, 7)
        values[rng.random((n, k)) < missing] = np.nan
        answers[battery] = pd.DataFrame(values, columns=list(instrument.item_codes))
    outcomes = pd.DataFrame(index=range(n))
    if outcome:
        outcomes["satisfaction"] = np.clip(np.rint(4 + person + rng.normal(size=n)), 1, 7)
    share = pd.DataFrame(
        rng.dirichlet(np.full(len(per_dimension), 4.0), size=n) * 100,
        columns=list(instrument.dimension_codes),
    )
    return Survey(
        instrument=instrument,
        answers=answers,
        reversed_items={},
        scales=dict.fromkeys(batteries, instrument.scale),
        grades=dict.fromkeys(batteries) | {"expectation": "should"},
        covariates=pd.DataFrame({"branch": rng.choice(["north", "south", "west"], size=n)}),
        outcomes=outcomes,
        variables={
            "satisfaction": VariableInfo(label("Satisfaction"), scale=Scale(low=1, high=7)),
            "branch": VariableInfo(label("Branch"), role="branch"),
        },
        provenance=Provenance("tiny.csv", "", n),
        weights=None if weights is None else pd.Series(np.asarray(weights, dtype=float)),
        importance_points=share if points else None,
        min_answered=min_answered,
    )


def branch_survey(frame: pd.DataFrame, *, per_dimension=(3, 2), weights=False) -> Survey:
    """A survey of perceptions a1, a2, ... 1 to 7 from a frame; all other columns are covariates."""
    instrument = tiny_instrument(per_dimension, ("perception",))
    codes = list(instrument.item_codes)
    covariates = frame.drop(columns=[*codes, "weight"], errors="ignore")
    return Survey(
        instrument=instrument,
        answers={"perception": frame[codes].astype(float)},
        reversed_items={},
        scales={"perception": instrument.scale},
        grades={"perception": None},
        covariates=covariates,
        outcomes=pd.DataFrame(index=frame.index),
        variables={"branch": VariableInfo(label("Branch"), role="branch")},
        provenance=Provenance("branches.csv", "", len(frame)),
        weights=frame["weight"].astype(float) if weights else None,
    )


def simulated_branches(
    sizes, *, between=0.4, seed=0, within=1.0, weights=None, names=None
) -> Survey:
    """A survey of one answer, a normal score, whose branches differ by normal effects."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    effects = rng.normal(0, between, len(sizes))
    score = 4 + effects[codes] + rng.normal(0, within, len(codes))
    labels = names or [f"b{i:03d}" for i in range(len(sizes))]
    frame = pd.DataFrame({"branch": np.array(labels, dtype=object)[codes], "a1": score})
    if weights is not None:
        frame["weight"] = weights
    return branch_survey(frame, per_dimension=(1,), weights=weights is not None)
