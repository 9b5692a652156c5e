/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory that only the start needed.
 */
#ifndef CLUSTERCHECKD_BASE_MEMORY_H
#define CLUSTERCHECKD_BASE_MEMORY_H

/*
 * Gives back the resident pages of code and constants of every loaded object, and free heap: symbol
 * resolution and the set-up of two TLS libraries touch megabytes that a daemon never needs again.
 * What it does need comes back from the page cache. Any thread.
 */
void memory_release_startup(void);

#endif
