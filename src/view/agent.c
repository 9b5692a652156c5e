/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/agent.h"

#include "node/verdict.h"

/* The daemon's own start is no return of the node. */
static bool has_returned(const struct standing *standing) {
	return standing->reason == REASON_AVAILABLE && standing->before != REASON_STARTING &&
	       standing->before != REASON_AVAILABLE;
}

static int weight_of(const struct facts *facts, const struct policy *policy,
		     const struct standing *standing, int64_t now) {
	double weight = 100;
	double ramped;

	if (policy->weight == WEIGHT_FIXED)
		return 100;
	if (facts->flow_control_known)
		weight -= 100 * facts->flow_control_recent;
	if (has_returned(standing) && now - standing->since < policy->ramp) {
		ramped = 100 * (double)(now - standing->since) / (double)policy->ramp;
		weight = ramped < weight ? ramped : weight;
	}
	return weight < 1 ? 1 : (int)weight;
}

void agent_line(struct text *out, const struct facts *facts, const struct policy *policy,
		const struct standing *standing, int64_t now) {
	struct verdict judged = verdict(facts, policy, now);

	if (judged.available)
		text_format(out, "up ready %d%%\n", weight_of(facts, policy, standing, now));
	else if (judged.reason == REASON_DRAINING || judged.reason == REASON_MAINTENANCE)
		text_append(out, "up drain\n");
	else
		text_format(out, "down #%s\n", reason_name(judged.reason));
}
