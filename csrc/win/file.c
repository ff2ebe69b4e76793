/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../wsgireload.h"

#include "../failure.h"
#include "wide.h"

/* The next character; U+FFFD for what is none. */
static unsigned long decode(const unsigned char **next)
{
    unsigned long first = *(*next)++, character;
    int more = first < 0xC0 || first > 0xF4 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;

    if (first < 0x80)
        return first;
    character = first & (0x3Fu >> more);
    for (; more > 0 && (**next & 0xC0) == 0x80; more--)
        character = character << 6 | (*(*next)++ & 0x3F);
    return first < 0xC0 || first > 0xF4 || more > 0 || character > 0x10FFFF ? 0xFFFD : character;
}

void wsgireload_wide(const char *utf8, wchar_t *wide)
{
    const unsigned char *next = (const unsigned char *)utf8;

    while (*next != '\0') {
        unsigned long character = decode(&next);

        if (character > 0xFFFF) {
            *wide++ = (wchar_t)(0xD7C0 + (character >> 10));
            character = 0xDC00 | (character & 0x3FF);
        }
        *wide++ = (wchar_t)character;
    }
    *wide = L'\0';
}

/* Returns how many bytes it takes, four at most. */
static size_t encode(unsigned long character, char *utf8)
{
    size_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3, i;

    for (i = more; i > 0; i--, character >>= 6)
        utf8[i] = (char)(0x80 | (character & 0x3F));
    utf8[0] = (char)(more == 0 ? character : (0xFF00u >> (more + 1) & 0xFF) | character);
    return more + 1;
}

void wsgireload_narrow(const wchar_t *wide, size_t length, char *utf8, size_t room)
{
    size_t used = 0, i;

    for (i = 0; i < length && used + 4 < room; i++) {
        unsigned long character = wide[i];

        if (IS_HIGH_SURROGATE(wide[i]) && i + 1 < length && IS_LOW_SURROGATE(wide[i + 1]))
            character = ((character - 0xD7C0) << 10) | (wide[++i] & 0x3FF);
        used += encode(character, utf8 + used);
    }
    utf8[i == length ? used : 0] = '\0';
}

/* Windows takes a path of 260 and more only in its own form, absolute and with a prefix: \\?\ and
 * for \\server\share \\?\UNC\. `length` is that of the absolute path with its NUL, and `whole` has
 * room for the longer prefix as well. */
static DWORD prefixed(const wchar_t *path, DWORD length, wchar_t *whole)
{
    const wchar_t *prefix = L"\\\\?\\";
    wchar_t *full = whole + wcslen(L"\\\\?\\UNC\\");
    DWORD got = GetFullPathNameW(path, length, full, NULL);

    if (got == 0)
        return GetLastError();
    if (got >= length) /* a thread has changed to another folder */
        return ERROR_FILENAME_EXCED_RANGE;
    if (wcsncmp(full, L"\\\\?", 3) == 0 || wcsncmp(full, L"\\\\.", 3) == 0) {
        prefix = L"";
    } else if (wcsncmp(full, L"\\\\", 2) == 0) {
        prefix = L"\\\\?\\UNC\\";
        full += 2;
    }
    wmemmove(whole + wcslen(prefix), full, wcslen(full) + 1);
    wmemcpy(whole, prefix, wcslen(prefix));
    return ERROR_SUCCESS;
}

wchar_t *wsgireload_any_length(const wchar_t *path)
{
    DWORD length = GetFullPathNameW(path, 0, NULL, NULL), error = ERROR_SUCCESS;
    size_t room = length > MAX_PATH ? length + wcslen(L"\\\\?\\UNC\\") : wcslen(path) + 1;
    wchar_t *whole = malloc(room * sizeof *whole);

    if (whole == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    if (length > MAX_PATH)
        error = prefixed(path, length, whole);
    else
        wcscpy(whole, path);
    if (error != ERROR_SUCCESS) {
        free(whole);
        SetLastError(error);
        return NULL;
    }
    return whole;
}

wchar_t *wsgireload_path(const char *utf8)
{
    wchar_t *wide = malloc((strlen(utf8) + 1) * sizeof *wide), *path;
    DWORD error;

    if (wide == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    wsgireload_wide(utf8, wide);
    path = wsgireload_any_length(wide);
    error = GetLastError();
    free(wide);
    SetLastError(error);
    return path;
}

long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out)
{
    wchar_t *whole = wsgireload_any_length(path);
    HANDLE file = INVALID_HANDLE_VALUE;

    memset(out, 0, sizeof *out);
    if (whole != NULL)
        file = CreateFileW(whole, GENERIC_READ,
                           FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                           OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        wsgireload_failed(out, "CreateFileW");
    free(whole);
    return file != INVALID_HANDLE_VALUE ? (long long)(LONG_PTR)file : -1;
}
