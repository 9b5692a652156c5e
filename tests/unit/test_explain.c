/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Explanations name every value that a verdict depends on, and facts read back from a status give
 * the same verdict.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "printed.h"
#include "view/explain.h"
#include "view/status.h"
#include "view/status_reader.h"

#define NOW (INT64_C(1000000) * NSEC_PER_SEC)

static void make_healthy(struct facts *facts) {
	static const struct {
		enum fact_id id;
		const char *value;
	} values[] = {
		{FACT_WSREP_ON, "ON"},
		{FACT_CLUSTER_STATUS, "Primary"},
		{FACT_READY, "ON"},
		{FACT_CONNECTED, "ON"},
		{FACT_LOCAL_STATE, "4"},
		{FACT_LOCAL_STATE_COMMENT, "Synced"},
		{FACT_CLUSTER_SIZE, "3"},
		{FACT_LOCAL_RECV_QUEUE, "0"},
		{FACT_SST_METHOD, "rsync"},
		{FACT_SST_DONOR_REJECTS_QUERIES, "OFF"},
		{FACT_REJECT_QUERIES, "NONE"},
		{FACT_READ_ONLY, "OFF"},
	};

	memset(facts, 0, sizeof(*facts));
	facts->probed_at = NOW - 100 * NSEC_PER_MSEC;
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		facts_set(facts, values[i].id, values[i].value);
}

static const struct policy usual = {
	.max_age = 2 * NSEC_PER_SEC,
	.read_only = ADMISSION_AVAILABLE,
	.saturated = ADMISSION_AVAILABLE,
};

/* --- the evidence --------------------------------------------------------------------------- */

/* Values that make any rule change its mind, if it minds them at all. */
static const char *const fact_variants[] = {NULL,      "",     "ON",  "OFF",   "0",
					    "1",       "2",    "3",   "4",     "9",
					    "Primary", "NONE", "ALL", "clone", "DISABLED"};

/* How many different things alter() does to one of them. */
static size_t variants(int what) {
	switch (what - FACT_COUNT) {
	case 0:
	case 1:
		return PROBE_OUTCOME_COUNT;
	case 2:
	case 6:
		return 3;
	case 4:
		return 4;
	default:
		return what < FACT_COUNT ? ARRAY_SIZE(fact_variants) : 2;
	}
}

static void alter(int what, size_t variant, struct facts *facts, struct policy *policy) {
	bool on = variant % 2;

	switch (what - FACT_COUNT) {
	case 0:
		facts->probe.outcome = (enum probe_outcome)variant;
		break;
	case 1:
		facts->login.outcome = (enum probe_outcome)variant;
		break;
	case 2:
		facts->order.mode = (enum maintenance)variant;
		break;
	case 3:
		facts->probed_at = on ? NOW : NOW - 3600 * NSEC_PER_SEC;
		break;
	case 4:
		facts->flow_control_known = variant > 2;
		facts->flow_control = on ? 0.9 : 0;
		break;
	case 5:
		policy->max_age = on ? NSEC_PER_MSEC : 7200 * NSEC_PER_SEC;
		break;
	case 6:
		policy->donor = (enum donor_policy)variant;
		break;
	case 7:
		policy->read_only = on ? ADMISSION_AVAILABLE : ADMISSION_UNAVAILABLE;
		break;
	case 8:
		policy->saturated = on ? ADMISSION_AVAILABLE : ADMISSION_UNAVAILABLE;
		break;
	case 9:
		policy->min_cluster_size = on ? 5 : 0;
		break;
	case 10:
		policy->max_recv_queue = on ? 1 : 0;
		break;
	case 11:
		policy->max_flow_control = on ? 0.5 : 0;
		break;
	case 12:
		facts->transfer.known = facts->transfer.receiving = on;
		text_copy(facts->transfer.state, sizeof(facts->transfer.state),
			  on ? "JOINING" : "");
		break;
	default:
		facts_set(facts, (enum fact_id)what, fact_variants[variant]);
	}
}

#define ALTERABLE (FACT_COUNT + 13)

static void shown(enum reason reason, const struct facts *facts, const struct policy *policy,
		  char *storage, size_t size) {
	struct text text;

	text_init(&text, storage, size);
	explain_values(reason, facts, policy, NOW, &text);
	assert_false(text.truncated);
}

struct state {
	struct facts facts;
	struct policy policy;
	bool applies[REASON_COUNT];
};

static void judge(struct state *state) {
	for (int reason = 0; reason < REASON_COUNT; reason++)
		state->applies[reason] = verdict_rule_applies((enum reason)reason, &state->facts,
							      &state->policy, NOW);
}

/* What changes a rule's mind stands in its line, whatever the state before. */
static void check_shown(int what, enum reason reason, const struct state *before,
			const struct state *after) {
	char old[1024], new[1024];

	shown(reason, &before->facts, &before->policy, old, sizeof(old));
	shown(reason, &after->facts, &after->policy, new, sizeof(new));
	if (strcmp(old, new) == 0)
		fail_msg("%s depends on value %d, which its explanation does not show: %s",
			 reason_name(reason), what, old);
}

/* Facts are large: `other`, which is like `state`, is altered in one place and made alike again. */
static void check_alteration(int what, size_t variant, const struct state *state,
			     struct state *other) {
	alter(what, variant, &other->facts, &other->policy);
	judge(other);
	for (int reason = 0; reason < REASON_COUNT; reason++)
		if (state->applies[reason] != other->applies[reason])
			check_shown(what, (enum reason)reason, state, other);
	if (what < FACT_COUNT)
		other->facts.values[what] = state->facts.values[what];
	else
		*other = *state;
}

/* Where a rule minds a value only beside certain others. */
static void set_scene(int scene, struct facts *facts, struct policy *policy) {
	make_healthy(facts);
	*policy = usual;
	if (scene == 1 || scene == 2)
		facts_set(facts, FACT_LOCAL_STATE, "2");
	if (scene == 1)
		policy->donor = DONOR_AUTO;
	if (scene == 2)
		policy->donor = DONOR_AVAILABLE;
	if (scene == 3)
		facts_set(facts, FACT_WSREP_ON, NULL);
}

#define SCENES 4

/* Every second alteration after every first one. */
static void walk_scene(int scene) {
	static struct state state, other;

	for (int first = 0; first < ALTERABLE; first++) {
		for (size_t v = 0; v < variants(first); v++) {
			set_scene(scene, &state.facts, &state.policy);
			alter(first, v, &state.facts, &state.policy);
			judge(&state);
			other = state;
			for (int what = 0; what < ALTERABLE; what++)
				for (size_t w = 0; w < variants(what); w++)
					check_alteration(what, w, &state, &other);
		}
	}
}

static void every_value_that_matters_is_shown(void **state) {
	(void)state;
	for (int scene = 0; scene < SCENES; scene++)
		walk_scene(scene);
}

/* The first rule that applies by itself is the verdict. */
static void rules_and_verdict_agree(void **state) {
	struct facts healthy, facts;
	struct policy policy;

	(void)state;
	make_healthy(&healthy);
	for (int what = 0; what < ALTERABLE; what++) {
		for (size_t v = 0; v < variants(what); v++) {
			enum reason first = REASON_DISABLED;

			facts = healthy;
			policy = usual;
			alter(what, v, &facts, &policy);
			while (!verdict_rule_applies(first, &facts, &policy, NOW))
				first++;
			assert_int_equal(first, verdict(&facts, &policy, NOW).reason);
		}
	}
}

static void the_deciding_row_is_marked(void **state) {
	struct facts facts;
	AUTO_FREE char *text = NULL;
	struct printed printed;
	const char *row;

	(void)state;
	make_healthy(&facts);
	facts_set(&facts, FACT_LOCAL_STATE, "2");
	explain_print("/rw", &facts, &usual, NOW, false, printed_begin(&printed));
	text = printed_finish(&printed);
	row = strstr(text, "\n> donor ");
	assert_non_null(row);
	assert_non_null(strstr(row, "decides      wsrep_local_state=2, wsrep_sst_method=rsync"));
	assert_non_null(strstr(row, "policy donor=unavailable"));
	assert_null(strchr(row + 2, '>'));
	assert_null(strstr(row, "passed"));
	assert_non_null(strstr(row, "\n  available             not reached\n"));
	assert_non_null(strstr(text, "\n/rw: 503 donor: "));
	assert_null(strchr(text, '\033'));
}

static void hostile_values_stay_one_line(void **state) {
	struct facts facts;
	char line[1024];

	(void)state;
	make_healthy(&facts);
	facts_set(&facts, FACT_CLUSTER_STATUS, "Pri\033[2Jmary\nnext");
	shown(REASON_NON_PRIMARY, &facts, &usual, line, sizeof(line));
	assert_string_equal(line, "probe ok, wsrep_cluster_status=Pri?[2Jmary?next");
}

/* --- reading a status back ------------------------------------------------------------------ */

static char *status_of(const struct facts *facts, const struct policy *policy) {
	/* Zeroed once: it is large, and only what is set here varies. */
	static struct report zeroed, *report = &zeroed;

	report->now = NOW;
	report->snapshot.facts = *facts;
	report->snapshot.endpoints.count = 1;
	text_copy(report->snapshot.endpoints.items[0].path, ENDPOINT_PATH_SIZE, "/");
	report->snapshot.endpoints.items[0].policy = *policy;
	return status_json(report, false);
}

static void a_status_read_back_gives_the_same_verdict(void **state) {
	struct facts healthy, facts, read;
	struct policy policy;

	(void)state;
	make_healthy(&healthy);
	for (int what = 0; what < ALTERABLE; what++) {
		for (size_t v = 0; v < variants(what); v++) {
			AUTO_FREE char *json = NULL;
			enum reason told;

			facts = healthy;
			policy = usual;
			alter(what, v, &facts, &policy);
			json = status_of(&facts, &policy);
			assert_int_equal(status_read_facts(json, NOW, &read), 0);
			assert_int_equal(status_read_reason(json, "/", &told), 0);
			assert_int_equal(told, verdict(&facts, &policy, NOW).reason);
			assert_int_equal(told, verdict(&read, &policy, NOW).reason);
		}
	}
}

static void a_state_transfer_is_shown_and_read_back(void **state) {
	struct facts facts, read;
	AUTO_FREE char *text = NULL;
	AUTO_FREE char *json = NULL;
	struct printed printed;

	(void)state;
	memset(&facts, 0, sizeof(facts));
	facts.probed_at = NOW;
	facts.probe.outcome = facts.login.outcome = PROBE_UNREACHABLE;
	facts.transfer = (struct transfer){.receiving = true,
					   .known = true,
					   .state = "JOINING",
					   .comment = "Receiving SST",
					   .has_progress = true,
					   .progress = 0.42,
					   .written = NOW - 12 * NSEC_PER_SEC};
	explain_print("/", &facts, &usual, NOW, false, printed_begin(&printed));
	text = printed_finish(&printed);
	assert_non_null(strstr(text,
			       "\n> joining               decides      receiving state transfer, "
			       "42 % (Receiving SST), told 12.0 s ago, wsrep_local_state=-\n"));
	assert_non_null(strstr(text, "\n  unreachable           passed       probe unreachable, "
				     "receiving state transfer, 42 %"));
	json = status_of(&facts, &usual);
	assert_int_equal(status_read_facts(json, NOW, &read), 0);
	assert_int_equal(verdict(&read, &usual, NOW).reason, REASON_JOINING);
	assert_string_equal(read.transfer.comment, "Receiving SST");
	assert_true(read.transfer.has_progress && read.transfer.progress == 0.42);
	assert_true(read.transfer.written == facts.transfer.written);
}

static void what_is_no_status_is_refused(void **state) {
	static const char *const others[] = {
		"",
		"{}",
		"[]",
		"null",
		"{\"probe\":{}}",
		"{\"endpoints\":{},\"probe\":{\"outcome\":\"ok\"}}",
		"{\"endpoints\":{},\"probe\":{\"outcome\":\"x\",\"login\":{\"outcome\":\"ok\"}}}",
	};
	struct facts facts;
	enum reason reason;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		assert_int_equal(status_read_facts(others[i], NOW, &facts), -EINVAL);
		assert_int_equal(status_read_reason(others[i], "/", &reason), -ENOENT);
	}
}

/* Numbers that no integer holds, or that would overflow what is reckoned with them. */
static void monstrous_times_are_bounded(void **state) {
	struct facts facts;

	(void)state;
	assert_int_equal(
		status_read_facts("{\"maintenance\":{\"mode\":\"none\"},\"endpoints\":{},\"age_"
				  "ms\":1e300,\"probe\":{\"outcome\":"
				  "\"ok\",\"duration_ms\":1e19,\"login\":{\"outcome\":\"ok\"}}}",
				  NOW, &facts),
		0);
	assert_true(facts.probed_at < NOW - 365 * 24 * 3600 * NSEC_PER_SEC);
	assert_true(facts.took > 365 * 24 * 3600 * NSEC_PER_SEC);
	assert_int_equal(
		status_read_facts("{\"maintenance\":{\"mode\":\"none\"},\"endpoints\":{},\"age_"
				  "ms\":-1e300,\"probe\":{\"outcome\":"
				  "\"ok\",\"duration_ms\":-1,\"login\":{\"outcome\":\"ok\"}}}",
				  NOW, &facts),
		0);
	assert_int_equal(facts.probed_at, NOW);
	assert_int_equal(facts.took, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_that_matters_is_shown),
		cmocka_unit_test(rules_and_verdict_agree),
		cmocka_unit_test(the_deciding_row_is_marked),
		cmocka_unit_test(hostile_values_stay_one_line),
		cmocka_unit_test(a_status_read_back_gives_the_same_verdict),
		cmocka_unit_test(a_state_transfer_is_shown_and_read_back),
		cmocka_unit_test(what_is_no_status_is_refused),
		cmocka_unit_test(monstrous_times_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
