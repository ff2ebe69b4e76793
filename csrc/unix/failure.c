/* SPDX-License-Identifier: MIT */
#undef _GNU_SOURCE /* with it, glibc's strerror_r is another function: it may not fill the buffer */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../internal.h"

int core_failed(wsgireload_outcome *out, const char *call)
{
    int code = errno;

    core_outcome(out, WSGIRELOAD_FAILED, call, "");
    out->code = code;
    if (strerror_r(code, out->message, sizeof out->message) != 0 && !out->message[0])
        snprintf(out->message, sizeof out->message, "Unknown error %d", code);
    return -1;
}
