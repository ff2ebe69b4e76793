/* SPDX-License-Identifier: MIT
 *
 * How the core says that a call failed; nobody else needs it. After wsgireload.h.
 */

/* Fills in FAILED, the name of the call, and the operating system's number and words for why it
 * failed just now. */
void wsgireload_failed(wsgireload_outcome *out, const char *call);
