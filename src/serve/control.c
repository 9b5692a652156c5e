/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "serve/fetch.h"

#define PATIENCE (2 * NSEC_PER_SEC)
#define COMMAND_PATIENCE (10 * NSEC_PER_SEC) /* a slow disk is waited for */

int control_get(const char *socket_path, const char *path, char **body) {
	return fetch_unix(socket_path, path, clock_now() + PATIENCE, body);
}

int control_post(const char *socket_path, const char *path, const char *command,
		 unsigned int *status, char **body) {
	return fetch_command(socket_path, path, command, clock_now() + COMMAND_PATIENCE, status,
			     body);
}

/* A daemon closes the connection of whom it refuses, before it has read a byte. */
void control_describe_failure(const char *socket_path, int error, struct text *what) {
	switch (error) {
	case -EACCES:
	case -EPERM:
		text_format(what, "%s: %s; be root, or in the group that [control] group= names",
			    socket_path, strerror(-error));
		break;
	case -ECONNRESET:
	case -EPIPE:
		text_format(what,
			    "the daemon on %s closed the connection; its log tells if it "
			    "refused this user",
			    socket_path);
		break;
	default:
		text_format(what, "no daemon answers on %s: %s", socket_path, strerror(-error));
	}
}
