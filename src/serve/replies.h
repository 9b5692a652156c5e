/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router and its ready-made replies: what a request gets, over whichever door it came.
 *
 * A verdict's reply is rendered once per publication (and once more when it turns stale), never per
 * request; a request looks it up and queues it. A command alone may take as long as its file. Each
 * door has its own replies, used by its thread alone, so nothing here is locked.
 */
#ifndef CLUSTERCHECKD_SERVE_REPLIES_H
#define CLUSTERCHECKD_SERVE_REPLIES_H

#include <microhttpd.h>

#include "serve/exchange.h"
#include "serve/stage.h"

struct replies;

/* With `commands`, for the control socket: the operator's too. NULL when out of memory. */
struct replies *replies_create(const struct stage *stage, bool commands);
void replies_destroy(struct replies *replies);

/* True when a request of this method and path has a body that is to be collected first. */
bool replies_want_body(const struct replies *replies, const char *method, const char *path);

/* Queues the reply to a request, and writes into the exchange what it was. Never waits. */
enum MHD_Result replies_answer(struct replies *replies, struct MHD_Connection *connection,
			       struct exchange *exchange);

#endif
