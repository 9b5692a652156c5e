/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"

#include "base/clock.h"
#include "serve/fetch.h"

#define PATIENCE (2 * NSEC_PER_SEC)

int control_get(const char *socket_path, const char *path, char **body) {
	return fetch_unix(socket_path, path, clock_now() + PATIENCE, body);
}
