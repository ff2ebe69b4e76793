/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "../hub/hub.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t notified;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What kept us from making it, and the number of why. */
static const char *failed_call;
static int failed_code;

static int made(const char *call, int code)
{
    if (code != 0) {
        failed_call = call;
        failed_code = code;
    }
    return code == 0;
}

/* Waits are to be measured by the clock that nobody sets. */
static int make_condition(void)
{
    pthread_condattr_t monotonic;
    int done = made("pthread_condattr_init", pthread_condattr_init(&monotonic));

    if (!done)
        return 0;
    done = made("pthread_condattr_setclock", pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC))
           && made("pthread_cond_init", pthread_cond_init(&notified, &monotonic));
    pthread_condattr_destroy(&monotonic);
    return done;
}

/* The thread that forks has taken the lock: so all is as it should be here, but for the condition,
 * which knows of threads that are not. */
static void in_child(void)
{
    wsgireload_hub_abandon();
    make_condition();
    wsgireload_unlock();
}

static void make(void)
{
    if (make_condition())
        made("pthread_atfork", pthread_atfork(wsgireload_lock, wsgireload_unlock, in_child));
}

int wsgireload_lock_ready(wsgireload_outcome *out)
{
    pthread_once(&once, make);
    if (failed_call == NULL)
        return 1;
    errno = failed_code;
    wsgireload_failed(out, failed_call);
    return 0;
}

void wsgireload_lock(void)
{
    pthread_mutex_lock(&lock);
}

void wsgireload_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

void wsgireload_lock_pause(unsigned long long milliseconds)
{
    unsigned long long until = wsgireload_lock_clock() + milliseconds;
    struct timespec deadline = {(time_t)(until / 1000), (long)(until % 1000) * 1000000};

    pthread_cond_timedwait(&notified, &lock, &deadline);
}

void wsgireload_lock_notify(void)
{
    pthread_cond_broadcast(&notified);
}

unsigned long long wsgireload_lock_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned long long)now.tv_sec * 1000 + (unsigned long long)now.tv_nsec / 1000000;
}
