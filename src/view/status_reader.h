/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads back what status_json() wrote, so that a client of the daemon can judge by the same facts.
 * Pure; nothing is kept.
 */
#ifndef CLUSTERCHECKD_VIEW_STATUS_READER_H
#define CLUSTERCHECKD_VIEW_STATUS_READER_H

#include <stdint.h>

#include "node/facts.h"
#include "node/verdict.h"

/*
 * Fills in what a verdict depends on, and flavour, version and error texts; totals stay zero. `now`
 * is the clock_now() that the document's age is subtracted from. -EINVAL when `json` is something
 * else; the facts are then undefined.
 */
int status_read_facts(const char *json, int64_t now, struct facts *facts);

/* What the daemon itself told about an endpoint; -ENOENT when it has no such endpoint. */
int status_read_reason(const char *json, const char *path, enum reason *reason);

#endif
