/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The history: what each endpoint's verdict is, since when, and the last changes. Plain values and
 * no lock: snapshot.c owns one and guards it.
 */
#ifndef CLUSTERCHECKD_NODE_HISTORY_H
#define CLUSTERCHECKD_NODE_HISTORY_H

#include "base/text.h"
#include "config/policy.h"
#include "node/facts.h"
#include "node/verdict.h"

#define HISTORY_SIZE 256

struct change {
	char path[ENDPOINT_PATH_SIZE];
	enum reason from, to;
	int64_t wall;	/* when, UTC nanoseconds */
	int64_t held;	/* nanoseconds that `from` lasted */
	char what[320]; /* which facts changed, such as "wsrep_local_state 4→2" */
};

struct standing {
	char path[ENDPOINT_PATH_SIZE];
	enum reason reason, before;
	int64_t since;			/* clock_now() */
	int64_t since_wall;		/* clock_wall() */
	uint64_t entered[REASON_COUNT]; /* changes to each reason */
	int64_t spent[REASON_COUNT];	/* nanoseconds, without the present stay */
};

struct history {
	size_t standing_count;
	struct standing standings[ENDPOINT_MAX]; /* in the order of the endpoints */
	struct facts facts;			 /* that the standings were made from */
	uint64_t total; /* changes so far; the last HISTORY_SIZE are kept */
	struct change changes[HISTORY_SIZE];
};

/* Every endpoint stands at `starting`; one that is already known keeps its standing. */
void history_set_endpoints(struct history *history, const struct endpoint_list *endpoints,
			   int64_t now, int64_t wall);

/*
 * Judges every endpoint and records what changed. Copies the changes, at most one per endpoint, to
 * `changes` (of ENDPOINT_MAX) and returns how many.
 */
size_t history_update(struct history *history, const struct endpoint_list *endpoints,
		      const struct facts *facts, int64_t now, int64_t wall, struct change *changes);

/* "wsrep_local_state 4→2, wsrep_ready ON→OFF"; values that move with traffic only by themselves. */
void facts_difference(const struct facts *before, const struct facts *after, struct text *out);

/* "/: available → donor (wsrep_local_state 4→2), was available for 3 h 20 min" */
void change_describe(const struct change *change, struct text *out);

#endif
