/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "../internal.h"

/* Returns the next character; U+FFFD for bytes that encode none. */
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

void core_wide(const char *utf8, wchar_t *wide)
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

/* Returns how many bytes it wrote, four at most. */
static size_t encode(unsigned long character, char *utf8)
{
    size_t more = character < 0x80 ? 0 : character < 0x800 ? 1 : character < 0x10000 ? 2 : 3, i;

    for (i = more; i > 0; i--, character >>= 6)
        utf8[i] = (char)(0x80 | (character & 0x3F));
    utf8[0] = (char)(more == 0 ? character : (0xFF00u >> (more + 1) & 0xFF) | character);
    return more + 1;
}

void core_narrow(const wchar_t *wide, size_t length, char *utf8, size_t room)
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

void core_free(void *memory)
{
    DWORD error = GetLastError();

    free(memory);
    SetLastError(error);
}

/* Windows takes a path of 260 units and more only if it is absolute and has a prefix: \\?\, or for
 * \\server\share \\?\UNC\. `length` is that of the absolute path with its NUL, and `whole` has room
 * for the longer prefix as well. */
static BOOL add_prefix(const wchar_t *path, DWORD length, wchar_t *whole)
{
    const wchar_t *prefix = L"\\\\?\\";
    wchar_t *full = whole + wcslen(L"\\\\?\\UNC\\");
    DWORD got = GetFullPathNameW(path, length, full, NULL);

    if (got == 0 || got >= length) { /* another thread changed the current directory */
        SetLastError(ERROR_FILENAME_EXCED_RANGE);
        return FALSE;
    }
    if (wcsncmp(full, L"\\\\?", 3) == 0 || wcsncmp(full, L"\\\\.", 3) == 0) {
        prefix = L"";
    } else if (wcsncmp(full, L"\\\\", 2) == 0) {
        prefix = L"\\\\?\\UNC\\";
        full += 2;
    }
    wmemmove(whole + wcslen(prefix), full, wcslen(full) + 1);
    wmemcpy(whole, prefix, wcslen(prefix));
    return TRUE;
}

wchar_t *core_any_length(const wchar_t *path)
{
    DWORD length = GetFullPathNameW(path, 0, NULL, NULL);
    size_t room = length > MAX_PATH ? length + wcslen(L"\\\\?\\UNC\\") : wcslen(path) + 1;
    wchar_t *whole = malloc(room * sizeof *whole);

    if (whole == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    } else if (length <= MAX_PATH) {
        wcscpy(whole, path);
    } else if (!add_prefix(path, length, whole)) {
        core_free(whole);
        return NULL;
    }
    return whole;
}

wchar_t *core_path(const char *utf8)
{
    wchar_t *wide = malloc((strlen(utf8) + 1) * sizeof *wide), *path;

    if (wide == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY);
        return NULL;
    }
    core_wide(utf8, wide);
    path = core_any_length(wide);
    core_free(wide);
    return path;
}

void *core_open(wchar_t *path, unsigned long access, unsigned long flags)
{
    const DWORD everyone = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
    HANDLE opened = INVALID_HANDLE_VALUE;

    if (path != NULL)
        opened = CreateFileW(path, access, everyone, NULL, OPEN_EXISTING, flags, NULL);
    core_free(path);
    return opened;
}

long long wsgireload_open(const unsigned short *path, wsgireload_outcome *out)
{
    HANDLE file = core_open(core_any_length(path), GENERIC_READ, FILE_ATTRIBUTE_NORMAL);

    if (file == INVALID_HANDLE_VALUE)
        return core_failed(out, "CreateFileW");
    core_outcome(out, WSGIRELOAD_OK, "", "");
    return (long long)(LONG_PTR)file;
}

/* Returns 0 if there was no such file, and 1 if another call failed. */
static unsigned long long mark_of_failure(void)
{
    DWORD error = GetLastError();

    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? 0 : 1;
}

/* The target of a link has to be opened, but without access to its data. */
static unsigned long long mark_target(const char *path)
{
    HANDLE opened = core_open(core_path(path), 0, FILE_FLAG_BACKUP_SEMANTICS);
    BY_HANDLE_FILE_INFORMATION found;
    BOOL done;

    if (opened == INVALID_HANDLE_VALUE)
        return mark_of_failure();
    done = GetFileInformationByHandle(opened, &found);
    CloseHandle(opened);
    memset(&found.ftLastAccessTime, 0, sizeof found.ftLastAccessTime);
    return done ? core_mark(&found, sizeof found) : 1;
}

/* Does not open the file, which could make an operation of another program fail. */
static unsigned long long mark(const char *path)
{
    wchar_t *wide = core_path(path);
    WIN32_FILE_ATTRIBUTE_DATA found;
    BOOL done = wide != NULL && GetFileAttributesExW(wide, GetFileExInfoStandard, &found);

    core_free(wide);
    if (!done)
        return mark_of_failure();
    if (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)
        return mark_target(path);
    memset(&found.ftLastAccessTime, 0, sizeof found.ftLastAccessTime);
    return core_mark(&found, sizeof found);
}

void wsgireload_marks(const char *paths, int count, unsigned long long *marks)
{
    for (; count > 0; count--, paths += strlen(paths) + 1)
        *marks++ = mark(paths);
}
