/* SPDX-License-Identifier: MIT
 *
 * What the sources of the core share: they include this file alone. Public names begin with
 * wsgireload_ and internal ones with core_. Where a function fails, it returns -1, or NULL, and
 * fills the outcome.
 */
#pragma once

#include <stddef.h>

#include "wsgireload.h"

/* outcome.c: fills an outcome, with code 0. Returns -1, for callers that return it in turn. */
int core_outcome(wsgireload_outcome *out, int status, const char *call, const char *message);

/* The same for what this platform does not have. */
int core_unsupported(wsgireload_outcome *out, const char *call);

/* Allocates zeroed memory. */
void *core_new(size_t size, wsgireload_outcome *out);

/* failure.c: the same for the operating system's last error. */
int core_failed(wsgireload_outcome *out, const char *call);

/* server.c: httpd's function of this name, or NULL. `bytes` is the size of its arguments where
 * pointers have 32 bits. Cast it to its real type: on 32-bit Windows AP_DECLARE is __stdcall. */
typedef void (*core_function)(void);
core_function core_find(const char *name, unsigned bytes);

/* hash.c: hashes bytes; never to 0. */
unsigned long long core_hash(const void *bytes, size_t length);

/* A hash that is neither 0 nor 1, of 60 bits: Python keeps a larger one in more memory. */
unsigned long long core_mark(const void *bytes, size_t length);

/* watch.c: the operating system's events. Only core_events_wake may be called from another thread
 * than the one that waits. */
typedef struct core_events core_events;
core_events *core_events_open(wsgireload_outcome *out);

/* Watches a directory; returns its id. A watched directory keeps its id, and the id of one that is
 * not watched any more is not used again. */
int core_events_add(core_events *events, const void *path, int interest, wsgireload_outcome *out);
void core_events_remove(core_events *events, int id);

/* Waits once, and calls watcher.c's functions below as long as there is room. Returns 1, or 0 after
 * core_events_wake. When it fails, no event will ever arrive again. */
int core_events_wait(core_events *events, double seconds, wsgireload_watcher *watcher,
                     wsgireload_outcome *out);
void core_events_wake(core_events *events);

/* First closes the handle, without what another thread may have been changing at a fork. */
void core_events_close(core_events *events);
void core_events_free(core_events *events);

/* Hashes a name: the same for all spellings of the same file. */
unsigned long long core_name_hash(const void *name);

/* Returns seconds of a monotonic clock. */
double core_clock(void);

/* watcher.c, for core_events_wait: each of the last three needs room for one change. */
int core_has_room(const wsgireload_watcher *watcher);

/* `kind` is any but WSGIRELOAD_GONE. The name has so many bytes, and a NUL after them that fits as
 * well. `any` is 1 where it may stand for another one, or is "". */
void core_changed(wsgireload_watcher *watcher, int id, int kind, const void *name, size_t length,
                  int any);
void core_gone(wsgireload_watcher *watcher, int id);
void core_lost(wsgireload_watcher *watcher);

/* win/file.c alone: opens a file; others may write, rename and delete it meanwhile. Returns a HANDLE;
 * where that is INVALID_HANDLE_VALUE, GetLastError() has the reason. */
void *core_open(const wchar_t *path, unsigned long access, unsigned long flags);
