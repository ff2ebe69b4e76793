/* SPDX-License-Identifier: MIT */
#include "../latch.h"

/* Closed for everyone: nothing here may ask before this platform is supported. */
int wsgireload_latch_close(void)
{
    return 0;
}

void wsgireload_latch_open(void)
{
}
