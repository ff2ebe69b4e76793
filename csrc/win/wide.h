/* SPDX-License-Identifier: MIT
 *
 * Paths as Windows has them: file.c has these for the Windows half alone. After windows.h. "UTF-8"
 * is Python's: a lone surrogate, which file names here may hold, takes three bytes in it.
 */

/* From UTF-8, to room for as many units as there are bytes, NUL and all. */
void wsgireload_wide(const char *utf8, wchar_t *wide);

/* From so many units to UTF-8; "" where it does not fit. */
void wsgireload_narrow(const wchar_t *wide, size_t length, char *utf8, size_t room);

/* A path in a form that Windows takes whatever its length. To be freed; NULL: GetLastError() says
 * why. */
wchar_t *wsgireload_any_length(const wchar_t *path);
wchar_t *wsgireload_path(const char *utf8);
