/* SPDX-License-Identifier: MIT */
#undef _GNU_SOURCE /* with it, glibc's strerror_r is another function: it may not fill the buffer */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../latch.h"
#include "../wsgireload.h"

/* A mod_wsgi daemon process takes SIGINT as "finish what you serve and leave", and Apache's
 * parent starts another in its place. */
void wsgireload_restart(wsgireload_outcome *out)
{
    memset(out, 0, sizeof *out);
    if (!wsgireload_latch_close()) {
        out->status = WSGIRELOAD_ALREADY_ASKED;
    } else if (kill(getpid(), SIGINT) == 0) {
        out->status = WSGIRELOAD_ASKED;
    } else {
        out->code = errno;
        out->status = WSGIRELOAD_FAILED;
        wsgireload_latch_open();
        snprintf(out->call, sizeof out->call, "kill");
        if (strerror_r(out->code, out->message, sizeof out->message) != 0 && !out->message[0])
            snprintf(out->message, sizeof out->message, "Unknown error %d", out->code);
    }
}

void wsgireload_rearm(void)
{
    wsgireload_latch_open();
}
