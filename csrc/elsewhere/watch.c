/* SPDX-License-Identifier: MIT
 *
 * Of the hub and its events, where there are none: macOS and others.
 */
#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

static int unsupported(wsgireload_outcome *out, const char *call)
{
    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_UNSUPPORTED;
    snprintf(out->call, sizeof out->call, "%s", call);
    snprintf(out->message, sizeof out->message, "not supported on this platform");
    return -1;
}

long long wsgireload_watch_begin(wsgireload_outcome *out)
{
    return unsupported(out, "wsgireload_watch_begin");
}

int wsgireload_watch_directory(long long watcher, const char *path, int interest, int trust,
                               wsgireload_outcome *out)
{
    (void)watcher, (void)path, (void)interest, (void)trust;
    return unsupported(out, "wsgireload_watch_directory");
}

void wsgireload_watch_name(long long watcher, int directory, const char *name)
{
    (void)watcher, (void)directory, (void)name;
}

void wsgireload_watch_forget(long long watcher, int directory)
{
    (void)watcher, (void)directory;
}

int wsgireload_watch_wait(long long watcher, unsigned milliseconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out)
{
    (void)watcher, (void)milliseconds, (void)changes, (void)room;
    return unsupported(out, "wsgireload_watch_wait");
}

void wsgireload_watch_wake(long long watcher)
{
    (void)watcher;
}

void wsgireload_watch_end(long long watcher)
{
    (void)watcher;
}
