/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The HTTP server: one door per listening address (TCP) and one for the control socket (Unix), each
 * with a thread of its own. All functions are the main thread's.
 */
#ifndef CLUSTERCHECKD_SERVE_HTTP_H
#define CLUSTERCHECKD_SERVE_HTTP_H

#include "base/text.h"
#include "config/config.h"
#include "serve/stage.h"

struct http;

/* NULL when out of memory. */
struct http *http_create(const struct stage *stage);

/* Closes every door; requests that are being answered are finished. NULL is fine. */
void http_destroy(struct http *http);

/* Takes over `count` inherited sockets, in place of [http] listen. Before the first configure. */
int http_inherit(struct http *http, int first, int count, struct text *error);

/*
 * Opens, closes and changes doors until they are as configured. A door whose settings are the same
 * is left alone, and one whose settings changed keeps its listening socket. On failure (-errno, and
 * a line in `error`) everything is as before.
 */
int http_configure(struct http *http, const struct config *config, struct text *error);

/* Ends what a reconfiguration has replaced, once it has nothing left to answer. Now and then. */
void http_tend(struct http *http);

#endif
