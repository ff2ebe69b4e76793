/* SPDX-License-Identifier: MIT
 *
 * A library for Apache's parent process on Linux: `LoadFile .../wsgireload/respawn.so`.
 *
 * The parent looks for ended children once a second (apr_sleep in ap_wait_or_timeout), so that an
 * ended daemon process is replaced after half a second in the median. A handler of SIGCHLD
 * interrupts that sleep: select() returns EINTR even with SA_RESTART. The handler does nothing
 * else, and it is installed in the parent alone.
 *
 * A process that dies at once must not be replaced faster than once a second, as without us. So
 * the sleep is interrupted at most BURST times until the parent has forked nothing for QUIET
 * seconds. Beyond that SIGCHLD has its default action, and all is as without us.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#define BURST 4
#define QUIET 3 /* whole seconds: more than two sleeps, and in a crash loop the parent forks in each */

static int depth;                  /* forks between the process that loaded us and this one */
static int gave_up;                /* other code handles SIGCHLD */
static volatile sig_atomic_t left; /* how many times the sleep may be interrupted */
static time_t last_fork = -QUIET;  /* monotonic, in seconds */

static void set_action(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_NOCLDSTOP};

    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGCHLD, &action, NULL); /* fails for no such arguments */
}

static int has_action(void (*handler)(int))
{
    struct sigaction action;

    return sigaction(SIGCHLD, NULL, &action) == 0 && action.sa_handler == handler;
}

/* A child has ended: returning interrupts the sleep. */
static void interrupt(int number)
{
    int kept = errno;

    (void)number;
    if (--left <= 0)
        set_action(SIG_DFL);
    errno = kept;
}

/* Whether this process may be Apache's parent: the process that loaded us, if it stays in the
 * foreground, or its child that has become a daemon, and with that the leader of a session. */
static int is_parent(void)
{
    return depth == 0 || (depth == 1 && getsid(0) == getpid());
}

/* Before its first fork the parent has no child to wait for. */
static void after_fork_in_parent(void)
{
    struct timespec now;

    if (gave_up || !is_parent() || clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return;
    if (now.tv_sec - last_fork >= QUIET)
        left = BURST;
    last_fork = now.tv_sec;
    if (!has_action(SIG_DFL))
        gave_up = !has_action(interrupt);
    else if (left > 0)
        set_action(interrupt);
}

static void after_fork_in_child(void)
{
    depth++;
    if (has_action(interrupt))
        set_action(SIG_DFL);
}

/* Once in a process: Apache unloads and loads us at each restart, but `-z nodelete` keeps us. */
__attribute__((constructor)) static void begin(void)
{
    (void)pthread_atfork(NULL, after_fork_in_parent, after_fork_in_child); /* fails: no memory */
}
