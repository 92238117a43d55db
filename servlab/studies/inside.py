"""What runs inside a study's kernel: an IPython kernel without anybody's own configuration.

Started as ``python -P -m servlab.studies.inside -f CONNECTION_FILE``. Startup files and
configuration files of the user and of the machine are not read: a study must not depend on
who runs it. Warnings of a cell are handed to the runner as data, since their usual text names
temporary files.
"""

import os
import signal
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

from servlab.core.errors import ServlabWarning
from servlab.studies.ending import adopt_orphans, kill_children
from servlab.studies.reads import LOG, watch_reads

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
    payload: dict[str, Any] = {"category": category.__name__, "message": str(message)}
    if isinstance(message, ServlabWarning) and message.key:
        payload |= {"key": message.key, "values": message.values}
    emit(WARNING_MIME, payload)


def end_with(parent: int, *, every: float = 0.5) -> None:
    """Kill this process and those it started as soon as its parent is gone.

    A runner that is killed cannot clean up; without this, what a cell started would live on.
    """
    while os.getppid() == parent:
        time.sleep(every)
    kill_children()
    if os.getpgrp() == os.getpid():  # the kernel leads a group of its own
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def main() -> None:
    """Start the kernel of a study."""
    from ipykernel.kernelapp import IPKernelApp

    class StudyKernel(IPKernelApp):
        """An IPython kernel that reads no configuration and no startup file."""

        def load_config_file(self, *args: Any, **kwargs: Any) -> None:
            """Read nothing."""

        def _run_startup_files(self) -> None:
            """Run nothing."""

        def init_poller(self) -> None:
            """Watch the parent as ipykernel does, but take the kernel's children along."""
            if sys.platform == "win32":
                super().init_poller()
                return
            threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()

    adopt_orphans()  # whatever a cell starts stays below this process, and ends with it
    warnings.showwarning = emit_warning
    # servlab itself was imported safely (-P); from here on the notebook's own folder counts,
    # as it does in JupyterLab
    sys.path.insert(0, "")
    watch_reads(Path(sys.argv[sys.argv.index("-f") + 1]).with_name(LOG))
    StudyKernel.launch_instance()


if __name__ == "__main__":
    main()
