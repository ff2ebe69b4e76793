/* SPDX-License-Identifier: MIT
 *
 * A set of names, as 64-bit hashes: a name too many now and then only wakes somebody for nothing.
 */

/* All zero: the empty set. */
typedef struct {
    unsigned long long *slots; /* 0: free */
    unsigned size, used;       /* a power of two, and how many are taken */
} wsgireload_names;

/* The hash of a name's bytes. */
unsigned long long wsgireload_names_hash(const void *bytes, unsigned long long length);

/* 0: there is no memory for it. */
int wsgireload_names_add(wsgireload_names *names, unsigned long long hash);

int wsgireload_names_have(const wsgireload_names *names, unsigned long long hash);

void wsgireload_names_free(wsgireload_names *names);
