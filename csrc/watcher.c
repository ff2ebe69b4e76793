/* SPDX-License-Identifier: MIT
 *
 * Watchers: the directories of each, and which of their events it reports.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define LONGEST 4e6 /* seconds: Windows counts the milliseconds in 32 bits */

typedef struct {
    int id;
    int interest; /* one of enum wsgireload_interest */
    core_names names;
} directory;

struct wsgireload_watcher {
    core_events *events;
    int ended;
    directory *directories; /* in the order of their ids */
    size_t count, capacity;
    wsgireload_change *changes; /* of the current wait: where to write, for how many, how many yet */
    int room, reported;
};

wsgireload_watcher *wsgireload_watch_begin(wsgireload_outcome *out)
{
    wsgireload_watcher *watcher = core_new(sizeof *watcher, out);

    if (watcher == NULL)
        return NULL;
    core_outcome(out, WSGIRELOAD_OK, "", "");
    watcher->events = core_events_open(out);
    if (watcher->events == NULL) {
        free(watcher);
        return NULL;
    }
    return watcher;
}

static int compare(const void *id, const void *element)
{
    int left = *(const int *)id, right = ((const directory *)element)->id;

    return (left > right) - (left < right);
}

/* NULL: it is not watched. Valid until a directory is added or dropped. */
static directory *find(const wsgireload_watcher *watcher, int id)
{
    if (watcher->ended || watcher->count == 0)
        return NULL;
    return bsearch(&id, watcher->directories, watcher->count, sizeof(directory), compare);
}

/* NULL: there is no memory. */
static directory *add(wsgireload_watcher *watcher, int id)
{
    directory *all = watcher->directories;
    size_t capacity = watcher->capacity != 0 ? 2 * watcher->capacity : 16, at;

    if (watcher->count == watcher->capacity) {
        all = realloc(all, capacity * sizeof *all);
        if (all == NULL)
            return NULL;
        watcher->directories = all;
        watcher->capacity = capacity;
    }
    /* Ids ascend, until they wrap around: the new one is nearly always the last. */
    for (at = watcher->count++; at > 0 && all[at - 1].id > id; at--)
        all[at] = all[at - 1];
    memset(&all[at], 0, sizeof *all);
    all[at].id = id;
    return &all[at];
}

static void drop(wsgireload_watcher *watcher, directory *dropped)
{
    const directory *next = dropped + 1, *end = watcher->directories + watcher->count--;

    free(dropped->names.slots);
    memmove(dropped, next, (size_t)(end - next) * sizeof *next);
}

int wsgireload_watch_directory(wsgireload_watcher *watcher, const char *path, int interest,
                               int trust, wsgireload_outcome *out)
{
    directory *found;
    int id;

    core_outcome(out, WSGIRELOAD_OK, "", "");
    if (watcher->ended || interest < WSGIRELOAD_ITSELF || interest > WSGIRELOAD_ALL)
        return core_outcome(out, WSGIRELOAD_FAILED, __func__,
                            watcher->ended ? "the watcher has ended" : "no such interest");
    if (!trust && core_check_trust(path, interest == WSGIRELOAD_ITSELF, out) < 0)
        return -1;
    id = core_events_add(watcher->events, path, interest, out);
    if (id < 0)
        return -1;
    found = find(watcher, id);
    if (found == NULL)
        found = add(watcher, id);
    if (found == NULL) {
        core_events_remove(watcher->events, id);
        return core_outcome(out, WSGIRELOAD_FAILED, "realloc", "out of memory");
    }
    if (found->interest < interest)
        found->interest = interest;
    return id;
}

void wsgireload_watch_name(wsgireload_watcher *watcher, int id, const char *name)
{
    directory *found = find(watcher, id);

    if (found != NULL && !core_names_add(&found->names, core_name_hash(name)))
        found->interest = WSGIRELOAD_ALL; /* no memory: rather report too much than too little */
}

void wsgireload_watch_forget(wsgireload_watcher *watcher, int id)
{
    directory *found = find(watcher, id);

    if (found == NULL)
        return;
    core_events_remove(watcher->events, id);
    drop(watcher, found);
}

int wsgireload_watch_wait(wsgireload_watcher *watcher, double seconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out)
{
    double end = core_clock() + (seconds > LONGEST ? LONGEST : seconds), now;
    int more;

    if (watcher->ended)
        return core_outcome(out, WSGIRELOAD_FAILED, __func__, "the watcher has ended");
    core_outcome(out, WSGIRELOAD_OK, "", "");
    if (room < 1)
        return 0;
    watcher->changes = changes;
    watcher->room = room;
    watcher->reported = 0;
    do { /* also where the time is over: once, without waiting */
        now = core_clock();
        more = core_events_wait(watcher->events, now < end ? end - now : 0, watcher, out);
    } while (more > 0 && watcher->reported == 0 && core_clock() < end);
    return more < 0 ? -1 : watcher->reported;
}

void wsgireload_watch_wake(wsgireload_watcher *watcher)
{
    core_events_wake(watcher->events);
}

void wsgireload_watch_end(wsgireload_watcher *watcher)
{
    if (!watcher->ended)
        core_events_close(watcher->events);
    watcher->ended = 1;
}

void wsgireload_watch_free(wsgireload_watcher *watcher)
{
    wsgireload_watch_end(watcher);
    core_events_free(watcher->events);
    while (watcher->count > 0)
        free(watcher->directories[--watcher->count].names.slots);
    free(watcher->directories);
    free(watcher);
}

int core_has_room(const wsgireload_watcher *watcher)
{
    return watcher->reported < watcher->room;
}

/* Writes a change, or what more is known of the last one. */
static void report(wsgireload_watcher *watcher, int id, int kind, const char *name)
{
    wsgireload_change *next = &watcher->changes[watcher->reported];

    if (watcher->reported > 0 && next[-1].directory == id && kind != WSGIRELOAD_GONE
        && strcmp(next[-1].name, name) == 0) {
        if (kind != WSGIRELOAD_CHANGED || next[-1].kind != WSGIRELOAD_WRITTEN)
            next[-1].kind = kind; /* attributes that are set end no writing */
        return;
    }
    next->directory = id;
    next->kind = kind;
    snprintf(next->name, sizeof next->name, "%s", name); /* it fits: the platforms see to that */
    watcher->reported++;
}

void core_changed(wsgireload_watcher *watcher, int id, int kind, const char *name, int any)
{
    const directory *found = find(watcher, id);

    if (found != NULL
        && (any || found->interest == WSGIRELOAD_ALL
            || core_names_have(&found->names, core_name_hash(name))))
        report(watcher, id, kind, name);
}

void core_gone(wsgireload_watcher *watcher, int id)
{
    directory *found = find(watcher, id);

    if (found == NULL)
        return;
    report(watcher, id, WSGIRELOAD_GONE, "");
    drop(watcher, found);
}

void core_lost(wsgireload_watcher *watcher)
{
    report(watcher, -1, WSGIRELOAD_CHANGED, "");
}
