"""The address of a coordinator."""

from __future__ import annotations

import pytest

from wsgireload.coordinator import LIFE, Coordinator


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://db/site", Coordinator("redis", (("db", 6379),), "site", LIFE)),
        ("rediss://db:1/a/b", Coordinator("rediss", (("db", 1),), "a/b")),
        ("etcd://[::1]:5/site", Coordinator("etcd", (("::1", 5),), "site")),
        ("etcd://a,[::1]:5/site", Coordinator("etcd", (("a", 2379), ("::1", 5)), "site")),
        ("ETCD://[::1],[::2]/a", Coordinator("etcd", (("::1", 2379), ("::2", 2379)), "a")),
        ("etcds://a,b:7/site", Coordinator("etcds", (("a", 2379), ("b", 7)), "site")),
        (
            "redis://db/site?life=60&secret=/s&ca=/c&cert=/d",
            Coordinator("redis", (("db", 6379),), "site", 60.0, "/s", "/c", "/d"),
        ),
    ],
)
def test_an_address(url: str, expected: Coordinator) -> None:
    """Hosts, ports and options; the usual ports and the usual life."""
    assert Coordinator.of(url) == expected


def test_which_are_encrypted() -> None:
    """Those whose scheme says so."""
    urls = "redis://h/n", "rediss://h/n", "etcd://h/n", "etcds://h/n"
    assert [Coordinator.of(url).is_encrypted for url in urls] == [False, True, False, True]


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "site",
            "http://db/site",
            "redis:/db/site",
            "redis://db",
            "redis://db/",
            "redis:///n",
        ),
        *("redis://db/a b", "redis://db/\x07", "redis://db/site#x", "redis://db:x/site"),
        *("redis://a,b/site", "etcd://a,,b/site", "redis://db:70000/site", "redis://db/site?x"),
        *(
            "redis://db/s?life=1",
            "redis://db/s?life=x",
            "redis://db/s?life=nan",
            "redis://db/s?a=1",
            "redis://db?life=3/s",
            "redis://db#/s",
        ),
    ],
)
def test_no_address(url: str) -> None:
    """What makes no sense is a ValueError."""
    with pytest.raises(ValueError, match=r"."):
        Coordinator.of(url)


@pytest.mark.parametrize("secret", ["user:s3cret@", ":s3cret@", "s3cret@"])
def test_no_password(secret: str) -> None:
    """A password in a URL, which every user of the machine could read, is not repeated either."""
    with pytest.raises(ValueError, match="password") as raised:
        Coordinator.of(f"redis://{secret}db/site")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("secret", ["user:s3cret/x@", "user:[s3cret@", "user:s3cret?x@"])
def test_a_password_that_is_no_part_of_a_url(secret: str) -> None:
    """Nor is one repeated that contains what ends the hosts."""
    with pytest.raises(ValueError, match=r".") as raised:
        Coordinator.of(f"redis://{secret}db/site")
    assert "s3cret" not in str(raised.value)
