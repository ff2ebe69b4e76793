"""The workflow that builds and publishes: what it builds, and what it may do."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
WORKFLOWS = sorted((CHECKOUT / ".github" / "workflows").glob("*.yml"))
WHEELS = (CHECKOUT / ".github" / "workflows" / "wheels.yml").read_text()
VERSIONS = ("cp311", "cp314t", "cp315t")
PLATFORMS = {
    "linux": {
        "x86_64": ("manylinux_x86_64", "musllinux_x86_64"),
        "aarch64": ("manylinux_aarch64", "musllinux_aarch64"),
    },
    "macos": {"arm64": ("macosx_arm64",), "x86_64": ("macosx_x86_64",)},
    "windows": {"AMD64 x86": ("win_amd64", "win32"), "ARM64": ("win_arm64",)},
}


@pytest.mark.parametrize(
    ("platform", "archs", "wanted"),
    [(platform, *each) for platform, all_of in PLATFORMS.items() for each in all_of.items()],
)
def test_what_is_built(platform, archs, wanted):
    """On each platform there is one wheel for the GIL, and one for each version without it."""
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers"]
    told = subprocess.run(
        [*command, "--platform", platform, "--archs", archs.replace(" ", ","), CHECKOUT],
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(told.stdout.split()) == {f"{x}-{tag}" for x in VERSIONS for tag in wanted}
    assert re.search(rf"archs: {archs} }}", WHEELS)


def test_what_is_built_here():
    """ci/wheel cross-builds for the platforms that the workflow builds on machines of their own."""
    here = re.findall(r"^  \[(\w+)\]=", (CHECKOUT / "ci" / "wheel").read_text(), re.MULTILINE)
    there = [tag for archs in PLATFORMS.values() for tags in archs.values() for tag in tags]
    assert sorted(re.sub(r"_\d+(?=_)", "", platform) for platform in here) == sorted(there)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_least_privilege(workflow):
    """Each job has only its own permissions, and runs no code that may be replaced."""
    text = workflow.read_text()
    assert re.search(r"^permissions: \{\}$", text, re.MULTILINE)
    jobs = text.split("\njobs:\n")[1]
    assert jobs.count("    permissions:\n") == len(re.findall(r"^  \w+:$", jobs, re.MULTILINE))
    used = re.findall(r"uses: (.+)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


def test_publishing():
    """What is published comes from a tag, from this workflow and with no password."""
    publish = WHEELS.split("\n  publish:\n")[1]
    condition = "if: github.event_name == 'push' && startsWith(github.ref, 'refs/tags/v')"
    assert publish.lstrip().startswith(condition)
    assert re.findall(r"^      ([\w-]+: write)", WHEELS, re.MULTILINE) == ["id-token: write"]
    assert "id-token: write" in publish
    assert "secrets." not in WHEELS


LINTERS = {
    "zizmor": ["--offline", "--no-progress", "--quiet", "--color=never"],  # what an attacker sees
    "actionlint": ["-no-color"],  # what GitHub would not run
}


def lint(linter: str, *workflows: Path) -> tuple[int, str]:
    """The linter's exit code, 0 if it finds nothing, and its output."""
    command = [Path(sys.executable).with_name(linter), *LINTERS[linter], *workflows]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("linter", LINTERS)
def test_linted(linter):
    """The workflows are free of what the linter knows."""
    code, said = lint(linter, *WORKFLOWS)
    assert code == 0, said


def test_the_linter_looks(tmp_path):
    """A machine that does not exist is found."""
    bad = tmp_path / "wheels.yml"
    bad.write_text(WHEELS.replace("runs-on: ubuntu-24.04\n", "runs-on: ubuntu-1\n"))
    code, said = lint("actionlint", bad)
    assert code == 1
    assert "ubuntu-1" in said
