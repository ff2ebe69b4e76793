/* SPDX-License-Identifier: MIT */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../latch.h"
#include "../wsgireload.h"

#include "../failure.h"

/* A mod_wsgi daemon process takes SIGINT as "finish what you serve and leave", and Apache's
 * parent starts another in its place. */
void wsgireload_restart(wsgireload_outcome *out)
{
    memset(out, 0, sizeof *out);
    if (!wsgireload_latch_close()) {
        out->status = WSGIRELOAD_ALREADY_ASKED;
    } else if (kill(getpid(), SIGINT) == 0) {
        out->status = WSGIRELOAD_ASKED;
        snprintf(out->call, sizeof out->call, "kill");
    } else {
        wsgireload_failed(out, "kill");
        wsgireload_latch_open();
    }
}

void wsgireload_rearm(void)
{
    wsgireload_latch_open();
}
