"""The pictures of the documents: the demo's timeline, read from standard input, and the page."""

from __future__ import annotations

import shutil
import sys
import tempfile
from html import escape
from pathlib import Path

from playwright.sync_api import sync_playwright

from support.apache import Apache
from support.httpdconf import Application
from support.packages import copy_packages
from support.pagesite import page_site
from support.testsite import Site, Sites

LINE, LETTER = 20, 8.0  # pixels
STYLE = """\
text { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; fill: #e6edf3; white-space: pre }
.title { font-weight: 600; fill: #79c0ff }
.done { fill: #7ee787 }
.held { fill: #ffa657 }
"""


def timeline(demo: str) -> str:
    """What the demo printed of its scenes, as a picture."""
    begin = demo.index("  You change")
    lines = demo[begin : demo.index("Requests lost in all") + 60].rstrip().splitlines()
    lines = [line for line in lines if "Nothing is left running" not in line]
    width = int(max(map(len, lines)) * LETTER) + 40
    shown = "".join(
        f'<text class="{kind(line)}" x="20" y="{34 + LINE * number}">{escape(line)}</text>\n'
        for number, line in enumerate(lines)
    )
    size = f'viewBox="0 0 {width} {LINE * len(lines) + 40}"'
    ground = '<rect width="100%" height="100%" rx="10" fill="#0d1117"/>'
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{STYLE}</style>\n'
    return f"{opening}{ground}\n{shown}</svg>\n"


def kind(line: str) -> str:
    """How a line of the demo is to be coloured."""
    if line.strip() and not line.startswith("    "):
        return "title"
    return "done" if "first answer" in line else "held" if "held back" in line else "event"


def page(path: Path) -> None:
    """The page, after a few reloads and with something held."""
    library = Path(tempfile.mkdtemp(prefix="pictures-"))
    library.chmod(0o755)
    copy_packages(library, "wsgireload")
    try:
        with Sites(Apache.of_the_system(), Application(python_path=[library])) as sites:
            site = page_site(sites)
            site.start()
            for number, text in enumerate(("first", "second", "third"), 1):
                site.wait_for(site.get, "an answer")
                site.wait_for_line("watching: ", count=number)
                site.write("views.py", (site.app / "views.py").read_text() + f"\n# {text}\n")
                site.wait_for(lambda n=number: reloaded(site, n), "a reload")  # type: ignore[misc]
            site.edit("views.py", 'TEXT = "old"', 'TEXT = "new')
            site.wait_for_line("holding: ")
            with sync_playwright() as playwright:
                chromium = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                tab = chromium.new_page(
                    viewport={"width": 900, "height": 700}, device_scale_factor=1.5
                )
                tab.goto(f"{site.url}.wsgireload/")
                tab.wait_for_function(
                    "document.querySelector('.state')?.textContent.includes('Held')"
                )
                tab.screenshot(path=path)
                chromium.close()
    finally:
        shutil.rmtree(library)


def reloaded(site: Site, often: int) -> bool:
    """Whether the site has reloaded so often; that takes somebody who asks it for something."""
    site.get()
    return len(site.said("reloaded: ")) >= often


def main() -> None:
    """Write all of them into the folder that is named."""
    folder = Path(sys.argv[1])
    (folder / "timeline.svg").write_text(timeline(sys.stdin.read()), "utf-8")
    page(folder / "page.png")


if __name__ == "__main__":
    main()
