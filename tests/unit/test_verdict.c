/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walks verdict.table, and checks the verdict against the contract's table of reasons.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/option.h"
#include "node/verdict.h"

#define FEWEST_CASES 80
#define NOW (INT64_C(1000000) * NSEC_PER_SEC)

/* --- the contract of the reasons ------------------------------------------------------------ */

static const struct {
	const char *name;
	int http_status;
	enum sentence sentence;
} contract[] = {
	[REASON_DISABLED] = {"disabled", 503, SENTENCE_DISABLED},
	[REASON_DRAINING] = {"draining", 404, SENTENCE_DISABLED},
	[REASON_STARTING] = {"starting", 503, SENTENCE_NOT_SYNCED},
	[REASON_STALE] = {"stale", 503, SENTENCE_NOT_SYNCED},
	[REASON_UNREACHABLE] = {"unreachable", 503, SENTENCE_NOT_SYNCED},
	[REASON_REFUSED] = {"refused", 503, SENTENCE_NOT_SYNCED},
	[REASON_TIMEOUT] = {"timeout", 503, SENTENCE_NOT_SYNCED},
	[REASON_ACCESS_DENIED] = {"access-denied", 503, SENTENCE_NOT_SYNCED},
	[REASON_TOO_MANY_CONNECTIONS] = {"too-many-connections", 503, SENTENCE_NOT_SYNCED},
	[REASON_PROTOCOL_ERROR] = {"protocol-error", 503, SENTENCE_NOT_SYNCED},
	[REASON_LOGIN_FAILING] = {"login-failing", 503, SENTENCE_NOT_SYNCED},
	[REASON_NOT_GALERA] = {"not-galera", 503, SENTENCE_NOT_SYNCED},
	[REASON_NON_PRIMARY] = {"non-primary", 503, SENTENCE_NOT_SYNCED},
	[REASON_NOT_READY] = {"not-ready", 503, SENTENCE_NOT_SYNCED},
	[REASON_MAINTENANCE] = {"maintenance", 404, SENTENCE_NOT_SYNCED},
	[REASON_REJECTING] = {"rejecting", 503, SENTENCE_NOT_SYNCED},
	[REASON_JOINING] = {"joining", 503, SENTENCE_NOT_SYNCED},
	[REASON_JOINED] = {"joined", 503, SENTENCE_NOT_SYNCED},
	[REASON_DONOR] = {"donor", 503, SENTENCE_NOT_SYNCED},
	[REASON_INITIALIZED] = {"initialized", 503, SENTENCE_NOT_SYNCED},
	[REASON_ERROR] = {"error", 503, SENTENCE_NOT_SYNCED},
	[REASON_READ_ONLY] = {"read-only", 503, SENTENCE_READ_ONLY},
	[REASON_SMALL_CLUSTER] = {"small-cluster", 503, SENTENCE_NOT_SYNCED},
	[REASON_RECV_QUEUE] = {"recv-queue", 503, SENTENCE_NOT_SYNCED},
	[REASON_FLOW_CONTROL] = {"flow-control", 503, SENTENCE_NOT_SYNCED},
	[REASON_AVAILABLE] = {"available", 200, SENTENCE_SYNCED},
};

_Static_assert(ARRAY_SIZE(contract) == REASON_COUNT, "a reason is missing here");

/*
 * Ranks of the contract's table: what stands in one rank excludes the others of it, and beats the
 * next rank.
 */
static const int ranks[] = {
	[REASON_DISABLED] = 0,	     [REASON_DRAINING] = 0,	  [REASON_STARTING] = 1,
	[REASON_STALE] = 2,	     [REASON_UNREACHABLE] = 3,	  [REASON_REFUSED] = 3,
	[REASON_TIMEOUT] = 3,	     [REASON_ACCESS_DENIED] = 3,  [REASON_TOO_MANY_CONNECTIONS] = 3,
	[REASON_PROTOCOL_ERROR] = 3, [REASON_LOGIN_FAILING] = 4,  [REASON_NOT_GALERA] = 5,
	[REASON_NON_PRIMARY] = 6,    [REASON_NOT_READY] = 7,	  [REASON_MAINTENANCE] = 8,
	[REASON_REJECTING] = 9,	     [REASON_JOINING] = 10,	  [REASON_JOINED] = 10,
	[REASON_DONOR] = 10,	     [REASON_INITIALIZED] = 10,	  [REASON_ERROR] = 10,
	[REASON_READ_ONLY] = 11,     [REASON_SMALL_CLUSTER] = 12, [REASON_RECV_QUEUE] = 13,
	[REASON_FLOW_CONTROL] = 14,  [REASON_AVAILABLE] = 15,
};

/* --- one line ------------------------------------------------------------------------------- */

struct scene {
	struct config config; /* of which only the policy is used */
	struct facts facts;
	int64_t age;
};

struct walk {
	unsigned int line;
	struct scene baseline;
	size_t cases;
	size_t failures;
	bool expected[REASON_COUNT];
	bool beaten[REASON_COUNT][REASON_COUNT];
};

static void complain(struct walk *walk, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void complain(struct walk *walk, const char *format, ...) {
	char message[256];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	print_error("%s:%u: %s\n", VERDICT_TABLE, walk->line, message);
	walk->failures++;
}

static int find_reason(const char *name) {
	for (int reason = 0; reason < REASON_COUNT; reason++)
		if (strcmp(contract[reason].name, name) == 0)
			return reason;
	return -ENOENT;
}

static int set_policy(struct scene *scene, const char *key, const char *value) {
	const char *section = strcmp(key, "max_age") == 0 ? "mysql" : "policy";
	int index = option_find(section, key);
	const struct config_option *option;

	if (index < 0)
		return -ENOENT;
	option = option_at((size_t)index);
	return option_parse(option, value, (char *)&scene->config + option->offset);
}

static int parse_outcome(const char *value, enum probe_outcome *outcome) {
	if (value[0] && value[strspn(value, "0123456789")] == '\0') {
		*outcome = (enum probe_outcome)atoi(value);
		return 0;
	}
	for (int i = 0; i < PROBE_OUTCOME_COUNT; i++) {
		if (strcmp(probe_outcome_name((enum probe_outcome)i), value) == 0) {
			*outcome = (enum probe_outcome)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_maintenance(const char *value, enum maintenance *maintenance) {
	static const char *const words[] = {
		[MAINTENANCE_NONE] = "none",
		[MAINTENANCE_DRAINING] = "draining",
		[MAINTENANCE_DISABLED] = "disabled",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], value) == 0) {
			*maintenance = (enum maintenance)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_age(const char *value, int64_t *age) {
	static const struct {
		const char *name;
		int64_t nanoseconds;
	} units[] = {
		{"ns", 1},
		{"ms", NSEC_PER_MSEC},
		{"s", NSEC_PER_SEC},
		{"h", 3600 * NSEC_PER_SEC},
	};
	char *end;
	long long count = strtoll(value, &end, 10);

	for (size_t i = 0; end != value && i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name) == 0) {
			*age = count * units[i].nanoseconds;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_order_left(const char *value, struct order *order) {
	int64_t left;

	if (strcmp(value, "-") == 0) {
		order->ends = 0;
		return 0;
	}
	if (parse_age(value, &left) < 0)
		return -EINVAL;
	order->ends = NOW + left;
	return 0;
}

static int parse_flow_control(const char *value, struct facts *facts) {
	char *end;

	facts->flow_control_known = strcmp(value, "-") != 0;
	if (!facts->flow_control_known)
		return 0;
	facts->flow_control = strtod(value, &end);
	return end == value || *end ? -EINVAL : 0;
}

static int set_fact(struct scene *scene, const char *name, const char *value) {
	struct facts *facts = &scene->facts;
	enum fact_id id;

	if (strcmp(name, "probe") == 0)
		return parse_outcome(value, &facts->probe.outcome);
	if (strcmp(name, "login") == 0)
		return parse_outcome(value, &facts->login.outcome);
	if (strcmp(name, "maintenance") == 0)
		return parse_maintenance(value, &facts->order.mode);
	if (strcmp(name, "order_left") == 0)
		return parse_order_left(value, &facts->order);
	if (strcmp(name, "age") == 0)
		return parse_age(value, &scene->age);
	if (strcmp(name, "flow_control") == 0)
		return parse_flow_control(value, facts);
	if (strcmp(name, "transfer") == 0) {
		facts->transfer.receiving = strcmp(value, "receiving") == 0;
		return facts->transfer.receiving || strcmp(value, "none") == 0 ? 0 : -EINVAL;
	}
	if (fact_find(name, &id) < 0)
		return -ENOENT;
	facts_set(facts, id, strcmp(value, "-") == 0 ? NULL : value);
	return 0;
}

/* Cuts the next blank-separated word off; its quotes are removed. NULL at the end. */
static char *next_word(char **rest) {
	char *word = *rest + strspn(*rest, " \t");
	char *out = word;
	bool quoted = false;
	char *c;

	if (!*word)
		return NULL;
	for (c = word; *c && (quoted || !strchr(" \t", *c)); c++) {
		if (*c == '"')
			quoted = !quoted;
		else
			*out++ = *c;
	}
	*rest = *c ? c + 1 : c;
	*out = '\0';
	return word;
}

static bool set_word(struct walk *walk, struct scene *scene, char *word,
		     int (*set)(struct scene *scene, const char *name, const char *value)) {
	char *equals = strchr(word, '=');

	if (!equals) {
		complain(walk, "expected name=value, not \"%s\"", word);
		return false;
	}
	*equals = '\0';
	if (set(scene, word, equals + 1) == 0)
		return true;
	complain(walk, "%s=%s is not understood", word, equals + 1);
	return false;
}

static bool set_policies(struct walk *walk, struct scene *scene, char *text) {
	char *word;

	while ((word = next_word(&text)))
		if (!set_word(walk, scene, word, set_policy))
			return false;
	return true;
}

/* What stands before a "+" alone is copied to `without`. */
static bool set_facts(struct walk *walk, struct scene *scene, char *text, struct scene *without,
		      bool *parted) {
	char *word;

	*parted = false;
	while ((word = next_word(&text))) {
		if (strcmp(word, "+") == 0) {
			*without = *scene;
			*parted = true;
		} else if (!set_word(walk, scene, word, set_fact)) {
			return false;
		}
	}
	return true;
}

static struct verdict judge(struct scene *scene) {
	scene->facts.probed_at = NOW - scene->age;
	return verdict(&scene->facts, &scene->config.policy, NOW);
}

static void check_case(struct walk *walk, struct scene *scene, int reason, int http_status) {
	struct verdict judged = judge(scene);

	walk->cases++;
	walk->expected[reason] = true;
	if ((int)judged.reason != reason) {
		complain(walk, "expected %s, got %s", contract[reason].name,
			 judged.reason < REASON_COUNT ? contract[judged.reason].name : "rubbish");
		return;
	}
	if (judged.http_status != http_status)
		complain(walk, "expected HTTP status %d, got %d", http_status, judged.http_status);
	if (judged.available != (reason == REASON_AVAILABLE))
		complain(walk, "available is %d", judged.available);
	if (judged.sentence != contract[reason].sentence)
		complain(walk, "expected sentence %d, got %d", (int)contract[reason].sentence,
			 (int)judged.sentence);
}

struct expectation {
	int winner, loser; /* loser < 0: none is named */
	int http_status;
};

static bool parse_expectation(struct walk *walk, char *text, struct expectation *expectation) {
	char *name = next_word(&text);
	char *sign = next_word(&text);
	char *loser = next_word(&text);
	char *slash = name ? strchr(name, '/') : NULL;

	if (slash)
		*slash = '\0';
	expectation->winner = name ? find_reason(name) : -ENOENT;
	expectation->loser = sign && loser ? find_reason(loser) : -ENOENT;
	if (expectation->winner < 0 ||
	    (sign && (strcmp(sign, ">") != 0 || expectation->loser < 0 || next_word(&text)))) {
		complain(walk, "expected REASON, REASON/STATUS or REASON > REASON first");
		return false;
	}
	expectation->http_status =
		slash ? atoi(slash + 1) : contract[expectation->winner].http_status;
	return true;
}

static void walk_case(struct walk *walk, char *expected, char *policy, char *shown) {
	struct scene scene = walk->baseline, without;
	struct expectation expectation;
	bool parted;

	if (!parse_expectation(walk, expected, &expectation) ||
	    !set_policies(walk, &scene, policy) ||
	    !set_facts(walk, &scene, shown, &without, &parted))
		return;
	if (parted != (expectation.loser >= 0)) {
		complain(walk, "a + goes with WINNER > LOSER, and only with that");
		return;
	}
	if (parted) {
		check_case(walk, &without, expectation.loser,
			   contract[expectation.loser].http_status);
		walk->beaten[expectation.winner][expectation.loser] = true;
	}
	check_case(walk, &scene, expectation.winner, expectation.http_status);
}

static void walk_line(struct walk *walk, char *line) {
	char *expected = strsep(&line, "|");
	char *policy = strsep(&line, "|");
	char *shown = strsep(&line, "|");
	struct scene without;
	bool parted;

	if (!policy || !shown || line) {
		complain(walk, "expected three columns");
		return;
	}
	if (strncmp(expected, "baseline ", 9) != 0) {
		walk_case(walk, expected, policy, shown);
		return;
	}
	if (set_policies(walk, &walk->baseline, policy) &&
	    set_facts(walk, &walk->baseline, shown, &without, &parted) && parted)
		complain(walk, "the baseline has no +");
}

static void walk_table(struct walk *walk) {
	AUTO_FILE FILE *stream = fopen(VERDICT_TABLE, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	assert_non_null(stream);
	while (getline(&line, &size, stream) >= 0) {
		walk->line++;
		line[strcspn(line, "\r\n")] = '\0';
		if (line[0] && line[0] != '#')
			walk_line(walk, line);
	}
}

/* --- tests ---------------------------------------------------------------------------------- */

static void table_holds(void **state) {
	AUTO_FREE struct walk *walk = calloc(1, sizeof(*walk));
	size_t failures;

	(void)state;
	assert_non_null(walk);
	walk_table(walk);
	for (int reason = 0; reason < REASON_COUNT; reason++)
		if (!walk->expected[reason])
			complain(walk, "no line expects %s", contract[reason].name);
	if (walk->cases < FEWEST_CASES)
		complain(walk, "only %zu cases, expected at least %d", walk->cases, FEWEST_CASES);
	for (int winner = 0; winner < REASON_AVAILABLE; winner++) {
		bool beats_next = false;

		for (int loser = 0; loser < REASON_COUNT; loser++)
			if (walk->beaten[winner][loser] && ranks[loser] == ranks[winner] + 1)
				beats_next = true;
		if (!beats_next)
			complain(walk, "no line says that %s beats the next row",
				 contract[winner].name);
	}
	print_message("%zu cases\n", walk->cases);
	failures = walk->failures;
	assert_int_equal(failures, 0);
}

static void reasons_are_those_of_the_contract(void **state) {
	(void)state;
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		assert_string_equal(reason_name((enum reason)reason), contract[reason].name);
		assert_true(strlen(reason_help((enum reason)reason)) > 10);
	}
}

/* Zeroed facts are what a program has that could not even begin. */
static void nothing_at_all_is_not_available(void **state) {
	const struct facts facts = {0};
	const struct policy policy = {0};

	(void)state;
	assert_int_equal(verdict(&facts, &policy, 0).reason, REASON_STARTING);
	assert_int_equal(verdict(&facts, &policy, INT64_MAX).reason, REASON_STARTING);
}

/* A round that came back without a single value, under the most lenient policy there is. */
static void an_empty_answer_is_not_available(void **state) {
	const struct facts facts = {
		.probed_at = NOW, .probe.outcome = PROBE_OK, .login.outcome = PROBE_OK};
	const struct policy policy = {.max_age = NSEC_PER_SEC,
				      .donor = DONOR_AVAILABLE,
				      .read_only = ADMISSION_AVAILABLE,
				      .saturated = ADMISSION_AVAILABLE};

	(void)state;
	assert_int_equal(verdict(&facts, &policy, NOW).reason, REASON_NOT_GALERA);
}

/* The caches of ready-made replies rely on this moment. */
static void expiry_is_the_first_stale_moment(void **state) {
	const struct policy policy = {.max_age = 2 * NSEC_PER_SEC};
	struct facts facts = {.probed_at = NOW, .probe.outcome = PROBE_REFUSED};
	int64_t expires = verdict_expires(&facts, &policy, NOW);

	(void)state;
	assert_true(expires == NOW + 2 * NSEC_PER_SEC + 1);
	assert_int_equal(verdict(&facts, &policy, expires - 1).reason, REASON_REFUSED);
	assert_int_equal(verdict(&facts, &policy, expires).reason, REASON_STALE);
	assert_true(verdict_expires(&facts, &policy, expires) == CLOCK_NEVER);
	facts.probe.outcome = PROBE_NEVER;
	assert_true(verdict_expires(&facts, &policy, NOW) == CLOCK_NEVER);
}

static void an_order_that_ends_expires_first(void **state) {
	const struct policy policy = {.max_age = 2 * NSEC_PER_SEC};
	const int64_t ends = NOW + NSEC_PER_SEC;
	struct facts facts = {.probed_at = NOW,
			      .probe.outcome = PROBE_REFUSED,
			      .order = {.mode = MAINTENANCE_DRAINING, .ends = ends}};

	(void)state;
	assert_true(verdict_expires(&facts, &policy, NOW) == ends);
	assert_int_equal(verdict(&facts, &policy, ends - 1).reason, REASON_DRAINING);
	assert_int_equal(verdict(&facts, &policy, ends).reason, REASON_REFUSED);
	assert_true(verdict_expires(&facts, &policy, ends) == NOW + 2 * NSEC_PER_SEC + 1);
}

static void transfers_that_are_not_known_block(void **state) {
	struct facts facts = {0};

	(void)state;
	assert_true(verdict_sst_blocks(&facts));
	facts_set(&facts, FACT_SST_METHOD, "rsync");
	assert_true(verdict_sst_blocks(&facts));
	facts_set(&facts, FACT_SST_METHOD, "mariabackup");
	assert_false(verdict_sst_blocks(&facts));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_holds),
		cmocka_unit_test(reasons_are_those_of_the_contract),
		cmocka_unit_test(nothing_at_all_is_not_available),
		cmocka_unit_test(an_empty_answer_is_not_available),
		cmocka_unit_test(expiry_is_the_first_stale_moment),
		cmocka_unit_test(an_order_that_ends_expires_first),
		cmocka_unit_test(transfers_that_are_not_known_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
