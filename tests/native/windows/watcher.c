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

static const wchar_t *path;
static int interest, number;

static DWORD WINAPI watch(void *unused)
{
    memset(&out, 0xFF, sizeof out);
    number = wsgireload_watch_directory(watcher, path, interest, &out);
    return unused != NULL;
}

/* In a thread that ends: what it began must not end with it. */
static void watch_directory(void)
{
    HANDLE thread = CreateThread(NULL, 0, watch, NULL, 0, NULL);

    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    tell(number);
}

static void print_utf8(const wchar_t *wide)
{
    char utf8[2000];

    WideCharToMultiByte(CP_UTF8, 0, wide, -1, utf8, sizeof utf8, NULL, NULL);
    printf("%s", utf8);
}

/* What is told up to a name, or up to what is gone, or all there is now. */
static void print_changes(const wchar_t *last)
{
    const char *comma = "";
    int count, i, done = 0;

    printf("[");
    do {
        count = wsgireload_watch_wait(watcher, last != NULL ? LONG : 0.0, changes, 64, &out);
        for (i = 0; i < count; i++) {
            printf("%s[%d, %d, \"", comma, changes[i].directory, changes[i].kind);
            print_utf8((const wchar_t *)(const void *)changes[i].name);
            printf("\"]");
            comma = ", ";
            done = done || (last != NULL && wcscmp((const wchar_t *)(const void *)changes[i].name, last) == 0);
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
    int ids[3], round, i;

    for (i = 0; i < 3; i++) {
        swprintf(old[i], 400, L"%ls\\%ls", folder, names[i]);
        swprintf(new[i], 400, L"%ls\\%ls-moved", folder, names[i]);
        CreateDirectoryW(old[i], NULL);
    }
    for (round = 0; round < 50; round++) {
        for (i = 0; i < 3; i++) {
            wsgireload_watch_directory(watcher, old[i], WSGIRELOAD_ALL, &out);
            ids[i] = wsgireload_watch_directory(other, old[i], WSGIRELOAD_ALL, &out);
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

static void begin_and_end(int times)
{
    DWORD before, after;

    GetProcessHandleCount(GetCurrentProcess(), &before);
    for (; times > 0; times--) {
        watcher = wsgireload_watch_begin(&out);
        wsgireload_watch_directory(watcher, path, WSGIRELOAD_ALL, &out);
        wsgireload_watch_free(watcher);
    }
    GetProcessHandleCount(GetCurrentProcess(), &after);
    printf("%ld\n", (long)after - (long)before);
}

static void print_mark(const wchar_t *of)
{
    unsigned long long mark[2] = {7, 7};
    wsgireload_marks(of, (unsigned long)((wcslen(of) + 1) * sizeof *of), mark, 1);
    printf("[\"%08lx%08lx\", %d]\n", (unsigned long)(mark[0] >> 32), (unsigned long)mark[0],
           (int)mark[1]);
}

int wmain(int count, wchar_t **words)
{
    int i;

    setvbuf(stdout, NULL, _IONBF, 0);
    for (i = 1; i < count; i++) {
        const wchar_t *word = words[i];

        if (wcscmp(word, L"begin") == 0) {
            memset(&out, 0xFF, sizeof out);
            watcher = wsgireload_watch_begin(&out);
            tell(watcher != NULL);
        } else if (wcscmp(word, L"directory") == 0) { /* PATH INTEREST */
            path = words[i + 1];
            interest = _wtoi(words[i + 2]);
            watch_directory();
            i += 2;
        } else if (wcscmp(word, L"drive") == 0) {
            tell((int)wsgireload_file_system(words[++i], &out));
        } else if (wcscmp(word, L"name") == 0) { /* in the directory before */
            wsgireload_watch_name(watcher, number, words[++i]);
        } else if (wcscmp(word, L"forget") == 0) {
            wsgireload_watch_forget(watcher, number);
        } else if (wcscmp(word, L"changes") == 0) {
            print_changes(NULL);
        } else if (wcscmp(word, L"until") == 0) {
            print_changes(words[++i]);
        } else if (wcscmp(word, L"wake") == 0) {
            wait_for_wake();
        } else if (wcscmp(word, L"end") == 0) {
            wsgireload_watch_end(watcher);
            wait_for_wake();
        } else if (wcscmp(word, L"free") == 0) {
            ULONGLONG began = GetTickCount64();

            wsgireload_watch_free(watcher);
            printf("%d\n", GetTickCount64() - began < LONG * 1000);
        } else if (wcscmp(word, L"rename-and-forget") == 0) {
            rename_and_forget(words[++i]);
        } else if (wcscmp(word, L"write") == 0) {
            write_file(words[++i]);
        } else if (wcscmp(word, L"rename") == 0) {
            printf("%d\n", MoveFileExW(words[i + 1], words[i + 2], MOVEFILE_REPLACE_EXISTING));
            i += 2;
        } else if (wcscmp(word, L"delete") == 0) {
            printf("%d\n", DeleteFileW(words[i + 1]) || RemoveDirectoryW(words[i + 1]));
            i++;
        } else if (wcscmp(word, L"many") == 0) {
            write_many(words[++i]);
        } else if (wcscmp(word, L"cycles") == 0) {
            begin_and_end(_wtoi(words[++i]));
        } else if (wcscmp(word, L"mark") == 0) {
            print_mark(words[++i]);
        } else {
            fprintf(stderr, "what is %ls?\n", word);
            return 98;
        }
    }
    return 55;
}
