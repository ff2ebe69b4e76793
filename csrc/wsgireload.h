/* SPDX-License-Identifier: MIT
 *
 * The whole border between the C core and everyone else. The C compiler reads this file, and so
 * does cffi's cdef(), as it stands: hence plain C types alone, no #include, no attributes, and no
 * guard (cffi warns of #pragma once and refuses #ifndef): include it once.
 *
 * Every function may be called from any thread of any interpreter, several at once, with the GIL
 * or without it. None calls Python, allocates, or hands out memory: the caller owns the struct it
 * passes in, every field of it is written, and there is nothing to free. Texts end in NUL, are cut
 * to fit, are "" where there is nothing to say, and hold whatever bytes httpd or the operating
 * system gave: not always UTF-8.
 */

/* The outcomes of asking for a restart. */
enum wsgireload_status {
    WSGIRELOAD_ASKED = 0,         /* the server was asked just now */
    WSGIRELOAD_ALREADY_ASKED = 1, /* it was asked before, on behalf of this whole process */
    WSGIRELOAD_UNSUPPORTED = 2,   /* there is no way to ask on this platform */
    WSGIRELOAD_FAILED = 3         /* `call` failed with `code`; nothing was asked */
};

typedef struct {
    int status;        /* one of enum wsgireload_status */
    int code;          /* the operating system's number for the failure; 0 without one */
    char call[64];     /* the call that failed, by its name in C */
    char message[256]; /* the operating system's own words for the failure */
} wsgireload_outcome;

typedef struct {
    int apache;        /* 1: this process is Apache's httpd; 0: it is not, and the rest is "" */
    char version[256]; /* "Apache/2.4.57 (Debian) mod_wsgi/4.9.4 Python/3.11" */
    char mpm[32];      /* "event", "worker", "prefork", "winnt" */
} wsgireload_server;

/* Says what server this process is. Asks only what is in the process already: loads nothing. */
void wsgireload_probe(wsgireload_server *out);

/* Asks the server to replace this process, once: of all calls in the process, from whichever
 * thread, interpreter or copy of this library, one asks and the others get ALREADY_ASKED. After
 * FAILED the next call tries again. ASKED means no more than that: the server acts later. */
void wsgireload_restart(wsgireload_outcome *out);

/* Lets wsgireload_restart ask once more, for a restart that the server never took up. For the one
 * who got ASKED: were everyone to do it, everyone would ask again. */
void wsgireload_rearm(void);
