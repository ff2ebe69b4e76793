/* SPDX-License-Identifier: MIT
 *
 * The border between the hub, which knows who watches what, and the platform, which has the events
 * (watch.c), a lock (lock.c), and opinions (trust.c). After wsgireload.h.
 */

typedef struct wsgireload_hub wsgireload_hub;
typedef struct wsgireload_events wsgireload_events; /* the platform's half of a hub */

/* lock.c: one lock for all hubs of the process. Nobody holds it while a call may block. */

/* 0 and the outcome: there can be no lock. To be called before the first use of it. */
int wsgireload_lock_ready(wsgireload_outcome *out);
void wsgireload_lock(void);
void wsgireload_unlock(void);
/* Gives the lock back until somebody calls wsgireload_lock_notify, or the time is over, or for no
 * reason at all. */
void wsgireload_lock_pause(unsigned long long milliseconds);
void wsgireload_lock_notify(void);
/* Milliseconds of a clock that only goes forward. */
unsigned long long wsgireload_lock_clock(void);

/* trust.c */

/* 0 and the outcome: events over a path cannot be trusted there; over the symbolic link itself that
 * it may be, where `itself` is 1. */
int wsgireload_trusted(const char *path, int itself, wsgireload_outcome *out);

/* watch.c */

/* Starts the thread that calls the functions at the end; NULL and the outcome if it cannot be. */
wsgireload_events *wsgireload_events_open(wsgireload_hub *hub, wsgireload_outcome *out);
/* Without the lock. -1 and the outcome, or the number of the directory: one that is watched keeps
 * its own, and the number of one that is watched no more is never given again. */
int wsgireload_events_add(wsgireload_events *events, const char *path, int interest,
                          wsgireload_outcome *out);
/* With the lock. After it there may still come changes, for a while. */
void wsgireload_events_remove(wsgireload_events *events, int number);
/* Without the lock: ends the thread. */
void wsgireload_events_stop(wsgireload_events *events);
/* Where there is no thread (any more): gives back all the rest. */
void wsgireload_events_free(wsgireload_events *events);
/* A name's hash, the same for all forms that mean the same file. */
unsigned long long wsgireload_events_hash(const char *name);

/* hub.c, for watch.c and lock.c, with the lock. */

/* `any` is 1 where the name may be another one for any other, or is "". */
void wsgireload_hub_changed(wsgireload_hub *hub, int number, const char *name, int any);
/* A directory is watched no more, and its number is free. */
void wsgireload_hub_gone(wsgireload_hub *hub, int number);
void wsgireload_hub_lost(wsgireload_hub *hub);
/* There will be no more events: `call` failed just now. */
void wsgireload_hub_broken(wsgireload_hub *hub, const char *call);
/* This is a forked child: there are no watchers. */
void wsgireload_hub_abandon(void);
