/* SPDX-License-Identifier: MIT
 *
 * Stands in for a child of Apache's: does what its arguments say, one after the other, and prints
 * one line of JSON for each that has something to tell. The pid of its parent is made up.
 */
#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../csrc/wsgireload.h"

#define PARENT 424242

/* A loaded copy of the core. */
static struct {
    void (*probe)(wsgireload_server *);
    const unsigned short *(*command_line)(void);
    unsigned long long (*process_start)(unsigned long);
    void (*restart)(int, wsgireload_outcome *);
    void (*rearm)(void);
    void (*linger)(unsigned, wsgireload_outcome *);
} core;

static HMODULE httpd;
static HANDLE event;
static LONG waiting, asked;

static HMODULE load(const char *path)
{
    HMODULE module = LoadLibraryA(path);

    if (module == NULL) {
        fprintf(stderr, "LoadLibrary(%s): %lu\n", path, GetLastError());
        ExitProcess(99);
    }
    return module;
}

static void *find(HMODULE module, const char *name)
{
    FARPROC found = GetProcAddress(module, name);
    void *address;

    memcpy(&address, &found, sizeof address);
    return address;
}

static void load_core(const char *path)
{
    HMODULE module = load(path);

    core.probe = find(module, "wsgireload_probe");
    core.command_line = find(module, "wsgireload_command_line");
    core.process_start = find(module, "wsgireload_process_start");
    core.restart = find(module, "wsgireload_restart");
    core.rearm = find(module, "wsgireload_rearm");
    core.linger = find(module, "wsgireload_linger");
}

static void tell(const wsgireload_outcome *out)
{
    printf("[%d, %d, \"%s\", \"%s\"]\n", out->status, out->code, out->call, out->message);
}

static void probe(void)
{
    wsgireload_server out;

    memset(&out, 0xFF, sizeof out);
    core.probe(&out);
    printf("[%d, %lu, %d, %d, %d, \"%s\"]\n", out.apache, out.parent, out.state,
           out.generation, out.restart, out.refusal);
}

/* The start of a process that has ended, while its handle is open. */
static unsigned long long start_of_ended(const char *program)
{
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made;
    unsigned long long start;

    if (!CreateProcessA(program, NULL, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made))
        return GetLastError();
    WaitForSingleObject(made.hProcess, INFINITE);
    start = core.process_start(made.dwProcessId);
    CloseHandle(made.hThread);
    CloseHandle(made.hProcess);
    return start;
}

static void restart(void)
{
    wsgireload_outcome out;

    memset(&out, 0xFF, sizeof out);
    core.restart(WSGIRELOAD_SIGINT, &out);
    tell(&out);
}

static void linger(unsigned seconds)
{
    wsgireload_outcome out;

    memset(&out, 0xFF, sizeof out);
    core.linger(seconds, &out);
    tell(&out);
}

static DWORD WINAPI racer(void *of)
{
    wsgireload_outcome out;

    InterlockedDecrement(&waiting);
    while (waiting > 0)
        YieldProcessor();
    ((void (*)(int, wsgireload_outcome *))of)(WSGIRELOAD_SIGINT, &out);
    if (out.status == WSGIRELOAD_REQUESTED)
        InterlockedIncrement(&asked);
    return 0;
}

/* So many rounds in which four threads ask at once, two of each of two copies. */
static void race(const char *other, int rounds)
{
    void *cores[] = {core.restart, find(load(other), "wsgireload_restart")};
    HANDLE threads[4];
    int i;

    for (asked = 0; rounds > 0; rounds--) {
        waiting = 4;
        for (i = 0; i < 4; i++)
            threads[i] = CreateThread(NULL, 65536, racer, cores[i % 2], 0, NULL);
        WaitForMultipleObjects(4, threads, TRUE, INFINITE);
        for (i = 0; i < 4; i++)
            CloseHandle(threads[i]);
        core.rearm();
    }
    printf("[%d, %ld]\n", cores[0] != cores[1], asked);
}

int main(int count, char **words)
{
    char name[64];
    int i;

    setvbuf(stdout, NULL, _IONBF, 0);
    for (i = 1; i < count; i++) {
        const char *word = words[i];

        if (strcmp(word, "core") == 0) {
            load_core(words[++i]);
        } else if (strcmp(word, "httpd") == 0) {
            httpd = load(words[++i]);
        } else if (strcmp(word, "parent") == 0) { /* what httpd's parent does before all */
            snprintf(name, sizeof name, "%d", PARENT);
            SetEnvironmentVariableA("AP_PARENT_PID", name);
            snprintf(name, sizeof name, "ap%d_restart", PARENT);
            event = CreateEventA(NULL, FALSE, FALSE, name);
        } else if (strcmp(word, "env") == 0) {
            SetEnvironmentVariableA("AP_PARENT_PID", words[++i]);
        } else if (strcmp(word, "own-pid") == 0) {
            snprintf(name, sizeof name, "%lu", GetCurrentProcessId());
            SetEnvironmentVariableA("AP_PARENT_PID", name);
        } else if (strcmp(word, "set") == 0) { /* a variable of the stand-in's */
            int *variable = find(httpd, words[++i]);

            *variable = atoi(words[++i]);
        } else if (strcmp(word, "signalled") == 0) { /* whether the parent would restart now */
            printf("%s\n", WaitForSingleObject(event, 0) == WAIT_OBJECT_0 ? "true" : "false");
        } else if (strcmp(word, "said") == 0) { /* the last word that httpd was told, or -1 */
            printf("%d\n", *(int *)find(httpd, "said"));
        } else if (strcmp(word, "squat") == 0) { /* the name of the latch, for another thing */
            FILETIME born, unused;

            GetProcessTimes(GetCurrentProcess(), &born, &unused, &unused, &unused);
            snprintf(name, sizeof name, "Local\\wsgireload-latch-v1-%lu-%08lx%08lx",
                     GetCurrentProcessId(), born.dwHighDateTime, born.dwLowDateTime);
            printf("%s\n", CreateMutexA(NULL, FALSE, name) != NULL ? "true" : "false");
        } else if (strcmp(word, "probe") == 0) {
            probe();
        } else if (strcmp(word, "command-line") == 0) { /* from the first argument on */
            printf("\"%ls\"\n", wcsstr(core.command_line(), L" core ") + 1);
        } else if (strcmp(word, "start") == 0) { /* of this process, in ns since 1601 / 100 */
            printf("%llu\n", core.process_start(GetCurrentProcessId()));
        } else if (strcmp(word, "start-of") == 0) {
            printf("%llu\n", core.process_start(strtoul(words[++i], NULL, 10)));
        } else if (strcmp(word, "ended") == 0) { /* the start of a child that has ended */
            printf("%llu\n", start_of_ended(words[0]));
        } else if (strcmp(word, "restart") == 0) {
            restart();
        } else if (strcmp(word, "rearm") == 0) {
            core.rearm();
        } else if (strcmp(word, "linger") == 0) {
            linger((unsigned)atoi(words[++i]));
        } else if (strcmp(word, "race") == 0) {
            race(words[i + 1], atoi(words[i + 2]));
            i += 2;
        } else if (strcmp(word, "sleep") == 0) {
            Sleep((DWORD)atoi(words[++i]));
        } else {
            fprintf(stderr, "what is %s?\n", word);
            return 98;
        }
    }
    return 55;
}
