/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other processes, as proc(5) shows them. What may not be looked at counts as absent.
 */
#ifndef CLUSTERCHECKD_BASE_PROC_H
#define CLUSTERCHECKD_BASE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Calls `visit` for every process there is, this one left out. */
void proc_for_each(void (*visit)(void *context, pid_t pid), void *context);

/*
 * Reads a file of a process, such as "comm" or "cmdline": at most size - 1 bytes and a NUL. Returns
 * their number, 0 when it may not be read.
 */
size_t proc_read(pid_t pid, const char *name, char *buffer, size_t size);

/* The process's name (comm) without its line end; empty when it may not be read. */
void proc_name(pid_t pid, char *name, size_t size);

/*
 * Cuts /proc/PID/cmdline into words, which point into `buffer`. At most `max` of them; returns how
 * many.
 */
size_t proc_arguments(pid_t pid, char *buffer, size_t size, const char **words, size_t max);

/* The account that a process runs as; false where it has several, counting its saved ids. */
bool proc_account(pid_t pid, uid_t *account);

/* Whether a program of this account listens on a TCP port, in our network namespace. */
bool proc_account_listens(uid_t account);

#endif
