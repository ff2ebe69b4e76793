/* SPDX-License-Identifier: MIT
 *
 * The public interface of the C core. The C compiler and cffi's cdef() both read this file as it
 * is: hence no #include, no attributes and no include guard (cffi warns about #pragma once and
 * rejects #ifndef). Include it once.
 *
 * Every function may be called from any thread of any interpreter, concurrently, with or without
 * the GIL; those of a watcher are the exception: see wsgireload_watch_begin. None calls Python. The
 * caller owns the structs it passes in, every field of them is written, and only a watcher has to
 * be freed. Text ends in NUL, is truncated to fit, is "" where there is none, and holds the bytes
 * that the operating system supplied: not always UTF-8. Paths and names of files are what it takes
 * itself: on Windows UTF-16, with a NUL of two bytes and paths of 260 units with a prefix, and
 * elsewhere bytes.
 */

/* The result of a call. */
enum wsgireload_status {
    WSGIRELOAD_OK = 0,                /* done; for wsgireload_restart: */
    WSGIRELOAD_REQUESTED = 0,         /* this call requested the restart, through `call` */
    WSGIRELOAD_ALREADY_REQUESTED = 1, /* an earlier call in this process requested it */
    WSGIRELOAD_UNSUPPORTED = 2,       /* `call` can never do it here; `message` is the reason */
    WSGIRELOAD_FAILED = 3,            /* `call` failed with `code`; nothing was done */
    WSGIRELOAD_NOT_READY = 4          /* not possible yet; `message` is the reason */
};

typedef struct {
    int status;        /* one of enum wsgireload_status */
    int code;          /* the operating system's error number, or 0 */
    char call[64];     /* the C function that did it, or that failed */
    char message[256]; /* the operating system's error message, or ours */
} wsgireload_outcome;

/* The states of a server, with httpd's own numbers. */
enum wsgireload_state {
    WSGIRELOAD_UNKNOWN = -1,
    WSGIRELOAD_STARTING = 0,
    WSGIRELOAD_RUNNING = 1,
    WSGIRELOAD_STOPPING = 2 /* it finishes its requests and exits; this is final */
};

typedef struct {
    int apache; /* 1: this process is Apache's httpd; 0: it is not */

    /* Known on Windows only; elsewhere 0, UNKNOWN and -1. */
    unsigned long parent; /* the pid of Apache's parent process; 0: it has none */
    int state;            /* one of enum wsgireload_state */
    int generation;       /* the number of restarts of the parent before this process, or -1 */

    /* What a first wsgireload_restart would return now: REQUESTED, ALREADY_REQUESTED (this process
     * is being replaced already), NOT_READY or UNSUPPORTED. */
    int restart;
    char refusal[128]; /* for NOT_READY and UNSUPPORTED: the reason, one sentence in UTF-8 */
} wsgireload_server;

/* Describes the server that this process is. Uses only what is loaded already. */
void wsgireload_probe(wsgireload_server *out);

/* Returns the command line that started this process, in UTF-16 with a NUL at its end. Windows
 * owns it, and keeps it as long as the process. NULL elsewhere. */
const unsigned short *wsgireload_command_line(void);

/* On Windows: returns when a process started, which no other process with its pid did: in units of
 * 100 ns since 1601. 0: no process with this pid runs; 1: one runs and its start is not revealed, as
 * for every pid on other systems. */
unsigned long long wsgireload_process_start(unsigned long pid);

/* The signals that end a mod_wsgi daemon process. */
enum wsgireload_signals { WSGIRELOAD_SIGINT = 1, WSGIRELOAD_SIGTERM = 2 };

/* Requests that the server replace this process, which it does later: on UNIX by one of these
 * signals to this process. Of all calls in the process, from whichever thread, interpreter or copy
 * of this library, one requests it and the others return ALREADY_REQUESTED. After FAILED the next
 * call tries again. */
void wsgireload_restart(int signal, wsgireload_outcome *out);

/* Returns which of these do not reach mod_wsgi, because other code handles or ignores them; 0 on
 * Windows. Unblocks SIGINT in the calling thread: if mod_wsgi rejects a request, it sends SIGINT to
 * its process from the thread of that request, and takes no other request afterwards. */
int wsgireload_taken(void);

/* Allows one more request, if the server did not act on it. Only for the caller that got REQUESTED.
 * On Windows a process that is being replaced still requests nothing. */
void wsgireload_rearm(void);

/* On Windows: ends this process if it still runs so many seconds after Apache began to replace it.
 * That writes a line to the error log, and the exit code is 0. Apache has begun once the state is
 * STOPPING; if it does not become so within the same time, the process is not ended. A later call
 * replaces an earlier one, and 0 cancels it.
 *
 * Use more than Apache's Timeout, which a request may take: if it is cut off, the next process has
 * one thread less, and Apache cuts off requests of that one in turn. A few seconds suffice once the
 * process has finished serving, as it has when mod_wsgi's shutdown callbacks and atexit run. */
void wsgireload_linger(unsigned seconds, wsgireload_outcome *out);

/* From now on a child of this process, whoever forks it and how, has the null device in place of a
 * descriptor: closing it is right there too. With `on` 0 no longer; that comes before closing it
 * here. A lock of a file is shared with forked children, which may live on. On Windows nothing
 * forks. */
void wsgireload_close_on_fork(int descriptor, int on);

/* On Windows: makes a job of a process and all that it will start. Returns the job, or -1. */
long long wsgireload_job(long long process, wsgireload_outcome *out);

/* Frees a job; with `kill` its processes are ended as well, with the exit code 1. */
void wsgireload_end_job(long long job, int kill);

/* Writes a number for each of `room` files at most, which changes when the file is written,
 * replaced or restored; 0: there is no such file; 1: it cannot be examined. `paths` holds the paths
 * one after another, each with its NUL, in so many bytes. Returns how many there are. */
int wsgireload_marks(const void *paths, unsigned long bytes, unsigned long long *marks, int room);

/* Returns the kind of file system that a path is on: statfs() has the numbers, and on Windows
 * GetDriveTypeW(). -1 and the outcome: it is not known. */
long long wsgireload_file_system(const void *path, wsgireload_outcome *out);

/* Which changes of a directory a watcher reports. */
enum wsgireload_interest {
    WSGIRELOAD_ITSELF = 0, /* the directory or symbolic link itself is moved or deleted, or a name
                            * that wsgireload_watch_name added appears or disappears in it */
    WSGIRELOAD_NAMES = 1,  /* also: a file with such a name is written */
    WSGIRELOAD_ALL = 2     /* also: any change of anything in it */
};

/* What is known of a change. */
enum wsgireload_kind {
    WSGIRELOAD_CHANGED = 0, /* it may still be written */
    WSGIRELOAD_GONE = 1,    /* the directory is no longer watched (moved, deleted, unmounted); watch
                             * the path again */
    WSGIRELOAD_SAVED = 2,   /* a file was closed after writing, or renamed into its place, and no
                             * more than attributes set since. Never on Windows */
    WSGIRELOAD_WRITTEN = 3  /* a file was written, and has not been closed. Never on Windows */
};

typedef struct {
    int directory;  /* the id of the directory; -1: events were lost, anything may have changed */
    int kind;       /* the last of enum wsgireload_kind */
    int length;     /* of the name, in bytes */
    char name[512]; /* what changed in it; "": anything in it, or the directory itself */
} wsgireload_change;

typedef struct wsgireload_watcher wsgireload_watcher;

/* Returns a new watcher, which the caller ends and frees; NULL and the outcome if there is none.
 *
 * A watcher has one handle of the operating system and no thread. It is not thread-safe, it belongs
 * to one thread at a time: only wsgireload_watch_wake may be called from others, until it is freed.
 * After a fork, the child may do no more than end its copy. */
wsgireload_watcher *wsgireload_watch_begin(wsgireload_outcome *out);

/* Watches a directory: every change after the return is reported. Returns its id, or -1 and the
 * outcome. Paths to the same directory have the same id, and the wider interest holds; one that was
 * forgotten or gone gets a new id. After a change with id -1 call this again for every directory.
 *
 * On Windows a directory is watched with everything below it, and ITSELF returns an id that never
 * reports a change: an open handle would keep others from renaming the directory. */
int wsgireload_watch_directory(wsgireload_watcher *watcher, const void *path, int interest,
                               wsgireload_outcome *out);

/* Adds a name to report: on Windows the path below the directory, with backslashes and in any
 * case. An unknown directory is ignored, here and by wsgireload_watch_forget. */
void wsgireload_watch_name(wsgireload_watcher *watcher, int directory, const void *name);

/* Stops watching a directory. */
void wsgireload_watch_forget(wsgireload_watcher *watcher, int directory);

/* Waits for changes; returns how many of the `room` changes it wrote. 0: the time is over, or it was
 * woken. -1 and the outcome: the watcher ended, or no event will ever arrive again. */
int wsgireload_watch_wait(wsgireload_watcher *watcher, double seconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out);

/* Ends the current wait, or else the next one. */
void wsgireload_watch_wake(wsgireload_watcher *watcher);

/* Closes the handle. Safe in a forked child: the parent's watcher works on. */
void wsgireload_watch_end(wsgireload_watcher *watcher);

/* Ends and frees a watcher. */
void wsgireload_watch_free(wsgireload_watcher *watcher);
