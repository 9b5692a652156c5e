/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status: a report as JSON, schema 1; clustercheckd(8) describes it.
 */
#ifndef CLUSTERCHECKD_VIEW_STATUS_H
#define CLUSTERCHECKD_VIEW_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "node/report.h"

/* How many changes a document shows unless all are asked for: that keeps it below 16 KiB. */
#define STATUS_CHANGES 24

/* The caller frees the result; NULL when out of memory. */
char *status_json(const struct report *report, bool whole_history);

/* One endpoint's verdict as JSON on one line, for the one-shot command. Freed by the caller. */
char *status_verdict_json(const char *path, const struct facts *facts, const struct policy *policy,
			  int64_t now);

#endif
