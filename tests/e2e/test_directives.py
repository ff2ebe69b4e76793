"""The blocks for Apache's configuration in the documents: Apache takes them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.apache import Apache
from support.httpdconf import Application, httpd_conf

HOUSE = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```apache\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = [
    page
    for page in (HOUSE / "README.md", *sorted((HOUSE / "docs").glob("*.md")))
    if page.name != "windows.md" and BLOCK.search(page.read_text("utf-8"))
]  # tests/windows/test_tutorial.py follows that one
MODULES = ("setenvif", "log_config")
LOAD = """\
<IfModule !{name}_module>
  LoadModule {name}_module "{modules}/mod_{name}.so"
</IfModule>"""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_apache_takes_it(apache: Apache, page: Path, tmp_path: Path) -> None:
    """All blocks of a page together are a configuration; users it names by example are others."""
    for folder in ("run", "logs"):
        (tmp_path / folder).mkdir()
    load = (LOAD.format(name=name, modules=apache.modules) for name in MODULES)
    blocks = "\n".join(BLOCK.findall(page.read_text("utf-8")))
    blocks = re.sub(r"(?<!-)(user|group)=\w+", r"\1=www-data", blocks)
    served = Application(scripts={}, daemon=None, directives="\n".join([*load, blocks]))
    config = tmp_path / "httpd.conf"
    config.write_text(httpd_conf(apache, served, tmp_path, 8000, "www-data"))
    said = subprocess.run(
        [apache.httpd, "-t", "-f", config], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
