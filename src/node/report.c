/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/report.h"

#include <stdlib.h>

#include "base/clock.h"

struct report *report_create(struct publication *publication, struct audience *audience) {
	struct report *report = malloc(sizeof(*report));

	if (!report)
		return NULL;
	publication_copy(publication, &report->snapshot, &report->history);
	report->poller_count =
		audience_pollers(audience, report->pollers, REPORT_POLLERS, &report->poller_total);
	report->count_count = audience_counts(audience, report->counts);
	report->now = clock_now();
	report->wall = clock_wall();
	return report;
}

void report_destroy(struct report *report) {
	free(report);
}
