/* SPDX-License-Identifier: MIT
 *
 * Watches: does what its arguments say, one after the other, and prints one line of JSON for each
 * that has something to tell. It is linked with the core.
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../csrc/internal.h"

#define LONG 20.0 /* seconds: for what comes at once */

static wsgireload_watcher *watcher;
static wsgireload_outcome out;
static wsgireload_change changes[64];

static void tell(int number)
{
    printf("[%d, %d, %d, \"%s\", \"%s\"]\n", number, out.status, out.code, out.call, out.message);
}

static const char *path;
static int interest, number;

static DWORD WINAPI watch(void *trust)
{
    memset(&out, 0xFF, sizeof out);
    number = wsgireload_watch_directory(watcher, path, interest, trust != NULL, &out);
    return 0;
}

/* In a thread that ends: what it began must not end with it. */
static void watch_directory(int trust)
{
    HANDLE thread = CreateThread(NULL, 0, watch, trust ? &watcher : NULL, 0, NULL);

    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    tell(number);
}

/* What is told up to a name, or up to what is gone, or all there is now. */
static void print_changes(const char *last)
{
    const char *comma = "";
    int count, i, done = 0;

    printf("[");
    do {
        count = wsgireload_watch_wait(watcher, last != NULL ? LONG : 0.0, changes, 64, &out);
        for (i = 0; i < count; i++) {
            printf("%s[%d, %d, \"%s\"]", comma, changes[i].directory, changes[i].kind,
                   changes[i].name);
            comma = ", ";
            done = done || (last != NULL && strcmp(changes[i].name, last) == 0);
        }
    } while (last != NULL && count > 0 && !done);
    printf("]\n");
}

static DWORD WINAPI wake(void *unused)
{
    wsgireload_watch_wake(watcher);
    return unused != NULL;
}

/* A wait that another thread ends. */
static void wait_for_wake(void)
{
    HANDLE thread = CreateThread(NULL, 0, wake, NULL, 0, NULL);
    int count = wsgireload_watch_wait(watcher, LONG, changes, 64, &out);

    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    printf("%d\n", count);
}

static void write_file(const wchar_t *name)
{
    FILE *file = _wfopen(name, L"a");

    if (file == NULL || fputs("text", file) < 0 || fclose(file) != 0)
        printf("\"cannot write %ls\"\n", name);
}

/* Writes more files than Windows keeps the names of. */
static void write_many(const wchar_t *folder)
{
    wchar_t name[400];
    int i;

    for (i = 0; i < 1000; i++) {
        swprintf(name, 400, L"%ls\\%0100d", folder, i);
        write_file(name);
    }
}

/* Watches three directories, and renames each in turn, while another watcher forgets them. */
static void rename_and_forget(const wchar_t *folder)
{
    static const wchar_t *const names[] = {L"one", L"two", L"three"};
    wsgireload_watcher *other = wsgireload_watch_begin(&out);
    wchar_t old[3][400], new[3][400];
    char of[3][1200];
    int ids[3], round, i;

    for (i = 0; i < 3; i++) {
        swprintf(old[i], 400, L"%ls\\%ls", folder, names[i]);
        swprintf(new[i], 400, L"%ls\\%ls-moved", folder, names[i]);
        core_narrow(old[i], wcslen(old[i]), of[i], sizeof of[i]);
        CreateDirectoryW(old[i], NULL);
    }
    for (round = 0; round < 50; round++) {
        for (i = 0; i < 3; i++) {
            wsgireload_watch_directory(watcher, of[i], WSGIRELOAD_ALL, 1, &out);
            ids[i] = wsgireload_watch_directory(other, of[i], WSGIRELOAD_ALL, 1, &out);
        }
        for (i = 0; i < 3; i++) {
            MoveFileExW(old[i], new[i], 0);
            wsgireload_watch_forget(other, ids[i]);
            MoveFileExW(new[i], old[i], 0);
        }
        wsgireload_watch_wait(watcher, 0, changes, 64, &out);
    }
    wsgireload_watch_free(other);
}

/* Every character, those that are none among them, comes back as it was; and what some are. */
static void print_characters(void)
{
    static const unsigned long some[] = {0x7F,   0x80,   0x7FF,   0x800,   0xD800,
                                         0xDFFF, 0xFFFF, 0x10000, 0x10FFFF};
    unsigned long character, wrong = 0;
    wchar_t wide[3] = L"", back[8];
    char utf8[8];
    size_t i, at;

    for (character = 1; character < 0x110000; character++) {
        at = character > 0xFFFF;
        wide[0] = (wchar_t)(at ? 0xD7C0 + (character >> 10) : character);
        wide[1] = (wchar_t)(at ? 0xDC00 + (character & 0x3FF) : 0);
        core_narrow(wide, at + 1, utf8, sizeof utf8);
        core_wide(utf8, back);
        wrong += wcscmp(wide, back) != 0;
        for (i = 0; i < sizeof some / sizeof *some; i++)
            for (at = 0; character == some[i] && utf8[at] != '\0'; at++)
                printf("%s%02x%s", at ? "" : "\"", utf8[at] & 0xFF, utf8[at + 1] ? "" : "\"\n");
    }
    printf("%lu\n", wrong);
    core_wide("a\x80\xC3z\xF8\xBF\xBF\xBFz\xF0\x90", back);
    for (i = 0; back[i] != 0; i++)
        printf("%s%x", i ? ", " : "[", back[i] > 0x7F ? 1 : 0);
    printf("]\n");
}

static void begin_and_end(int times)
{
    DWORD before, after;

    GetProcessHandleCount(GetCurrentProcess(), &before);
    for (; times > 0; times--) {
        watcher = wsgireload_watch_begin(&out);
        wsgireload_watch_directory(watcher, path, WSGIRELOAD_ALL, 1, &out);
        wsgireload_watch_free(watcher);
    }
    GetProcessHandleCount(GetCurrentProcess(), &after);
    printf("%ld\n", (long)after - (long)before);
}

static void print_mark(const char *of)
{
    unsigned long long mark[2] = {7, 7};
    char paths[40000];

    snprintf(paths, sizeof paths, "%s", of);
    wsgireload_marks(paths, 1, mark);
    printf("[\"%08lx%08lx\", %d]\n", (unsigned long)(mark[0] >> 32), (unsigned long)mark[0],
           (int)mark[1]);
}

/* In UTF-8, as Python gives it. */
static char *utf8(const wchar_t *wide)
{
    char *made = malloc(3 * wcslen(wide) + 5);

    core_narrow(wide, wcslen(wide), made, 3 * wcslen(wide) + 5);
    return made;
}

int wmain(int count, wchar_t **wide)
{
    char **words = calloc((size_t)count + 4, sizeof *words);
    int i;

    setvbuf(stdout, NULL, _IONBF, 0);
    for (i = 0; i < count; i++)
        words[i] = utf8(wide[i]);
    for (i = 1; i < count; i++) {
        const char *word = words[i];

        if (strcmp(word, "begin") == 0) {
            memset(&out, 0xFF, sizeof out);
            watcher = wsgireload_watch_begin(&out);
            tell(watcher != NULL);
        } else if (strcmp(word, "directory") == 0) { /* PATH INTEREST TRUST */
            path = words[i + 1];
            interest = atoi(words[i + 2]);
            watch_directory(atoi(words[i + 3]));
            i += 3;
        } else if (strcmp(word, "name") == 0) { /* in the directory before */
            wsgireload_watch_name(watcher, number, words[++i]);
        } else if (strcmp(word, "forget") == 0) {
            wsgireload_watch_forget(watcher, number);
        } else if (strcmp(word, "changes") == 0) {
            print_changes(NULL);
        } else if (strcmp(word, "until") == 0) {
            print_changes(words[++i]);
        } else if (strcmp(word, "wake") == 0) {
            wait_for_wake();
        } else if (strcmp(word, "end") == 0) {
            wsgireload_watch_end(watcher);
            wait_for_wake();
        } else if (strcmp(word, "free") == 0) {
            ULONGLONG began = GetTickCount64();

            wsgireload_watch_free(watcher);
            printf("%d\n", GetTickCount64() - began < LONG * 1000);
        } else if (strcmp(word, "rename-and-forget") == 0) {
            rename_and_forget(wide[++i]);
        } else if (strcmp(word, "write") == 0) {
            write_file(wide[++i]);
        } else if (strcmp(word, "rename") == 0) {
            printf("%d\n", MoveFileExW(wide[i + 1], wide[i + 2], MOVEFILE_REPLACE_EXISTING));
            i += 2;
        } else if (strcmp(word, "delete") == 0) {
            printf("%d\n", DeleteFileW(wide[i + 1]) || RemoveDirectoryW(wide[i + 1]));
            i++;
        } else if (strcmp(word, "many") == 0) {
            write_many(wide[++i]);
        } else if (strcmp(word, "characters") == 0) {
            print_characters();
        } else if (strcmp(word, "cycles") == 0) {
            begin_and_end(atoi(words[++i]));
        } else if (strcmp(word, "mark") == 0) {
            print_mark(words[++i]);
        } else {
            fprintf(stderr, "what is %s?\n", word);
            return 98;
        }
    }
    return 55;
}
