/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answer: a verdict in the words of a dialect, byte for byte those of the script it replaces.
 */
#ifndef CLUSTERCHECKD_VIEW_ANSWER_H
#define CLUSTERCHECKD_VIEW_ANSWER_H

#include <stdbool.h>

#include "base/text.h"
#include "config/policy.h"
#include "node/verdict.h"

/* Fits every answer_message(). */
#define ANSWER_SIZE 256

/* The body with its CRLF; static. */
const char *answer_body(enum dialect dialect, enum sentence sentence);

/*
 * The whole HTTP message of the original command (olafz/percona-clustercheck,
 * percona-xtradb-cluster 8.0, and the galera packages of Fedora): every "no" is a 503 there. `head`
 * leaves the body out.
 */
void answer_message(struct text *out, enum dialect dialect, const struct verdict *verdict,
		    bool head);

#endif
