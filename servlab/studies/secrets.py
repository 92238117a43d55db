"""Secrets that a study needs: read from the environment inside the kernel, written nowhere."""

import os

from servlab.core.errors import ParameterError

PREFIX = "env:"
MIME = "application/vnd.servlab.secret+json"


def secret(name: str) -> str:
    """Return a secret from the environment.

    Parameters
    ----------
    name : str
        Name of an environment variable, with or without ``env:`` before it; a notebook can pass
        on a parameter whose value is ``env:NAME``.

    Returns
    -------
    str
        The variable's text.

    Raises
    ------
    ParameterError
        When the variable is not set or empty.

    Notes
    -----
    The parameter cell, the manifest and the report hold only the name. ``run_study`` blacks the
    text out wherever a cell of the notebook shows it.

    Examples
    --------
    >>> import os
    >>> os.environ["SURVEY_TOKEN"] = "s3cret"
    >>> secret("env:SURVEY_TOKEN") == secret("SURVEY_TOKEN")
    True
    """
    variable = name.removeprefix(PREFIX)
    text = os.environ.get(variable, "")
    if not text:
        raise ParameterError(
            f"the secret {variable!r} is not in the environment; export {variable}=... before "
            "the study starts."
        )
    if os.environ.get("SERVLAB_RUN") == "1":
        _announce(variable)
    return text


def _announce(variable: str) -> None:
    """Tell the runner which variable was read (its name), so that it can black the text out."""
    from servlab.studies.inside import emit

    emit(MIME, {"name": variable})
