/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include "../internal.h"

/* Nothing forks here. */
void wsgireload_close_on_fork(int descriptor, int on)
{
    (void)descriptor, (void)on;
}

long long wsgireload_job(long long process, wsgireload_outcome *out)
{
    HANDLE job = CreateJobObjectW(NULL, NULL);

    if (job == NULL)
        return core_failed(out, "CreateJobObjectW");
    if (!AssignProcessToJobObject(job, (HANDLE)(LONG_PTR)process)) {
        core_failed(out, "AssignProcessToJobObject");
        CloseHandle(job);
        return -1;
    }
    core_outcome(out, WSGIRELOAD_OK, "", "");
    return (LONG_PTR)job;
}

void wsgireload_end_job(long long job, int kill)
{
    if (kill)
        TerminateJobObject((HANDLE)(LONG_PTR)job, 1);
    CloseHandle((HANDLE)(LONG_PTR)job);
}
