/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One exchange with an HTTP caller, from its request line to the last byte of the answer: what was
 * asked, and what goes into the books once the answer has been sent. Of its door's thread alone.
 */
#ifndef CLUSTERCHECKD_SERVE_EXCHANGE_H
#define CLUSTERCHECKD_SERVE_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

#include "config/policy.h"
#include "node/audience.h"

struct exchange {
	const char *method, *path, *version; /* libmicrohttpd's, during the call */
	char *body;			     /* of a command; NULL: none, or none is taken */
	size_t body_length;
	bool body_is_too_large;
	bool is_last; /* the door is going: the connection is not kept */

	unsigned int status;
	char noted_path[ENDPOINT_PATH_SIZE];
	char haproxy_state[POLLER_STATE_SIZE]; /* as the caller sent it, or empty */
	bool is_verdict, available;
	uint64_t epoch;
};

/* NULL when out of memory; destroying takes NULL. */
struct exchange *exchange_create(void);
void exchange_destroy(struct exchange *exchange);

/* Adds to the body. What does not fit is forgotten, and the body is too large from then on. */
void exchange_collect(struct exchange *exchange, const char *bytes, size_t length);

/* A line about it in the log. */
void exchange_log(const struct exchange *exchange, struct MHD_Connection *connection);

/* Notes the answer, where there was one. */
void exchange_note(const struct exchange *exchange, struct MHD_Connection *connection,
		   struct audience *audience);

#endif
