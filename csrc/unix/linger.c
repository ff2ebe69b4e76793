/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

/* mod_wsgi ends its own daemon processes, after their shutdown-timeout. */
void wsgireload_linger(unsigned seconds, wsgireload_outcome *out)
{
    (void)seconds;
    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_UNSUPPORTED;
    snprintf(out->call, sizeof out->call, "wsgireload_linger");
    snprintf(out->message, sizeof out->message, "not supported on this platform");
}
