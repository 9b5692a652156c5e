/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prober's plan: what the configuration says of the server to probe, and of when. Nothing here
 * has a lock or looks at the clock; all times are in nanoseconds.
 */
#ifndef CLUSTERCHECKD_NODE_PLAN_H
#define CLUSTERCHECKD_NODE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

struct plan {
	struct mysql_settings mysql;
	int64_t interval, login_interval, max_age;
	char status_file[CONFIG_PATH_SIZE];
};

/* NULL when out of memory. */
struct plan *plan_create(const struct config *config);

/* Wipes the password with it. NULL is fine. */
void plan_destroy(struct plan *plan);

/* True when what is known of the server of the plan before does not hold for this one's. */
bool plan_is_for_other_server(const struct plan *plan, const struct plan *before);

/* How long the prober's thread may take, at most, from one sign of life to the next. */
int64_t plan_longest_beat(const struct plan *plan);

/*
 * How long to wait after so many `failures` in a row, at least one: the pause doubles up to a
 * second, less when the next failure would otherwise come so late that this one is stale before it.
 * The jitter, from `seed` as in rand_r(3), keeps many nodes from trying in step.
 */
int64_t plan_pause_after_failure(const struct plan *plan, unsigned int failures,
				 unsigned int *seed);

#endif
