/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The explanation of a verdict: every rule in order, the values it looked at, and whether it was
 * passed, decided, or was not reached.
 */
#ifndef CLUSTERCHECKD_VIEW_EXPLAIN_H
#define CLUSTERCHECKD_VIEW_EXPLAIN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"
#include "node/verdict.h"

/* The values that the rule of `reason` looks at; "-" stands for one the server does not have. */
void explain_values(enum reason reason, const struct facts *facts, const struct policy *policy,
		    int64_t now, struct text *out);

/* Where the facts come from: the daemon at `socket`, or why it did not answer (-errno). */
void explain_print_source(const char *socket, int daemon_error, const struct facts *facts,
			  int64_t now, FILE *stream);

void explain_print(const char *path, const struct facts *facts, const struct policy *policy,
		   int64_t now, bool colour, FILE *stream);

/*
 * A line when the daemon's own verdict is another, because its configuration is. `status` is its
 * answer, that the facts were read from.
 */
void explain_print_difference(const char *status, const struct endpoint *endpoint,
			      const struct facts *facts, int64_t now, FILE *stream);

#endif
