"""The modules of an existing WSGI script."""

from pathlib import Path

import pytest

from wsgireload.cli import modules

SCRIPT = """import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A project of Django, with settings of its own."""
    (tmp_path / "mysite").mkdir()
    (tmp_path / "mysite/settings.py").write_text("DEBUG = True")
    path = tmp_path / "mysite/wsgi.py"
    path.write_text(SCRIPT)
    return path


def test_the_script_and_the_settings(script: Path, tmp_path: Path) -> None:
    """The texts are that of the script, and those of the files beside the settings."""
    assert modules.root(str(script)) == str(tmp_path)
    assert sorted(modules.sources(str(script), str(tmp_path))) == ["DEBUG = True", SCRIPT, SCRIPT]


def test_settings_that_cannot_be_read(script: Path, tmp_path: Path) -> None:
    """A link without a target, or a folder with the name of a module, is left out."""
    (tmp_path / "mysite/local.py").symlink_to("/nowhere")
    (tmp_path / "mysite/secrets.py").mkdir()
    assert "DEBUG = True" in modules.sources(str(script), str(tmp_path))
