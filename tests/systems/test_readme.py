"""README.md, word by word, by somebody who has nothing else."""

from __future__ import annotations

from playwright.sync_api import Page
from support.newsystem import URL, NewSystem
from support.reader import blocks

SHOWN = "text => document.querySelector('h1')?.textContent == text"


def test_to_a_browser_that_reloads_itself(system: NewSystem, tab: Page) -> None:
    """An open tab shows a save, and nothing in it is clicked; then nothing is wrong."""
    printed = ""
    for block in blocks("../README.md", "## From nothing"):
        if block.file:
            system.write(block.file, block.text)
        elif block.language == "sh":
            printed += system.run(block.text)
        if "apachectl restart" in block.text:
            tab.goto(URL)
            tab.wait_for_function(SHOWN, arg="Hello")
        elif "Hello again" in block.text:
            tab.wait_for_function(SHOWN, arg="Hello again")
            tab.goto(f"{URL}.wsgireload/")
            tab.wait_for_function("document.body.textContent.includes('views.py')")
    assert "wsgireload: reloaded: /srv/mysite/views.py changed" in system.log()
    assert "doctor" in block.text  # the last one, which both commands have left without an error
