/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "names.h"

#include "directories.h"

/* Where a number is, or would be. */
static int place(const wsgireload_directories *in, int number)
{
    int low = 0, high = in->count;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (in->all[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

wsgireload_directory *wsgireload_directories_find(const wsgireload_directories *in, int number)
{
    int at = place(in, number);

    return at < in->count && in->all[at].number == number ? &in->all[at] : NULL;
}

static int grow(wsgireload_directories *in)
{
    int room = in->room != 0 ? 2 * in->room : 16;
    void *grown = realloc(in->all, (size_t)room * sizeof *in->all);

    if (grown == NULL)
        return 0;
    in->all = grown;
    in->room = room;
    return 1;
}

wsgireload_directory *wsgireload_directories_add(wsgireload_directories *in, int number)
{
    wsgireload_directory *directory = wsgireload_directories_find(in, number);

    if (directory != NULL)
        return directory;
    if (in->count == in->room && !grow(in))
        return NULL;
    directory = &in->all[place(in, number)];
    memmove(directory + 1, directory, (size_t)(&in->all[in->count++] - directory) * sizeof *directory);
    memset(directory, 0, sizeof *directory);
    directory->number = number;
    return directory;
}

void wsgireload_directories_drop(wsgireload_directories *in, wsgireload_directory *directory)
{
    wsgireload_names_free(&directory->names);
    memmove(directory, directory + 1,
            (size_t)(&in->all[--in->count] - directory) * sizeof *directory);
}

void wsgireload_directories_free(wsgireload_directories *in)
{
    while (in->count > 0)
        wsgireload_directories_drop(in, &in->all[in->count - 1]);
    free(in->all);
    memset(in, 0, sizeof *in);
}
