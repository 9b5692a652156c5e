/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client's side of the control socket: one HTTP request to a running daemon.
 */
#ifndef CLUSTERCHECKD_SERVE_CONTROL_H
#define CLUSTERCHECKD_SERVE_CONTROL_H

#include "base/text.h"

/*
 * GETs a path. 0 and the body (the caller frees it) for a 200; -ECONNREFUSED or -ENOENT when no
 * daemon answers there, -ETIMEDOUT after two seconds, -EPROTO for any other answer.
 */
int control_get(const char *socket_path, const char *path, char **body);

/*
 * POSTs a command. 0 with the HTTP status and the body (the caller frees it), or as above;
 * -ETIMEDOUT after ten seconds.
 */
int control_post(const char *socket_path, const char *path, const char *command,
		 unsigned int *status, char **body);

/* Says why there was no answer; `error` as from above. */
void control_describe_failure(const char *socket_path, int error, struct text *what);

#endif
