/* SPDX-License-Identifier: MIT */
#define PSAPI_VERSION 2 /* from kernel32, without psapi.dll */

#include <windows.h>

#include <psapi.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "../internal.h"

/* From enum ap_mpm_query's codes in httpd's ap_mpm.h. */
#define HARD_LIMIT_DAEMONS 4
#define HARD_LIMIT_THREADS 5
#define MPM_STATE 13
#define GENERATION 15

/* Finds a function by the names that compilers give it in 32-bit DLLs: plain (with a .def file), and
 * decorated by MSVC or by mingw. In 64-bit DLLs it is always plain. */
static core_function in_module(HMODULE module, const char *name, unsigned bytes)
{
    static const char *const forms[] = {"%s", "_%s@%u", "%s@%u"};
    union {
        FARPROC given;
        core_function function;
    } found = {NULL};
    char decorated[64];
    size_t i;

    for (i = 0; i < sizeof forms / sizeof *forms && found.given == NULL; i++) {
        snprintf(decorated, sizeof decorated, forms[i], name, bytes);
        found.given = GetProcAddress(module, decorated);
    }
    return found.function;
}

/* Returns the module of this process that is httpd, or NULL. A build may have named it otherwise:
 * then it is the one with ap_mpm_query, without which we could do nothing. */
static HMODULE httpd(void)
{
    HMODULE module = GetModuleHandleW(L"libhttpd.dll"), all[1024];
    DWORD bytes, i;

    if (module != NULL)
        return module;
    if (!EnumProcessModules(GetCurrentProcess(), all, sizeof all, &bytes))
        return NULL;
    for (i = 0; i < bytes / sizeof *all && i < sizeof all / sizeof *all; i++)
        if (in_module(all[i], "ap_mpm_query", 8) != NULL)
            return all[i];
    return NULL;
}

core_function core_find(const char *name, unsigned bytes)
{
    HMODULE module = httpd();

    return module != NULL ? in_module(module, name, bytes) : NULL;
}

/* Returns httpd's value for one of the codes, or -1. */
static int query(int code)
{
    int(WINAPI *ap_mpm_query)(int, int *) =
        (int(WINAPI *)(int, int *))core_find("ap_mpm_query", 8);
    int value = -1;

    return ap_mpm_query != NULL && ap_mpm_query(code, &value) == 0 ? value : -1;
}

/* Returns the pid that httpd writes into the environment of a child, which knows by it that it is
 * one; 0 if there is none. */
static unsigned long parent(void)
{
    wchar_t text[16], *end = text;
    DWORD length = GetEnvironmentVariableW(L"AP_PARENT_PID", text, sizeof text / sizeof *text);
    unsigned long pid = 0;

    if (length > 0 && length < sizeof text / sizeof *text)
        pid = wcstoul(text, &end, 10);
    return *end == L'\0' && pid != GetCurrentProcessId() ? pid : 0;
}

/* Returns whether Apache has started another child which this process has not noticed yet: httpd
 * checks once a second while it waits for its threads. Call it only while the state is RUNNING: the
 * memory that it reads goes when the process exits. */
static int is_replaced(int generation)
{
    int(WINAPI *exists)(void) = (int(WINAPI *)(void))core_find("ap_exists_scoreboard_image", 0);
    /* The beginning of httpd's global_score: two limits, then the generation that should serve. */
    const int *(WINAPI *global)(void) =
        (const int *(WINAPI *)(void))core_find("ap_get_scoreboard_global", 0);
    const int *score = exists != NULL && global != NULL && exists() ? global() : NULL;

    /* Trusted only if the two limits are those that httpd itself returns. */
    return score != NULL && score[0] == query(HARD_LIMIT_DAEMONS)
           && score[1] == query(HARD_LIMIT_THREADS) && score[2] != generation;
}

/* Returns what wsgireload_restart would return, and the reason if it would refuse. */
static int verdict(const wsgireload_server *server, const char **refusal)
{
    if (!server->apache)
        *refusal = "this process is not Apache's";
    else if (server->parent == 0)
        *refusal = "this Apache is one process (httpd -X): there is no parent that restarts it";
    else if (server->state == WSGIRELOAD_UNKNOWN)
        *refusal = "this Apache does not report its state";
    if ((*refusal)[0])
        return WSGIRELOAD_UNSUPPORTED;
    if (server->state == WSGIRELOAD_RUNNING)
        return is_replaced(server->generation) ? WSGIRELOAD_ALREADY_REQUESTED
                                               : WSGIRELOAD_REQUESTED;
    if (server->state == WSGIRELOAD_STOPPING)
        return WSGIRELOAD_ALREADY_REQUESTED;
    *refusal = "Apache is still starting this process";
    return WSGIRELOAD_NOT_READY;
}

void wsgireload_probe(wsgireload_server *out)
{
    const char *refusal = "";

    memset(out, 0, sizeof *out);
    out->apache = core_find("ap_get_server_description", 0) != NULL;
    out->parent = out->apache ? parent() : 0;
    out->state = out->apache ? query(MPM_STATE) : WSGIRELOAD_UNKNOWN;
    out->generation = out->apache ? query(GENERATION) : -1;
    out->restart = verdict(out, &refusal);
    snprintf(out->refusal, sizeof out->refusal, "%s", refusal);
}

const unsigned short *wsgireload_command_line(void)
{
    return (const unsigned short *)GetCommandLineW();
}

unsigned long long wsgireload_process_start(unsigned long pid)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, pid);
    FILETIME began, unused;
    unsigned long long start = 1;
    DWORD code;

    if (process == NULL)
        return GetLastError() == ERROR_ACCESS_DENIED;
    /* One that has ended exists as long as somebody has a handle of it. */
    if (GetExitCodeProcess(process, &code) && code != STILL_ACTIVE)
        start = 0;
    else if (GetProcessTimes(process, &began, &unused, &unused, &unused))
        start = ((unsigned long long)began.dwHighDateTime << 32) | began.dwLowDateTime;
    CloseHandle(process);
    return start;
}
