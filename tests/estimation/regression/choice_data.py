"""The data of the stored choice models, and small ones of known shape."""

import numpy as np
import pandas as pd

FORMULA = "N1 ~ A1 + E1*C1 + sex"
ORDER = ["A1", "E1", "C1", "sex[woman]", "E1:C1"]  # as R has them


def big_five(golden_data) -> pd.DataFrame:
    """The 400 rows that tests/golden/scripts/80_choice_models.R uses."""
    data = golden_data("bfi25_gender_cc.csv").iloc[:400].copy()
    i = np.arange(1, 401)
    data["sex"] = np.where(data["gender"] == 1, "man", "woman")
    data["w"] = 0.5 + i % 4
    data["branch"] = (i * i) % 23
    data["top"] = (data["N1"] >= 5).astype(float)
    return data


def answers(n=160, seed=3, points=5) -> pd.DataFrame:
    """An ordered outcome y that rises with a and falls with b."""
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    latent = data["a"] - 0.5 * data["b"] + rng.logistic(size=n)
    data["y"] = np.clip(np.floor(latent + points / 2) + 1, 1, points)
    data["site"] = rng.choice(["x", "y", "z"], size=n)
    return data
