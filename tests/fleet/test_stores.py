"""The turn in a real etcd and a real Redis: the same answers from both."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from threading import Thread

import pytest
from support.coordinators import KINDS, CoordinatorServer, EtcdServer, RedisServer
from support.waiting import wait_for

from wsgireload.coordinator import Coordinator
from wsgireload.decide.coordinator import LIMIT
from wsgireload.turn import request
from wsgireload.turn.connection import SECRET, user_and_password
from wsgireload.turn.etcd import Etcd
from wsgireload.turn.redis import Redis
from wsgireload.turn.rules import NOT_YET, STOPPED, YES, Entries, Entry

OPEN = {"etcd": Etcd, "redis": Redis}
ENTRY = Entry("web1", "v2", 1.0, 2.0)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.scheme)
def server(request: pytest.FixtureRequest) -> Iterator[CoordinatorServer]:
    """One of each kind, for all tests."""
    with request.param() as server:
        yield server


@pytest.fixture
def url(server: CoordinatorServer, tmp_path: Path) -> str:
    """The turn of a fleet of this test's own."""
    return f"{server.address}/{tmp_path.name}/å"


def test_take_keep_give(url: str) -> None:
    """The whole protocol."""
    assert request(url, "take", "web1", "v2").code == YES
    assert request(url, "take", "web2", "v2").code == NOT_YET
    assert request(url, "keep", "web1").code == YES
    assert request(url, "keep", "web2").code == STOPPED
    assert request(url, "show").text.startswith("web1 has it for version v2 since ")
    assert request(url, "give", "web1").code == YES
    assert request(url, "show").text == "no machine has it"


def test_clear(url: str) -> None:
    """A person clears it, and another machine may take it."""
    assert request(url, "take", "web1", "v2").code == YES
    assert request(url, "clear").text.startswith("web1 has it")
    assert request(url, "take", "web2", "v2").code == YES


def test_its_life(url: str) -> None:
    """A turn that is not renewed ends, what was tried stays, and another version goes on."""
    short = f"{url}?life=3"
    assert request(short, "take", "web1", "v2").code == YES
    wait_for(lambda: request(short, "take", "web2", "v2").code == STOPPED)
    assert request(short, "take", "web2", "v3").code == YES
    assert request(short, "give", "web2").code == YES
    assert request(short, "show").text == "no machine has it"


def test_the_time_is_the_servers(server: CoordinatorServer, url: str) -> None:
    """The time comes with each answer; here it is this machine's."""
    store = OPEN[server.scheme](Coordinator.of(url))
    _, now = store.read()
    assert abs(time.time() - now) < 60
    store.close()


@pytest.mark.parametrize("change", ["take", "give"])
def test_two_at_once(server: CoordinatorServer, url: str, change: str) -> None:
    """Of two that read the same, one writes: both keys or none."""
    first, second = (OPEN[server.scheme](Coordinator.of(url)) for _ in range(2))
    before = Entries(ENTRY, ENTRY) if change == "give" else Entries()
    if before.turn:
        first.read()
        assert first.write(Entries(), before)
    assert first.read()[0] == second.read()[0] == before
    after = Entries(None, None) if change == "give" else Entries(ENTRY, ENTRY)
    assert first.write(before, after)
    other = ENTRY._replace(owner="web2")
    assert not second.write(before, Entries(other, other))
    assert second.read()[0] == after
    first.close()
    second.close()


def test_many_at_once(url: str) -> None:
    """Of eight programs that take it at the same time one gets it."""
    command = [sys.executable, "-m", "wsgireload.turn", url, "take"]
    running = [
        subprocess.Popen([*command, f"web{number}", "v2"], stdout=subprocess.PIPE)
        for number in range(8)
    ]
    for each in running:
        each.communicate()
    assert sorted(each.returncode for each in running) == [YES, *[NOT_YET] * 7]


def test_the_program(url: str) -> None:
    """It prints one line, and ends with the answer's code; 2 for misuse, 1 without an answer."""

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "wsgireload.turn", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    code, text = run(url, "take", "web1", "v2")
    assert (code, text.count("\n")) == (YES, 1)
    assert text.startswith("web1 has it for version v2 since ")
    assert run(url, "take", "web2", "v2")[0] == NOT_YET
    assert run(url, "take", "web2")[0] == run(url)[0] == run(url, "steal", "web2")[0] == 2
    code, text = run("redis://user:pa55word@127.0.0.1/name", "show")
    assert (code, "pa55word" in text) == (1, False)


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_answers(kind: type[CoordinatorServer]) -> None:
    """Without a server, and with another one in its place, there is no answer."""
    with pytest.raises(OSError, match="refused"):
        request(f"{kind.scheme}://127.0.0.1:1/name", "show")


def test_the_wrong_kind(server: CoordinatorServer) -> None:
    """A server that is something else is recognized."""
    other = "redis" if server.scheme == "etcd" else "etcd"
    with pytest.raises(OSError, match=f"this is no {other}|closed|reset"):
        request(f"{other}://{server.host}:{server.port}/name", "show")


@contextmanager
def _silent() -> Iterator[int]:
    """The port of a member that hangs: the system accepts connections, and nothing answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def _closing() -> Iterator[int]:
    """The port of a member that ends each connection without an answer."""
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    "others", [nullcontext(1), _silent(), _closing()], ids=["refused", "silent", "closing"]
)
def test_the_members_of_an_etcd(
    server: CoordinatorServer, others: AbstractContextManager[int]
) -> None:
    """The first member that answers counts, long before a request has to end."""
    if server.scheme == "etcd":
        with others as port:
            url = f"etcd://127.0.0.1:{port},{server.host}:{server.port}/members"
            began = time.monotonic()
            assert request(url, "take", "web1", "v2").code == YES
            assert time.monotonic() - began < LIMIT / 3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate of 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    words = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run([*words.split(), *names], cwd=folder, capture_output=True, check=True)
    both = (folder / "cert.pem").read_text() + (folder / "key.pem").read_text()
    (folder / "cert.pem").write_text(both)
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_encrypted(kind: type[CoordinatorServer], certificate: Path) -> None:
    """etcds:// and rediss:// check the certificate, against `ca` where it is given."""
    with kind(tls=certificate) as server:
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            request(f"{server.address}/name", "show")
        url = f"{server.address}/name?ca={certificate}/cert.pem&cert={certificate}/cert.pem"
        assert request(url, "take", "web1", "v2").code == YES


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What it holds is closed at the end."""
    with ExitStack() as stack:
        yield stack


def _redis(stack: ExitStack) -> CoordinatorServer:
    server = RedisServer()
    server.password = "s3:cret"
    return stack.enter_context(server)


def _etcd(stack: ExitStack) -> CoordinatorServer:
    server = stack.enter_context(EtcdServer())
    calls = [
        ("role/add", {"name": "root"}),
        ("user/add", {"name": "root", "password": "s3:cret"}),
        ("user/grant", {"user": "root", "role": "root"}),
        ("enable", {}),
    ]
    with closing(Etcd(Coordinator.of(f"{server.address}/name"))) as store:
        for method, data in calls:
            store._call(f"auth/{method}", data)
    return server


@pytest.mark.parametrize(("start", "user"), [(_redis, "default"), (_etcd, "root")])
def test_user_and_password(
    start: Callable[[ExitStack], CoordinatorServer],
    user: str,
    stack: ExitStack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They come from the file `secret` or the environment; without them there is no answer."""
    url = f"{start(stack).address}/name"
    with pytest.raises(OSError, match=r"NOAUTH|user name is empty|etcd refuses"):
        request(url, "show")
    (tmp_path / "secret").write_text(f"{user}:s3:cret\n")
    assert request(f"{url}?secret={tmp_path}/secret", "show").code == YES
    monkeypatch.setenv(SECRET, f"{user}:s3:cret")
    assert request(url, "show").code == YES
    monkeypatch.setenv(SECRET, f"{user}:wrong")
    with pytest.raises(OSError, match=r"WRONGPASS|invalid"):
        request(url, "show")
    with pytest.raises(FileNotFoundError):
        request(f"{url}?secret={tmp_path}/missing", "show")


def test_a_password_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret without a colon is the password of the usual user."""
    monkeypatch.setenv(SECRET, "secret")
    coordinator = Coordinator.of("redis://host/name")
    assert user_and_password(coordinator) == ("", "secret")
    monkeypatch.delenv(SECRET)
    assert user_and_password(coordinator) is None
    assert SECRET not in os.environ
