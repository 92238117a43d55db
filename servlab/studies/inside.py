"""What runs inside a study's kernel: an IPython kernel without anybody's own configuration.

Started as ``python -P -m servlab.studies.inside -f CONNECTION_FILE``. Startup files and
configuration files of the user and of the machine are not read: a study must not depend on
who runs it. Warnings of a cell are handed to the runner as data, since their usual text names
temporary files.
"""

import sys
import warnings
from typing import Any

WARNING_MIME = "application/vnd.servlab.warning+json"


def emit(mime: str, payload: dict[str, Any]) -> None:
    """Hand data to whoever runs the notebook, showing nothing; outside IPython do nothing."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is not None:
        display({mime: payload}, raw=True)  # type: ignore[no-untyped-call]


def emit_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: Any = None,
    line: str | None = None,
) -> None:
    """Stand in for ``warnings.showwarning``."""
    del filename, lineno, file, line  # temporary file names differ between runs
    emit(WARNING_MIME, {"category": category.__name__, "message": str(message)})


def main() -> None:
    """Start the kernel of a study."""
    from ipykernel.kernelapp import IPKernelApp

    class StudyKernel(IPKernelApp):
        """An IPython kernel that reads no configuration and no startup file."""

        def load_config_file(self, *args: Any, **kwargs: Any) -> None:
            """Read nothing."""

        def _run_startup_files(self) -> None:
            """Run nothing."""

    warnings.showwarning = emit_warning
    # servlab itself was imported safely (-P); from here on the notebook's own folder counts,
    # as it does in JupyterLab
    sys.path.insert(0, "")
    StudyKernel.launch_instance()


if __name__ == "__main__":
    main()
