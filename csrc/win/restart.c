/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "../latch.h"
#include "../wsgireload.h"

void wsgireload_restart(wsgireload_outcome *out)
{
    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_UNSUPPORTED;
    snprintf(out->call, sizeof out->call, "wsgireload_restart");
    snprintf(out->message, sizeof out->message, "not supported on Windows");
}

void wsgireload_rearm(void)
{
    wsgireload_latch_open();
}
