/* SPDX-License-Identifier: MIT
 *
 * The whole border between the C core and everyone else. The C compiler reads this file, and so
 * does cffi's cdef(), as it stands: hence plain C types alone, no #include, no attributes, and no
 * guard (cffi warns of #pragma once and refuses #ifndef): include it once.
 *
 * Every function may be called from any thread of any interpreter, several at once, with the GIL
 * or without it. None calls Python or hands out memory: the caller owns the struct it passes in,
 * every field of it is written, and there is nothing to free. Texts end in NUL, are cut to fit,
 * are "" where there is nothing to say, and hold whatever bytes httpd or the operating system
 * gave: not always UTF-8. Paths and names are bytes, as os.fsencode makes them.
 */

/* What came of a call. */
enum wsgireload_status {
    WSGIRELOAD_OK = 0,            /* it is done; of wsgireload_restart: */
    WSGIRELOAD_ASKED = 0,         /* the server was asked just now, by way of `call` */
    WSGIRELOAD_ALREADY_ASKED = 1, /* it was asked before, on behalf of this whole process */
    WSGIRELOAD_UNSUPPORTED = 2,   /* `call` cannot do it here, ever: `message` says why */
    WSGIRELOAD_FAILED = 3,        /* `call` failed with `code`; nothing was done */
    WSGIRELOAD_NOT_READY = 4      /* the server cannot be asked yet: `message` says why */
};

typedef struct {
    int status;        /* one of enum wsgireload_status */
    int code;          /* the operating system's number for the failure; 0 without one */
    char call[64];     /* the call that did it, or that failed, by its name in C */
    char message[256]; /* the operating system's own words for the failure, or ours */
} wsgireload_outcome;

/* The states of a server, in httpd's own numbers. */
enum wsgireload_state {
    WSGIRELOAD_UNKNOWN = -1,
    WSGIRELOAD_STARTING = 0,
    WSGIRELOAD_RUNNING = 1,
    WSGIRELOAD_STOPPING = 2 /* it finishes what it serves and leaves: never taken back */
};

typedef struct {
    int apache;        /* 1: this process is Apache's httpd; 0: it is not, and the texts are "" */
    char version[256]; /* "Apache/2.4.57 (Debian) mod_wsgi/4.9.4 Python/3.11" */
    char mpm[32];      /* "event", "worker", "prefork", "WinNT" */

    /* What only Windows tells: elsewhere 0, UNKNOWN and -1. */
    unsigned long parent; /* the pid of Apache's parent process; 0: this process has none */
    int state;            /* one of enum wsgireload_state */
    int generation;       /* how many restarts of its parent this process came after; or -1 */

    /* What wsgireload_restart would come to now, were it never called before: ASKED,
     * ALREADY_ASKED (this process is being replaced already), NOT_READY or UNSUPPORTED. */
    int restart;
    char refusal[128]; /* one sentence, in UTF-8: why it is NOT_READY or UNSUPPORTED */
} wsgireload_server;

/* Says what server this process is. Asks only what is in the process already: loads nothing. */
void wsgireload_probe(wsgireload_server *out);

/* On Windows: the command line that this process was started with, in UTF-16 and with a NUL at its
 * end. It is the system's, and stays as long as the process. NULL elsewhere. */
const unsigned short *wsgireload_command_line(void);

/* Asks the server to replace this process, once: of all calls in the process, from whichever
 * thread, interpreter or copy of this library, one asks and the others get ALREADY_ASKED. After
 * FAILED the next call tries again. ASKED means no more than that: the server acts later. */
void wsgireload_restart(wsgireload_outcome *out);

/* Lets wsgireload_restart ask once more, for a restart that the server never took up. For the one
 * who got ASKED: were everyone to do it, everyone would ask again. On Windows a process that is
 * being replaced still asks no more. */
void wsgireload_rearm(void);

/* On Windows: ends this process if it is still there so many seconds after Apache began to
 * replace it, for one that will never leave by itself. It says so in the error log, and its exit
 * code is 0. The sign that Apache did begin is that the state is STOPPING; where that does not
 * come within the same time, nothing is ended. A later call counts anew, and 0 calls it off.
 *
 * Give a process more than Apache's Timeout, for so long it may be serving: a request that is cut
 * off by this never gives its thread back, and the next process has one less, which makes Apache
 * cut off that one's requests in turn. Once the process has finished serving (mod_wsgi's shutdown
 * callbacks and atexit come after that) a few seconds do. */
void wsgireload_linger(unsigned seconds, wsgireload_outcome *out);

/* On Windows: opens a file for reading, so that others may write, rename and delete it meanwhile.
 * Only to rename another file over it they still need it closed (but for the POSIX way that came
 * with Windows 10): read at once and close. The path is UTF-16, of any length, and ends in a NUL.
 * Returns a Windows handle, which is the caller's to close, or -1 where the outcome is not OK. */
long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out);

/* What a watcher wants to hear of a directory. */
enum wsgireload_interest {
    WSGIRELOAD_ITSELF = 0, /* that the directory, or the symbolic link, is moved or deleted itself,
                            * and that a name given to wsgireload_watch_name comes or goes in it */
    WSGIRELOAD_NAMES = 1,  /* and that what has such a name is written to */
    WSGIRELOAD_ALL = 2     /* and of whatever it holds */
};

typedef struct {
    int directory;  /* its number; -1: events were lost, anything may have changed anywhere */
    int gone;       /* 1: it is watched no more (moved, deleted, unmounted): watch it anew */
    char name[512]; /* what changed in it; "": anything in it, or about it */
} wsgireload_change;

/* Begins to watch: a number above 0, for the functions below, or -1 where the outcome is not OK.
 * Every watcher is to be ended. All of a process, 64 at most, share one thread, which is there as
 * long as they are. To a forked child, the watchers of its parent are numbers that mean nothing. */
long long wsgireload_watch_begin(wsgireload_outcome *out);

/* Watches a directory: what changes once this has returned is told. Returns a number for it, or
 * -1 where the outcome is not OK. Paths that lead to the same directory give the same number, and
 * the interest grows. After a change that says -1, call this again for every directory: those with
 * another number than before were gone. UNSUPPORTED: events cannot be trusted on this kind of file
 * system, which is the message; `trust` is 1 to watch all the same.
 *
 * On Windows a directory is watched with all that is in it, at any depth, and ITSELF gives a number
 * that never has a change: a handle would keep people from renaming the directory. */
int wsgireload_watch_directory(long long watcher, const char *path, int interest, int trust,
                               wsgireload_outcome *out);

/* Adds a name to hear of: on Windows the path from the directory on, with backslashes, its case
 * being of no matter. Watchers hear of each other's names in a directory that they share. */
void wsgireload_watch_name(long long watcher, int directory, const char *name);

/* Watches a directory no more. What is of no meaning is ignored, here and above and below. */
void wsgireload_watch_forget(long long watcher, int directory);

/* Waits until something changes, and says what: how many of the `room` changes it wrote. 0: the
 * time is over, or the watcher was woken or ended meanwhile. -1 where the outcome is not OK: there
 * is no such watcher (any more), or no event will ever come again. In one thread at a time. */
int wsgireload_watch_wait(long long watcher, unsigned milliseconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out);

/* Ends the wait that is on, or else the next one. */
void wsgireload_watch_wake(long long watcher);

/* Ends a watcher, and a wait that is on in another thread. */
void wsgireload_watch_end(long long watcher);

/* Looks at `count` files, whose paths are in `paths` one after another, each with its NUL. Writes
 * for each a number that is another one once the file was written, replaced or restored; 0: there
 * is no such file; 1: it cannot be looked at. */
void wsgireload_marks(const char *paths, int count, unsigned long long *marks);
