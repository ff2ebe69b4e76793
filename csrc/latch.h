/* SPDX-License-Identifier: MIT
 *
 * Once per process: what restart.c needs of latch.c, and nobody else.
 */

/* 1 for the first caller in the process, 0 for everyone after it until the latch is opened. */
int wsgireload_latch_close(void);

/* Opens the latch, whoever closed it. */
void wsgireload_latch_open(void);
