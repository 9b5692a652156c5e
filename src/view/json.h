/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pieces of JSON that several documents have in common. Each returns a new reference, or NULL when
 * out of memory. For the files of this folder alone.
 */
#ifndef CLUSTERCHECKD_VIEW_JSON_H
#define CLUSTERCHECKD_VIEW_JSON_H

#include <jansson.h>

#include "node/audience.h"
#include "node/facts.h"
#include "node/verdict.h"

/* What a server or a caller says may be anything: what is not UTF-8 becomes question marks. */
json_t *json_text(const char *text);

json_t *json_stamp(int64_t wall);
json_t *json_ms(int64_t nanoseconds);
json_t *json_result(const struct probe_result *result);
json_t *json_verdict(const struct facts *facts, const struct policy *policy, int64_t now);
json_t *json_poller(const struct poller *poller, int64_t now);

/* {"mode": "none"} where nothing is ordered. */
json_t *json_order(const struct order *order, int64_t now);

/*
 * Dumps a document as all of them are, and gives up the reference. The caller frees the bytes; NULL
 * when memory has been short since document_begin().
 */
char *json_finish(json_t *root);

#endif
