/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines of the agent-check: the full set of words each time, and the weight.
 */
#include "unit.h"

#include "base/clock.h"
#include "view/agent.h"

#define NOW (1000 * NSEC_PER_SEC)

struct setting {
	const char *expected;
	enum maintenance maintenance;
	const char *state; /* wsrep_local_state */
	const char *pxc_maint_mode;
	enum weight_policy weight;
	double flow;		/* share of the last ten seconds */
	int64_t ramp, returned; /* ramp=, and how long ago the node became available */
	enum reason before;
};

static const struct setting settings[] = {
	{"up ready 100%\n", .state = "4"},
	{"down #donor\n", .state = "2"},
	{"down #joining\n", .state = "1"},
	{"down #error\n", .state = "nonsense"},
	{"up drain\n", .state = "4", .maintenance = MAINTENANCE_DRAINING},
	{"down #disabled\n", .state = "4", .maintenance = MAINTENANCE_DISABLED},
	{"up drain\n", .state = "4", .pxc_maint_mode = "MAINTENANCE"},
	/* flow control counts only where the weight follows it */
	{"up ready 100%\n", .state = "4", .flow = 0.5},
	{"up ready 50%\n", .state = "4", .flow = 0.5, .weight = WEIGHT_AUTO},
	{"up ready 99%\n", .state = "4", .flow = 0.01, .weight = WEIGHT_AUTO},
	{"up ready 1%\n", .state = "4", .flow = 1, .weight = WEIGHT_AUTO},
	{"up ready 1%\n", .state = "4", .flow = 0.999, .weight = WEIGHT_AUTO},
	/* the ramp after a return */
	{"up ready 1%\n", .state = "4", .weight = WEIGHT_AUTO, .ramp = 10, .returned = 0,
	 .before = REASON_JOINED},
	{"up ready 30%\n", .state = "4", .weight = WEIGHT_AUTO, .ramp = 10, .returned = 3,
	 .before = REASON_JOINED},
	{"up ready 100%\n", .state = "4", .weight = WEIGHT_AUTO, .ramp = 10, .returned = 10,
	 .before = REASON_JOINED},
	{"up ready 20%\n", .state = "4", .weight = WEIGHT_AUTO, .ramp = 10, .returned = 3,
	 .before = REASON_JOINED, .flow = 0.8},
	{"up ready 100%\n", .state = "4", .ramp = 10, .returned = 3, .before = REASON_JOINED},
	/* a daemon that starts anew is no node that returns */
	{"up ready 100%\n", .state = "4", .weight = WEIGHT_AUTO, .ramp = 10, .returned = 3,
	 .before = REASON_STARTING},
};

static void set_facts(struct facts *facts, const struct setting *setting) {
	*facts = (struct facts){.probed_at = NOW, .order = {.mode = setting->maintenance}};
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	facts_set(facts, FACT_WSREP_ON, "ON");
	facts_set(facts, FACT_CLUSTER_STATUS, "Primary");
	facts_set(facts, FACT_READY, "ON");
	facts_set(facts, FACT_CONNECTED, "ON");
	facts_set(facts, FACT_LOCAL_STATE, setting->state);
	facts_set(facts, FACT_PXC_MAINT_MODE, setting->pxc_maint_mode);
	facts->flow_control_known = true;
	facts->flow_control_recent = setting->flow;
}

static void lines(void **state) {
	static struct facts facts;

	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		const struct setting *setting = &settings[i];
		const struct policy policy = {
			.max_age = NSEC_PER_SEC,
			.weight = setting->weight,
			.ramp = setting->ramp * NSEC_PER_SEC,
		};
		const struct standing standing = {
			.reason = REASON_AVAILABLE,
			.before = setting->before,
			.since = NOW - setting->returned * NSEC_PER_SEC,
		};
		char storage[AGENT_LINE_SIZE];
		struct text line;

		set_facts(&facts, setting);
		text_init(&line, storage, sizeof(storage));
		agent_line(&line, &facts, &policy, &standing, NOW);
		assert_string_equal(storage, setting->expected);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(lines)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
