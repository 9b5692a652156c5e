/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Want of memory on order: the n-th allocation of this thread fails, alone or with all that follow.
 * The linker leads our calls of the allocator through the functions named __wrap_ here, and jansson
 * calls ours.
 */
#ifndef CLUSTERCHECKD_TESTS_SHORTAGE_H
#define CLUSTERCHECKD_TESTS_SHORTAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Counts this allocation; true when it is one that fails. For wrappers of other libraries' calls.
 */
bool shortage_strikes(void);

/* How many have failed in this run so far. */
unsigned long shortage_failures(void);

/*
 * Calls `go` again and again, each time with the next allocation failing, until there are no more
 * on the way; `go` says where that begins and, for what it does afterwards, where it ends. Returns
 * how many there were.
 */
unsigned long shortage_walk(void (*go)(void *context), void *context, bool for_good);
void shortage_begin(void);
void shortage_end(void);

/* Never fails. */
void *__real_calloc(size_t count, size_t size);

#endif
