"""What open pages that reload themselves cost everybody else: see bench/tabs.

One server, asked by one visitor again and again. In turns (A B, B A, ...) nobody else is there, or
so many open tabs are, each of which asks its question every 0.7 s as live.js does: what is compared
is how long the visitor waits, in one run on one machine. The tabs are a process of their own.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from statistics import median, quantiles

from support.apache import Apache
from support.apacheserver import HOST, Server, wait_for
from support.httpdconf import Application
from support.packages import copy_packages
from support.pagesite import SCRIPT, page_site
from support.testsite import Sites

PAUSE = 0.7
"""Seconds between two questions of a tab that is seen: see wsgireload/web/live.js."""
ALLOWED = 1.05


def ask(connection: http.client.HTTPConnection, path: str) -> None:
    """One request, answered well."""
    connection.request("GET", path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise http.client.HTTPException(f"GET {path}: {answer.status}")


def tab(port: int, late: float, over: threading.Event) -> None:
    """One tab that is seen, until it is over."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    over.wait(late)
    while not over.wait(PAUSE):
        ask(connection, "/.wsgireload/live?v=")
    connection.close()


def browser(port: int, count: int, over: Event) -> None:
    """So many tabs, which do not all ask at once."""
    ended = threading.Event()
    tabs = [
        threading.Thread(target=tab, args=(port, PAUSE * number / count, ended))
        for number in range(count)
    ]
    for each in tabs:
        each.start()
    over.wait()
    ended.set()
    for each in tabs:
        each.join()


@contextmanager
def open_tabs(port: int, count: int) -> Iterator[None]:
    """So many tabs as long as this lasts, all of which have begun to ask."""
    over = multiprocessing.Event()
    process = multiprocessing.Process(target=browser, args=(port, count, over))
    process.start()
    time.sleep(2 * PAUSE)
    try:
        yield
    finally:
        over.set()
        process.join()


def waits(server: Server, seconds: float) -> list[float]:
    """Milliseconds that each request of one visitor took."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=30)
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        ask(connection, "/")
        took.append((time.monotonic() - began) * 1000)
    connection.close()
    return took


def compare(server: Server, pairs: int, seconds: float, count: int) -> None:
    """Print what one visitor waits without the tabs and with them, and the ratio of each pair."""
    medians: dict[bool, list[float]] = {False: [], True: []}
    waits(server, 1)  # to warm up
    for number in range(pairs):
        for with_tabs in (False, True) if number % 2 == 0 else (True, False):
            if with_tabs:
                with open_tabs(server.port, count):
                    took = waits(server, seconds)
            else:
                took = waits(server, seconds)
            medians[with_tabs].append(median(took))
    ratios = [b / a for a, b in zip(medians[False], medians[True], strict=True)]
    print(f"{count} open tabs: {pairs} pairs of {seconds:g} s; medians of one visitor's requests")
    print(f"without {median(medians[False]):.3f} ms, with {median(medians[True]):.3f} ms")
    print(f"ratio of each pair, quartiles: {'  '.join(f'{q:.3f}' for q in quantiles(ratios, n=4))}")
    verdict = "met" if median(ratios) <= ALLOWED else "missed"
    print(f"target: a ratio of at most {ALLOWED}: {verdict}")


def main() -> None:
    options = argparse.ArgumentParser(prog="bench/tabs", description=__doc__)
    options.add_argument("--quick", action="store_true", help="a few pairs, half a minute")
    options.add_argument("--tabs", type=int, default=10, help="how many (10)")
    chosen = options.parse_args()
    with Sites(Apache.of_the_system(), Application(python_path=["library"])) as sites:
        site = page_site(sites)
        copy_packages(site.folder("library"), "wsgireload")
        assert (site.app / SCRIPT).exists()
        site.start()
        site.get()
        wait_for(lambda: site.said("watching"), "a first look")
        compare(site, *((6, 2.0) if chosen.quick else (20, 5.0)), count=chosen.tabs)


if __name__ == "__main__":
    main()
