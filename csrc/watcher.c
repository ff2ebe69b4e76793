/* SPDX-License-Identifier: MIT
 *
 * Watchers: the directories of each, and which of their events it reports.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

#define LONGEST 4e6 /* seconds: Windows counts the milliseconds in 32 bits */

/* A key is the id of a directory and, in its lower half, the hash of a name in it or one of these. */
enum { WATCHED = 1, EVERYTHING = 2 };

#define DROPPED (~0ull) /* in place of a key that has been removed */

struct wsgireload_watcher {
    core_events *events;
    int ended;
    int undecided;            /* no memory for a key: rather report too much than too little */
    unsigned long long *keys; /* a set: 0 is free. A collision only reports a change too many */
    size_t size, used;        /* the size is a power of two, or 0 */
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

static unsigned long long key_of(int id, unsigned long long hash)
{
    return (unsigned long long)(unsigned)id << 32 | (hash & 0xFFFFFFFF);
}

/* Returns the place of a key, or the free one for it: there is always a free one. */
static unsigned long long *place_of(const wsgireload_watcher *watcher, unsigned long long key)
{
    unsigned long long i = core_hash(&key, sizeof key) & (watcher->size - 1);

    while (watcher->keys[i] != 0 && watcher->keys[i] != key)
        i = (i + 1) & (watcher->size - 1);
    return &watcher->keys[i];
}

static int has(const wsgireload_watcher *watcher, int id, unsigned long long hash)
{
    return watcher->size != 0 && *place_of(watcher, key_of(id, hash)) != 0;
}

static int is_kept(const wsgireload_watcher *watcher, unsigned long long key)
{
    return key != 0 && has(watcher, (int)(key >> 32), WATCHED);
}

/* Makes room for as many keys again, without those of directories that are not watched any more.
 * Returns 0 if there is no memory. */
static int grow(wsgireload_watcher *watcher)
{
    wsgireload_watcher before = *watcher;
    size_t size = 16, used = 0, i;
    unsigned long long *keys;

    for (i = 0; i < before.size; i++)
        used += (size_t)is_kept(&before, before.keys[i]);
    while (size <= 2 * used)
        size *= 2;
    keys = calloc(size, sizeof *keys);
    if (keys == NULL)
        return 0;
    watcher->keys = keys;
    watcher->size = size;
    watcher->used = used;
    for (i = 0; i < before.size; i++)
        if (is_kept(&before, before.keys[i]))
            *place_of(watcher, before.keys[i]) = before.keys[i];
    free(before.keys);
    return 1;
}

/* Returns 0 if there is no memory. */
static int add(wsgireload_watcher *watcher, int id, unsigned long long hash)
{
    unsigned long long *place;

    if (4 * watcher->used >= 3 * watcher->size && !grow(watcher))
        return 0;
    place = place_of(watcher, key_of(id, hash));
    watcher->used += *place == 0;
    *place = key_of(id, hash);
    return 1;
}

/* The names of a directory that is not watched any more are left to grow(). */
static void drop(wsgireload_watcher *watcher, int id)
{
    *place_of(watcher, key_of(id, WATCHED)) = DROPPED;
}

int wsgireload_watch_directory(wsgireload_watcher *watcher, const void *path, int interest,
                               wsgireload_outcome *out)
{
    int id;

    core_outcome(out, WSGIRELOAD_OK, "", "");
    if (watcher->ended || interest < WSGIRELOAD_ITSELF || interest > WSGIRELOAD_ALL)
        return core_outcome(out, WSGIRELOAD_FAILED, __func__,
                            watcher->ended ? "the watcher has ended" : "no such interest");
    id = core_events_add(watcher->events, path, interest, out);
    if (id < 0)
        return -1;
    if (!add(watcher, id, WATCHED)) {
        core_events_remove(watcher->events, id);
        return core_outcome(out, WSGIRELOAD_FAILED, "calloc", "out of memory");
    }
    if (interest == WSGIRELOAD_ALL && !add(watcher, id, EVERYTHING))
        watcher->undecided = 1;
    return id;
}

void wsgireload_watch_name(wsgireload_watcher *watcher, int id, const void *name)
{
    if (has(watcher, id, WATCHED) && !add(watcher, id, core_name_hash(name)))
        watcher->undecided = 1;
}

void wsgireload_watch_forget(wsgireload_watcher *watcher, int id)
{
    if (!has(watcher, id, WATCHED))
        return;
    core_events_remove(watcher->events, id);
    drop(watcher, id);
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
    free(watcher->keys);
    free(watcher);
}

int core_has_room(const wsgireload_watcher *watcher)
{
    return watcher->reported < watcher->room;
}

/* Writes a change, or what more is known of the last one. */
static void report(wsgireload_watcher *watcher, int id, int kind, const void *name, size_t length)
{
    wsgireload_change *next = &watcher->changes[watcher->reported];

    if (watcher->reported > 0 && next[-1].directory == id && kind != WSGIRELOAD_GONE
        && next[-1].length == (int)length && memcmp(next[-1].name, name, length) == 0) {
        if (kind != WSGIRELOAD_CHANGED || next[-1].kind != WSGIRELOAD_WRITTEN)
            next[-1].kind = kind; /* attributes that are set end no writing */
        return;
    }
    memset(next, 0, sizeof *next);
    next->directory = id;
    next->kind = kind;
    next->length = (int)length;
    memcpy(next->name, name, length); /* it fits: the platforms see to that */
    watcher->reported++;
}

void core_changed(wsgireload_watcher *watcher, int id, int kind, const void *name, size_t length,
                  int any)
{
    if (has(watcher, id, WATCHED)
        && (any || watcher->undecided || has(watcher, id, EVERYTHING)
            || has(watcher, id, core_name_hash(name))))
        report(watcher, id, kind, name, length);
}

void core_gone(wsgireload_watcher *watcher, int id)
{
    if (!has(watcher, id, WATCHED))
        return;
    report(watcher, id, WSGIRELOAD_GONE, "", 0);
    drop(watcher, id);
}

void core_lost(wsgireload_watcher *watcher)
{
    report(watcher, -1, WSGIRELOAD_CHANGED, "", 0);
}
