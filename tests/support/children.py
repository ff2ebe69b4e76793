"""What the child processes of tests/native start with."""

# For the core alone: `request` is one call, as (status, code, call, message); `calls` is
# what the preloaded kill() counted.
CORE = """
import ctypes, json, os, shutil, signal, sys, threading
from wsgireload.ffi import ffi, lib

def request(core=lib):
    out = ffi.new("wsgireload_outcome *")
    core.wsgireload_restart(lib.WSGIRELOAD_SIGINT, out)
    return out.status, out.code, ffi.string(out.call).decode(), ffi.string(out.message).decode()

def at_once(cores):
    barrier, returned = threading.Barrier(len(cores)), []
    def run(core):
        barrier.wait()
        returned.append(request(core)[0])
    threads = [threading.Thread(target=run, args=(core,)) for core in cores]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(returned)

def copies(folder, count):
    made = [shutil.copy(sys.modules["wsgireload._native"].__file__, f"{folder}/copy{i}.so")
            for i in range(count)]
    return made, [ffi.dlopen(path) for path in made]

def shim(name):
    return ctypes.c_int.in_dll(ctypes.CDLL(None), name)

def calls():
    return shim("kill_calls").value

def output(what):
    print(json.dumps(what))
"""


IGNORED = CORE + "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"

# For watchers, in the folder that is the first argument.
WATCHER = """
import ctypes, errno, json, os, pathlib, signal, sys, threading
import wsgireload._native as n

FOLDER = os.fsencode(sys.argv[1])
ALL = 2

def output(what):
    print(json.dumps(what))

def fds():
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return sorted(os.readlink(link) for link in links if os.path.lexists(link))

def taken():
    '''How many inotify instances and eventfds.'''
    return [fds().count("anon_inode:inotify"), fds().count("anon_inode:[eventfd]")]

def begin(interest=ALL):
    watcher, outcome = n.watch_begin()
    assert outcome[0] == 0, outcome
    number, outcome = n.watch_directory(watcher, FOLDER, interest)
    assert outcome[0] == 0, outcome
    return watcher, number

def reports(watcher, name):
    pathlib.Path(sys.argv[1], name).mkdir()
    changes, outcome = n.watch_wait(watcher, 30)
    return name in [os.fsdecode(changed) for _, _, changed in changes]
"""
