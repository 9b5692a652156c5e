/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's commands, as the control socket takes them: what stands, and a wish to change it.
 * For that door alone; see clustercheckd(8) for the documents.
 */
#ifndef CLUSTERCHECKD_SERVE_COMMANDS_H
#define CLUSTERCHECKD_SERVE_COMMANDS_H

#include <stdbool.h>

#include "node/steward.h"
#include "serve/stage.h"

#define COMMAND_PATH "/maintenance"
#define COMMAND_LARGEST 2048 /* bytes of a wish */

/*
 * The document of view/maintenance.h; with `census` the sessions at work are looked at from the
 * next round on. The caller frees it; NULL when out of memory.
 */
char *command_report(const struct stage *stage, bool census);

/*
 * Fulfils a wish in JSON. Returns the HTTP status: 200 and the document; 400, 409 (somebody else's
 * order stands) or 500 and {"error": "..."}. `*answer` is the caller's; NULL when out of memory.
 */
unsigned int command_order(const struct stage *stage, const char *wish, char **answer);

/*
 * The other side: a wish in JSON and back. Formatting returns NULL when out of memory; parsing is
 * strict, -EINVAL or -ENOMEM with a line in `error`.
 */
char *wish_format(const struct wish *wish);
int wish_parse(struct wish *wish, const char *json, struct text *error);

#endif
