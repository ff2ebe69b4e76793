/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include "../wsgireload.h"

#include "../hub/hub.h"

static SRWLOCK lock = SRWLOCK_INIT;
static CONDITION_VARIABLE notified = CONDITION_VARIABLE_INIT;

int wsgireload_lock_ready(wsgireload_outcome *out)
{
    (void)out;
    return 1;
}

void wsgireload_lock(void)
{
    AcquireSRWLockExclusive(&lock);
}

void wsgireload_unlock(void)
{
    ReleaseSRWLockExclusive(&lock);
}

void wsgireload_lock_pause(unsigned long long milliseconds)
{
    DWORD most = INFINITE - 1;

    if (milliseconds < most)
        most = (DWORD)milliseconds;
    SleepConditionVariableSRW(&notified, &lock, most, 0); /* fails where the time is over */
}

void wsgireload_lock_notify(void)
{
    WakeAllConditionVariable(&notified);
}

unsigned long long wsgireload_lock_clock(void)
{
    return GetTickCount64();
}
