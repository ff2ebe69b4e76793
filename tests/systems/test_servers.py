"""docs/servers.md: its playbook deploys, and its lines for the environment switch off."""

from __future__ import annotations

import re

from support.apacheserver import wait_for
from support.newsystem import NewSystem, files_of, get
from support.reader import blocks

PLAY = "/root/play"
DEPLOY = "ansible-playbook -c local -i localhost, site.yml"


def deploy(system: NewSystem) -> tuple[str, int]:
    """Run the playbook; return what it prints, and how many tasks changed something."""
    printed = system.run(DEPLOY, PLAY)
    found = re.search(r"changed=(\d+)", printed)
    assert found, printed
    return printed, int(found[1])


def test_the_playbook(system: NewSystem) -> None:
    """The first run restarts Apache, one without changes nothing, one with new code no service."""
    for name, text in files_of("servers.md").items():
        system.write(f"{PLAY}/{name}", text)
    system.add_wheel("/root/wheels")
    with system.path("/etc/pip.conf").open("a") as settings:  # instead of an index with a release
        settings.write("\n[install]\nfind-links = /root/wheels\n")
    system.run("apt-get update && apt-get install -y --no-install-recommends ansible-core", "/")
    printed, changed = deploy(system)
    assert "Restart Apache" in printed
    wait_for(lambda: "<h1>Hello</h1>" in get(), "the first page")
    wait_for(lambda: "wsgireload: watching: " in system.log(), "the log's line")
    before = system.log()
    printed, changed = deploy(system)
    assert changed == 0, printed
    assert system.log() == before
    views = system.path(f"{PLAY}/mysite/views.py")
    views.write_text(views.read_text("utf-8").replace("Hello", "Hello again"), "utf-8")
    printed, changed = deploy(system)
    assert "Restart Apache" not in printed
    wait_for(lambda: "<h1>Hello again</h1>" in get(), "the new page")
    status = "/srv/mysite/venv/bin/wsgireload status || true"  # it is written with the next step
    wait_for(lambda: ": watching, " in system.run(status), "the status")
    [switch_off] = [block for block in blocks("servers.md") if block.language == "sh"]
    before = system.log()
    system.run(switch_off.text)
    wait_for(lambda: "<h1>Hello again</h1>" in get(), "the page, from a new Apache")
    wait_for(lambda: "wsgireload: inactive: " in system.log()[len(before) :], "inactive")
