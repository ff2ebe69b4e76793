/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "../wsgireload.h"

/* An open file is in nobody's way here. */
long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out)
{
    (void)path;
    memset(out, 0, sizeof *out);
    out->status = WSGIRELOAD_UNSUPPORTED;
    snprintf(out->call, sizeof out->call, "wsgireload_open");
    snprintf(out->message, sizeof out->message, "not supported on this platform");
    return -1;
}
