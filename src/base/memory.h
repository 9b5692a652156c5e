/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process's memory: who may see it, and what only the start needed.
 */
#ifndef CLUSTERCHECKD_BASE_MEMORY_H
#define CLUSTERCHECKD_BASE_MEMORY_H

/*
 * No core dump, and no look inside for another process of the same user: passwords pass through.
 * Undone by setresuid(2), which sets what fs.suid_dumpable says, and by execve(2). 0 or -errno.
 */
int memory_keep_private(void);

/*
 * Gives back the resident pages of code and constants of every loaded object, and free heap: symbol
 * resolution and the set-up of two TLS libraries touch megabytes that a daemon never needs again.
 * What it does need comes back from the page cache. Any thread.
 */
void memory_release_startup(void);

#endif
