/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status: a snapshot as JSON, and that JSON as a screen for people.
 */
#ifndef CLUSTERCHECKD_VIEW_STATUS_H
#define CLUSTERCHECKD_VIEW_STATUS_H

#include <stdint.h>
#include <stdio.h>

#include "node/history.h"
#include "node/snapshot.h"

/* `history` may be NULL. The caller frees the result; NULL when out of memory. */
char *status_json(const struct snapshot *snapshot, const struct history *history, int64_t now);

/* One endpoint's verdict as JSON on one line, for the one-shot command. Freed by the caller. */
char *status_verdict_json(const char *path, const struct facts *facts, const struct policy *policy,
			  int64_t now);

/* Prints what status_json() made; -EINVAL when `json` is something else. */
int status_print(const char *json, FILE *stream);

#endif
