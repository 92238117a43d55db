"""What ``make test`` runs, step by step, with the time of each; ``lint`` runs the first three.

Stops at the first step that fails and names it. Steps that this machine cannot run (no browser)
are named at the end, so that nobody believes they passed.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

LINT = {
    "lint": [BIN / "ruff", "check", "."],
    "format": [BIN / "ruff", "format", "--check", "."],
    "types": [BIN / "mypy"],
    "layers": [BIN / "lint-imports"],
}
TESTS = {
    "tests": [
        sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "loadfile",
        "--cov", "--cov-report=term:skip-covered",
    ],
}  # fmt: skip


def missing_browser() -> str | None:
    """Say what the browser checks lack here, or None when they can run."""
    if not (shutil.which("chromium") or shutil.which("chromium-browser")):
        return "chromium is not installed"
    if not shutil.which("node"):
        return "node is not installed"
    if not (ROOT / "tests" / "browser" / "node_modules").is_dir():
        return "run 'npm ci --prefix tests/browser' first"
    return None


def main() -> int:
    """Run the steps; return the exit code."""
    steps = LINT if "lint" in sys.argv[1:] else LINT | TESTS
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # each kernel would compile servlab anew
    for name, command in steps.items():
        print(f"== {name}", flush=True)
        start = time.perf_counter()
        code = subprocess.run([str(part) for part in command], cwd=ROOT, env=env).returncode
        print(f"== {name}: {'ok' if code == 0 else 'FAILED'}, "
              f"{time.perf_counter() - start:.0f} s", flush=True)  # fmt: skip
        if code:
            return code
    if steps is not LINT:
        reason = missing_browser()
        print(f"browser checks: {'left out, ' + reason if reason else 'ran'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
