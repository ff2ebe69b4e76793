/* SPDX-License-Identifier: MIT */
#include "../internal.h"

/* mod_wsgi ends its own daemon processes, after their shutdown-timeout. */
void wsgireload_linger(unsigned seconds, wsgireload_outcome *out)
{
    (void)seconds;
    core_unsupported(out, __func__);
}
