"""The wheel holds what the repository holds, and the command starts light."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tracked() -> set[str]:
    """Files of the package as git knows them, by their name in the wheel."""
    listed = subprocess.run(
        ["git", "ls-files", "src/tflite_audit", "analyzer", "rules", "reports"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    links = {f"src/tflite_audit/{folder}" for folder in ("analyzer", "rules", "reports")}
    return {
        name.removeprefix("src/") if name.startswith("src/") else f"tflite_audit/{name}"
        for name in listed
        if name not in links
    }


@pytest.mark.slow
def test_wheel_holds_every_tracked_file(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "build", "--outdir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")  # built from the sdist
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == tracked()


def test_check_never_imports_tensorflow() -> None:
    program = (
        "import sys; from tflite_audit import cli\n"
        "try: cli.main(['check', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'networkx', 'jinja2', 'tflite'}\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & heavy))"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ended.stdout.splitlines()[-1] == "[]"
