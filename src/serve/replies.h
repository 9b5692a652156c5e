/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The router and its ready-made replies: what a request gets, over whichever door it came.
 *
 * A verdict's reply is rendered once per publication (and once more when it turns stale), never per
 * request; a request looks it up and queues it. Each door has its own replies, used by its thread
 * alone, so nothing here is locked.
 */
#ifndef CLUSTERCHECKD_SERVE_REPLIES_H
#define CLUSTERCHECKD_SERVE_REPLIES_H

#include <microhttpd.h>

#include "serve/stage.h"

struct replies;

/* NULL when out of memory. */
struct replies *replies_create(const struct stage *stage);
void replies_destroy(struct replies *replies);

/* Queues the reply to a request; `status` receives its HTTP status. Never waits. */
enum MHD_Result replies_answer(struct replies *replies, struct MHD_Connection *connection,
			       const char *method, const char *path, const char *version,
			       unsigned int *status);

#endif
