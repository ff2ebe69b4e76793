"""The pictures of the documents: a recorded terminal, and the page."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from support.apache import Apache
from support.httpdconf import Application
from support.packages import copy_packages
from support.pagesite import page_site
from support.terminal import picture, record
from support.testsite import Site, Sites


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
    (folder / "terminal.svg").write_text(picture(record()), "utf-8")
    page(folder / "page.png")


if __name__ == "__main__":
    main()
