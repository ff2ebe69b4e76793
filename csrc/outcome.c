/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

int core_outcome(wsgireload_outcome *out, int status, const char *call, const char *message)
{
    memset(out, 0, sizeof *out);
    out->status = status;
    snprintf(out->call, sizeof out->call, "%s", call);
    snprintf(out->message, sizeof out->message, "%s", message);
    return -1;
}

int core_unsupported(wsgireload_outcome *out, const char *call)
{
    return core_outcome(out, WSGIRELOAD_UNSUPPORTED, call, "not supported on this platform");
}

void *core_new(size_t size, wsgireload_outcome *out)
{
    void *memory = calloc(1, size);

    if (memory == NULL)
        core_outcome(out, WSGIRELOAD_FAILED, "calloc", "out of memory");
    return memory;
}
