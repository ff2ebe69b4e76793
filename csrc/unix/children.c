/* SPDX-License-Identifier: MIT */
#define _DEFAULT_SOURCE 1 /* O_CLOEXEC */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../internal.h"

#define MOST 64 /* one for each interpreter whose turn it is in a rolling restart */

static atomic_int kept[MOST]; /* a descriptor + 1; 0: free */
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Runs in a child before fork() returns there, whoever called it: only what a signal handler may
 * call. The number stays taken, so that whoever has it may close it. */
static void replace(void)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor, i;

    for (i = 0; i < MOST; i++) {
        descriptor = atomic_exchange(&kept[i], 0) - 1;
        if (descriptor >= 0 && (dup2(null, descriptor) < 0 || fcntl(descriptor, F_SETFD, FD_CLOEXEC)))
            close(descriptor);
    }
    if (null >= 0)
        close(null);
}

/* Without memory for it children keep what they inherit. */
static void prepare(void)
{
    (void)pthread_atfork(NULL, NULL, replace);
}

void wsgireload_close_on_fork(int descriptor, int on)
{
    int i, from, to = on ? descriptor + 1 : 0;

    pthread_once(&once, prepare);
    for (i = 0; i < MOST; i++) {
        from = on ? 0 : descriptor + 1;
        if (atomic_compare_exchange_strong(&kept[i], &from, to))
            return;
    }
}

/* A process group, which the caller makes, serves here. */
long long wsgireload_job(long long process, wsgireload_outcome *out)
{
    (void)process;
    return core_unsupported(out, __func__);
}

void wsgireload_end_job(long long job, int kill)
{
    (void)job, (void)kill;
}
