/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One exchange with an HTTP caller, from its request line to the last byte of the answer: what was
 * asked, and what goes into the books once the answer has been sent. Plain values, of one thread.
 */
#ifndef CLUSTERCHECKD_SERVE_EXCHANGE_H
#define CLUSTERCHECKD_SERVE_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/policy.h"
#include "node/audience.h"

struct exchange {
	const char *method, *path, *version; /* libmicrohttpd's, during the call */
	char *body;			     /* of a command; NULL: none, or none is taken */
	size_t body_length;
	bool body_is_too_large;

	unsigned int status;
	char noted_path[ENDPOINT_PATH_SIZE];
	char haproxy_state[POLLER_STATE_SIZE]; /* as the caller sent it, or empty */
	bool is_verdict, available;
	uint64_t epoch;
};

#endif
