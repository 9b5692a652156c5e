/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A notification: what the server tells its wsrep_notify_cmd, and the datagram that carries it to
 * the daemon. Nothing in it is believed: it makes the daemon look, and look at the server.
 *
 * Pure: no I/O, nothing allocated, any thread.
 */
#ifndef CLUSTERCHECKD_CONFIG_NOTIFICATION_H
#define CLUSTERCHECKD_CONFIG_NOTIFICATION_H

#include <stddef.h>

#include "base/text.h"

#define NOTIFICATION_SOCKET RUNSTATEDIR "/clustercheckd/notify.sock"

/* Room for any datagram, with its NUL; a longer one is none of ours. */
#define NOTIFICATION_SIZE 256

/* Empty where it was not told. */
struct notification {
	char status[24]; /* in lower case */
	char primary[8]; /* "yes" or "no" */
	char index[24];	 /* of the node in its view */
};

/*
 * The words after "clustercheckctl notify", up to NULL. Galera calls the command with --status
 * --uuid --primary --index --members; the list may differ between builds, so that what is not known
 * is passed over, and a value with other bytes than letters, digits, "_" and "-" counts as not
 * told. `socket` receives the value of -s or --socket, or NULL.
 */
void notification_take_arguments(struct notification *notification, char *const *arguments,
				 const char **socket);

void notification_write(const struct notification *notification, struct text *out);

/* Reads what notification_write() wrote; -EINVAL for anything else. */
int notification_parse(struct notification *notification, const char *bytes, size_t length);

#endif
