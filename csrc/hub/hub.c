/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "hub.h"
#include "names.h"
#include "ring.h"

#include "directories.h"

struct wsgireload_hub {
    wsgireload_events *events;
    wsgireload_hub *next; /* of those that are being closed */
    int users;                  /* watchers, and calls that are under way: the last one closes */
    unsigned long long removed; /* how many directories were: see wsgireload_watch_directory */
    long long watchers[WSGIRELOAD_READERS]; /* their numbers; 0: a free place */
    unsigned long long woken;               /* bits of those */
    wsgireload_directories directories;
    wsgireload_ring ring;
    wsgireload_outcome broken; /* why there are no more events, if its status says so */
};

/* The hub of the process, while it has a watcher, and those whose threads have yet to end. Statics
 * are shared by all interpreters. */
static wsgireload_hub *hub, *closing;

/* Makes every number that was ever given another one. */
static long long given;

static void refuse(wsgireload_outcome *out, const char *call, const char *message)
{
    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_FAILED;
    snprintf(out->call, sizeof out->call, "%s", call);
    snprintf(out->message, sizeof out->message, "%s", message);
}

/* The place of a watcher; -1: there is none of this number. */
static int place_of(long long watcher)
{
    int place = (int)(watcher & (WSGIRELOAD_READERS - 1));

    return watcher > 0 && hub != NULL && hub->watchers[place] == watcher ? place : -1;
}

static wsgireload_hub *open_hub(wsgireload_outcome *out)
{
    wsgireload_hub *opened = calloc(1, sizeof *opened);

    if (opened == NULL) {
        refuse(out, "calloc", "out of memory");
        return NULL;
    }
    opened->events = wsgireload_events_open(opened, out);
    if (opened->events == NULL) {
        free(opened);
        return NULL;
    }
    return opened;
}

static void free_hub(wsgireload_hub *freed)
{
    wsgireload_events_free(freed->events);
    wsgireload_directories_free(&freed->directories);
    free(freed);
}

static void close_hub(wsgireload_hub *closed)
{
    wsgireload_hub **link = &closing;

    wsgireload_events_stop(closed->events);
    /* With the lock, so that a fork comes before it or after it. Nobody waits for us: whoever
     * watched has ended. */
    wsgireload_lock();
    while (*link != closed)
        link = &(*link)->next;
    *link = closed->next;
    free_hub(closed);
    wsgireload_unlock();
}

/* Gives the lock back, and closes the hub if nobody else uses it. */
static void leave(wsgireload_hub *left)
{
    int last = --left->users == 0;

    if (last) {
        left->next = closing;
        closing = left;
        hub = NULL;
    }
    wsgireload_unlock();
    if (last)
        close_hub(left);
}

long long wsgireload_watch_begin(wsgireload_outcome *out)
{
    long long watcher = -1;
    int place = 0;

    memset(out, 0, sizeof *out);
    if (!wsgireload_lock_ready(out))
        return -1;
    wsgireload_lock();
    if (hub == NULL)
        hub = open_hub(out);
    while (hub != NULL && place < WSGIRELOAD_READERS && hub->watchers[place] != 0)
        place++;
    if (place == WSGIRELOAD_READERS) {
        refuse(out, "wsgireload_watch_begin", "64 watchers are the most that a process can have");
    } else if (hub != NULL) {
        watcher = hub->watchers[place] = ++given * WSGIRELOAD_READERS + place;
        hub->woken &= ~(1ULL << place);
        hub->users++;
        wsgireload_ring_join(&hub->ring, place);
    }
    wsgireload_unlock();
    return watcher;
}

/* Notes that a watcher watches a directory; 0 and the outcome if it cannot. */
static int hold(long long watcher, wsgireload_hub *in, int number, int interest,
                wsgireload_outcome *out)
{
    int place = place_of(watcher);
    wsgireload_directory *directory = wsgireload_directories_find(&in->directories, number);

    if (place >= 0 && directory == NULL)
        directory = wsgireload_directories_add(&in->directories, number);
    if (place < 0)
        refuse(out, "wsgireload_watch_directory", "the watcher has ended");
    else if (directory == NULL)
        refuse(out, "realloc", "out of memory");
    else
        for (; interest >= 0; interest--)
            directory->watchers[interest] |= 1ULL << place;
    if (directory == NULL) { /* nobody else watches it */
        wsgireload_events_remove(in->events, number);
        in->removed++;
    }
    return place >= 0 && directory != NULL;
}

int wsgireload_watch_directory(long long watcher, const char *path, int interest, int trust,
                               wsgireload_outcome *out)
{
    wsgireload_hub *used;
    unsigned long long removed;
    int number;

    memset(out, 0, sizeof *out);
    if (!trust && !wsgireload_trusted(path, interest == WSGIRELOAD_ITSELF, out))
        return -1;
    wsgireload_lock();
    if (place_of(watcher) < 0 || interest < WSGIRELOAD_ITSELF || interest > WSGIRELOAD_ALL) {
        wsgireload_unlock();
        refuse(out, "wsgireload_watch_directory", "no such watcher, or no such interest");
        return -1;
    }
    used = hub;
    used->users++;
    do { /* until we know that what we were given the number of has not been removed since */
        removed = used->removed;
        wsgireload_unlock();
        number = wsgireload_events_add(used->events, path, interest, out);
        wsgireload_lock();
    } while (number >= 0 && removed != used->removed);
    if (number >= 0 && !hold(watcher, used, number, interest, out))
        number = -1;
    leave(used);
    return number;
}

/* A directory, if that watcher watches it. */
static wsgireload_directory *held(int place, int number)
{
    wsgireload_directory *directory =
        place >= 0 ? wsgireload_directories_find(&hub->directories, number) : NULL;

    return directory != NULL && (directory->watchers[WSGIRELOAD_ITSELF] >> place & 1) ? directory
                                                                                     : NULL;
}

void wsgireload_watch_name(long long watcher, int directory, const char *name)
{
    unsigned long long hash = wsgireload_events_hash(name);
    wsgireload_directory *found;
    int place;

    wsgireload_lock();
    place = place_of(watcher);
    found = held(place, directory);
    if (found != NULL && !wsgireload_names_add(&found->names, hash))
        found->watchers[WSGIRELOAD_ALL] |= 1ULL << place; /* out of memory: too much, not too little */
    wsgireload_unlock();
}

static void let_go(wsgireload_directory *directory, int place)
{
    int interest;

    for (interest = 0; interest <= WSGIRELOAD_ALL; interest++)
        directory->watchers[interest] &= ~(1ULL << place);
    if (directory->watchers[WSGIRELOAD_ITSELF] == 0) {
        wsgireload_events_remove(hub->events, directory->number);
        wsgireload_directories_drop(&hub->directories, directory);
        hub->removed++;
    }
}

void wsgireload_watch_forget(long long watcher, int directory)
{
    wsgireload_directory *found;
    int place;

    wsgireload_lock();
    place = place_of(watcher);
    found = held(place, directory);
    if (found != NULL)
        let_go(found, place);
    wsgireload_unlock();
}

/* What there is to say to a watcher now; 0: nothing yet. */
static int read_changes(int place, wsgireload_change *changes, int room, wsgireload_outcome *out)
{
    int count = wsgireload_ring_read(&hub->ring, place, changes, room);

    if (count == 0 && hub->broken.status != WSGIRELOAD_OK) {
        *out = hub->broken;
        count = -1;
    }
    return count;
}

int wsgireload_watch_wait(long long watcher, unsigned milliseconds, wsgireload_change *changes,
                          int room, wsgireload_outcome *out)
{
    unsigned long long now = wsgireload_lock_clock(), deadline = now + milliseconds;
    int count = 0, place;

    memset(out, 0, sizeof *out);
    wsgireload_lock();
    place = place_of(watcher);
    if (place < 0) {
        refuse(out, "wsgireload_watch_wait", "no such watcher");
        count = -1;
    }
    while (place >= 0) {
        count = read_changes(place, changes, room, out);
        if (count != 0 || (hub->woken >> place & 1) || now >= deadline) {
            hub->woken &= ~(1ULL << place);
            break;
        }
        wsgireload_lock_pause(deadline - now);
        now = wsgireload_lock_clock();
        place = place_of(watcher);
    }
    wsgireload_unlock();
    return count;
}

void wsgireload_watch_wake(long long watcher)
{
    int place;

    wsgireload_lock();
    place = place_of(watcher);
    if (place >= 0) {
        hub->woken |= 1ULL << place;
        wsgireload_lock_notify();
    }
    wsgireload_unlock();
}

void wsgireload_watch_end(long long watcher)
{
    int place, i;

    wsgireload_lock();
    place = place_of(watcher);
    if (place < 0) {
        wsgireload_unlock();
        return;
    }
    for (i = hub->directories.count - 1; i >= 0; i--)
        if (held(place, hub->directories.all[i].number) != NULL)
            let_go(&hub->directories.all[i], place);
    hub->watchers[place] = 0;
    wsgireload_lock_notify();
    leave(hub);
}

/* Tells it to watchers, and wakes those who wait. */
static void post(wsgireload_hub *in, unsigned long long watchers, int number, int gone,
                 const char *name)
{
    if (watchers == 0)
        return;
    wsgireload_ring_post(&in->ring, watchers, number, gone, name);
    wsgireload_lock_notify();
}

void wsgireload_hub_changed(wsgireload_hub *in, int number, const char *name, int any)
{
    const wsgireload_directory *directory = wsgireload_directories_find(&in->directories, number);
    unsigned long long watchers;

    if (directory == NULL)
        return;
    watchers = directory->watchers[any ? WSGIRELOAD_ITSELF : WSGIRELOAD_ALL];
    if (wsgireload_names_have(&directory->names, wsgireload_events_hash(name)))
        watchers = directory->watchers[WSGIRELOAD_ITSELF];
    post(in, watchers, number, 0, name);
}

void wsgireload_hub_gone(wsgireload_hub *in, int number)
{
    wsgireload_directory *directory = wsgireload_directories_find(&in->directories, number);

    in->removed++; /* also where it is not known yet */
    if (directory == NULL)
        return;
    post(in, directory->watchers[WSGIRELOAD_ITSELF], number, 1, "");
    wsgireload_directories_drop(&in->directories, directory);
}

void wsgireload_hub_lost(wsgireload_hub *in)
{
    post(in, ~0ULL, -1, 0, "");
}

void wsgireload_hub_broken(wsgireload_hub *in, const char *call)
{
    wsgireload_failed(&in->broken, call);
    wsgireload_lock_notify();
}

void wsgireload_hub_abandon(void)
{
    wsgireload_hub *next;

    if (hub != NULL)
        free_hub(hub);
    hub = NULL;
    for (; closing != NULL; closing = next) {
        next = closing->next;
        free_hub(closing);
    }
}
