/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SHORTEST_PAUSE (20 * NSEC_PER_MSEC)
#define LONGEST_PAUSE NSEC_PER_SEC

struct plan *plan_create(const struct config *config) {
	struct plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return NULL;
	plan->mysql = config->mysql;
	plan->interval = config->interval;
	plan->login_interval = config->login_interval;
	plan->max_age = config->policy.max_age;
	memcpy(plan->status_file, config->notify.status_file, sizeof(plan->status_file));
	return plan;
}

void plan_destroy(struct plan *plan) {
	if (!plan)
		return;
	explicit_bzero(plan, sizeof(*plan));
	free(plan);
}

bool plan_is_for_other_server(const struct plan *plan, const struct plan *before) {
	const struct mysql_settings *a = &before->mysql, *b = &plan->mysql;

	return strcmp(a->socket, b->socket) != 0 || strcmp(a->host, b->host) != 0 ||
	       a->port != b->port;
}

/* A round with one reconnect, then a login, then a pause; and time for a busy machine. */
int64_t plan_longest_beat(const struct plan *plan) {
	return plan->interval + 3 * plan->mysql.timeout + LONGEST_PAUSE + NSEC_PER_SEC;
}

int64_t plan_pause_after_failure(const struct plan *plan, unsigned int failures,
				 unsigned int *seed) {
	int64_t room = plan->max_age - plan->mysql.timeout - 200 * NSEC_PER_MSEC;
	int64_t limit = room < LONGEST_PAUSE ? room : LONGEST_PAUSE;
	unsigned int doublings = failures < 8 ? failures - 1 : 7;
	int64_t pause = SHORTEST_PAUSE << doublings;

	if (pause > limit)
		pause = limit;
	if (pause < SHORTEST_PAUSE)
		pause = SHORTEST_PAUSE;
	return pause - pause / 5 * (rand_r(seed) % 100) / 100;
}
