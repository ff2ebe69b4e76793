"""A forked child leaves its parent's watcher alone, and begins its own."""

from __future__ import annotations

from support.children import WATCHER


def test_fork(child, tmp_path):
    """A forked child ends its parent's watcher and begins its own; the parent's is undisturbed."""
    in_child, in_parent = child(
        WATCHER
        + """
watcher, number = begin()
reader, writer = os.pipe()
if os.fork() == 0:
    n.watch_end(watcher)
    found = [taken(), n.watch_wait(watcher, 30)[1][3]]
    del watcher
    found += [taken()]
    mine, _ = begin()
    found += [taken(), reports(mine, "child")]
    n.watch_end(mine)
    del mine
    os.write(writer, json.dumps(found + [taken()]).encode())
    os._exit(0)
os.wait()
found = [[os.fsdecode(name) for _, _, name in n.watch_wait(watcher, 30)[0]]]
found += [reports(watcher, "parent")]
n.watch_end(watcher)
del watcher
output([json.loads(os.read(reader, 65536)), found + [taken()]])
""",
        tmp_path,
    )
    assert in_child == [[0, 1], "the watcher has ended", [0, 0], [1, 1], True, [0, 0]]
    assert in_parent == [["child"], True, [0, 0]]


def test_fork_during_a_wait(child, tmp_path):
    """Where the parent waits in another thread, the child leaves the parent's instance as well."""
    in_child, in_parent = child(
        WATCHER
        + """
watcher, number = begin()
reader, writer = os.pipe()
changes = []

def wait():
    while not changes:
        changes.extend(n.watch_wait(watcher, 30)[0])

thread = threading.Thread(target=wait)
thread.start()
if os.fork() == 0:
    n.watch_end(watcher)
    os.write(writer, json.dumps(taken()).encode())
    os._exit(0)
os.wait()
os.mkdir(os.path.join(FOLDER, b"name"))
thread.join()
output([json.loads(os.read(reader, 65536)), [os.fsdecode(name) for _, _, name in changes]])
""",
        tmp_path,
    )
    assert in_child[0] == 0
    assert in_parent == ["name"]


def test_fork_of_a_monitor(child, tmp_path):
    """A forked monitor releases the inotify instance of its parent, which watches on."""
    before, in_child, after = child(
        WATCHER
        + """
os.environ["XDG_STATE_HOME"] = sys.argv[1] + "/state"
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
import wsgireload
page = pathlib.Path(sys.argv[1], "a.html")
page.touch()
monitor = wsgireload.start(server="daemon", track=[page], watch="events", interval=60)
while not monitor.status().looks:
    pass
before = taken()[0]
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, json.dumps(taken()).encode())
    os._exit(0)
os.wait()
in_child = json.loads(os.read(reader, 65536))[0]
while monitor.status().looks < 2:
    page.touch()
wsgireload.stop()
output([before, in_child, taken()[0]])
""",
        tmp_path,
    )
    assert (before, in_child, after) == (1, 0, 0)


def test_fork_while_others_watch(child, tmp_path):
    """Children that are forked in the midst of everything begin and end as they should."""
    codes = child(
        WATCHER
        + """
on = True

def others():
    while on:
        watcher, number = begin()
        n.watch_forget(watcher, number)
        n.watch_wait(watcher, 0)
        n.watch_end(watcher)

threads = [threading.Thread(target=others) for _ in range(2)]
for thread in threads: thread.start()
codes = set()
for _ in range(200):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        before = taken()
        watcher, number = begin()
        n.watch_end(watcher)
        del watcher
        os._exit(taken() != before)
    codes.add(os.waitpid(child, 0)[1])
on = False
for thread in threads: thread.join()
output([*codes, taken()])
""",
        tmp_path,
    )
    assert codes == [0, [0, 0]]
