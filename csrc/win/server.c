/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "../wsgireload.h"

/* Not supported: says that this is not Apache, and so nothing is ever restarted. */
void wsgireload_probe(wsgireload_server *out)
{
    memset(out, 0, sizeof *out);
}
