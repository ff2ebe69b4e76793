/* SPDX-License-Identifier: MIT
 *
 * Stands in for libhttpd.dll: the functions that the core asks, and variables for the test to set.
 * What it leaves out is chosen by macros.
 */
#include <windows.h>

#include <stdio.h>

#define AP_DECLARE(type) type __stdcall /* as in httpd's ap_config.h */

__declspec(dllexport) int state = 1, generation = 7, said = -1;
__declspec(dllexport) int score[3] = {1, 64, 7}; /* server_limit, thread_limit, generation */
__declspec(dllexport) int scoreboard = 1;

#ifndef NO_VERSION
AP_DECLARE(const char *) ap_get_server_description(void)
{
    return "Apache/2.4.69 (Win64)";
}
#endif

#ifndef NO_QUERY
AP_DECLARE(int) ap_mpm_query(int code, int *result)
{
    *result = code == 4 ? 1 : code == 5 ? 64 : code == 13 ? state : code == 15 ? generation : -2;
    return state == 99 ? 20014 : 0; /* APR_EGENERAL: no MPM has taken the question */
}
#endif

AP_DECLARE(int) ap_exists_scoreboard_image(void)
{
    return scoreboard;
}

AP_DECLARE(int *) ap_get_scoreboard_global(void)
{
    return scoreboard ? score : NULL;
}

#ifndef NO_SIGNAL
/* As in httpd: a failure is told to nobody. */
AP_DECLARE(void) ap_signal_parent(int type)
{
    char name[64], pid[16] = "";
    HANDLE event;

    said = type;
    GetEnvironmentVariableA("AP_PARENT_PID", pid, sizeof pid);
    snprintf(name, sizeof name, "ap%s_restart", pid);
    event = OpenEventA(EVENT_MODIFY_STATE, FALSE, name);
    if (event != NULL) {
        SetEvent(event);
        CloseHandle(event);
    }
}
#endif
