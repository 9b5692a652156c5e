/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks the server's name up, in a thread of its own: getaddrinfo(3) takes as long as name servers
 * let it, and the prober must not. What was found stands until something else is, so a name that
 * nobody resolves any more changes nothing for a server whose address is known.
 *
 * One name at a time, for the whole process; any thread.
 */
#ifndef CLUSTERCHECKD_NODE_RESOLVER_H
#define CLUSTERCHECKD_NODE_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define RESOLVER_ADDRESS_SIZE 64 /* numeric, with the scope of a link-local one */

/*
 * The address of `name`; for one that is numeric, itself. Looks it up anew, for later, when that
 * was done more than a few seconds ago. Where no address is known it waits for one until `deadline`
 * (clock_now(); 0: not at all). False, with a line in `error`: there is none.
 */
bool resolver_find(const char *name, int64_t deadline, char *address, struct text *error);

/* The server was not to be reached there: another address of the name, if it has one, is next. */
void resolver_pass_over(const char *address);

#endif
