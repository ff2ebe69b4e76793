/* SPDX-License-Identifier: MIT
 *
 * The directories that are watched, by their numbers: for whom, and for what. After names.h.
 */

typedef struct {
    int number;
    unsigned long long watchers[3]; /* bits, by enum wsgireload_interest: that much at least */
    wsgireload_names names;
} wsgireload_directory;

/* All zero: none. */
typedef struct {
    wsgireload_directory *all; /* ordered by number */
    int count, room;
} wsgireload_directories;

/* NULL: there is none of this number. It stays where it is until the next is added or dropped. */
wsgireload_directory *wsgireload_directories_find(const wsgireload_directories *in, int number);

/* The one of this number, a new one if need be; NULL: there is no memory for it. */
wsgireload_directory *wsgireload_directories_add(wsgireload_directories *in, int number);

void wsgireload_directories_drop(wsgireload_directories *in, wsgireload_directory *directory);

void wsgireload_directories_free(wsgireload_directories *in);
