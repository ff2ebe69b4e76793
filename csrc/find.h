/* SPDX-License-Identifier: MIT
 *
 * The functions of the httpd that this process is; nobody else needs them.
 */

/* How httpd's functions are called: AP_DECLARE is __stdcall on 32-bit Windows. */
typedef void (*wsgireload_function)(void);

/* httpd's function of this name, whose arguments take so many bytes where pointers are of 32 bits;
 * NULL if this process has none. To be cast to what it is. */
wsgireload_function wsgireload_find(const char *name, unsigned bytes);
