/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"

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
