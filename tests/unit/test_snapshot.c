/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The publication: what a reader gets is one whole generation, and generations never go back,
 * whatever other threads do. Run it under ThreadSanitizer too (-Db_sanitize=thread).
 */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/snapshot.h"

#define READERS 3
#define FEWEST_PUBLICATIONS 1000
#define MOST_PUBLICATIONS 200000
#define FEWEST_SEEN 50

static const enum fact_id numbered[] = {FACT_CLUSTER_SIZE, FACT_LAST_COMMITTED, FACT_CLUSTER_NAME,
					FACT_NODE_ADDRESS};

/* --- facts and endpoints that carry a number in every part ---------------------------------- */

static void facts_of(struct facts *facts, uint64_t number) {
	char text[32];

	memset(facts, 0, sizeof(*facts));
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	facts->probed_at = INT64_MAX / 2; /* fresh for ever */
	facts->totals.probes[PROBE_OK] = facts->totals.logins[PROBE_OK] = number;
	facts->took = (int64_t)number;
	facts_set(facts, FACT_WSREP_ON, "ON");
	facts_set(facts, FACT_CLUSTER_STATUS, "Primary");
	facts_set(facts, FACT_READY, "ON");
	facts_set(facts, FACT_CONNECTED, "ON");
	facts_set(facts, FACT_LOCAL_STATE, number % 2 ? "4" : "2");
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	for (size_t i = 0; i < ARRAY_SIZE(numbered); i++)
		facts_set(facts, numbered[i], text);
}

static bool facts_are_whole(const struct facts *facts) {
	struct facts expected;

	if (facts->probe.outcome == PROBE_NEVER)
		return facts_probes(facts) == 0;
	facts_of(&expected, facts_probes(facts));
	return memcmp(&expected, facts, sizeof(expected)) == 0;
}

static void endpoints_of(struct endpoint_list *endpoints, uint64_t number) {
	memset(endpoints, 0, sizeof(*endpoints));
	endpoints->count = 1 + number % ENDPOINT_MAX;
	for (size_t i = 0; i < endpoints->count; i++) {
		snprintf(endpoints->items[i].path, sizeof(endpoints->items[i].path), "/e%zu", i);
		endpoints->items[i].policy.max_age = NSEC_PER_SEC;
		endpoints->items[i].policy.max_recv_queue = number;
		endpoints->items[i].policy.donor = DONOR_UNAVAILABLE;
	}
}

static bool endpoints_are_whole(const struct endpoint_list *endpoints) {
	struct endpoint_list expected;

	endpoints_of(&expected, endpoints->items[0].policy.max_recv_queue);
	return memcmp(&expected, endpoints, sizeof(expected)) == 0;
}

/* --- one thread ----------------------------------------------------------------------------- */

static void begins_with_nothing_known(void **state) {
	struct endpoint_list endpoints;
	struct publication *publication;
	struct snapshot snapshot;
	static struct history history;

	(void)state;
	endpoints_of(&endpoints, 2);
	publication = publication_create(&endpoints);
	assert_non_null(publication);
	assert_true(publication_generation(publication) > 0); /* 0 is what a reader has not yet */
	publication_copy(publication, &snapshot, NULL);
	assert_int_equal(snapshot.generation, publication_generation(publication));
	assert_int_equal(snapshot.facts.probe.outcome, PROBE_NEVER);
	assert_memory_equal(&snapshot.endpoints, &endpoints, sizeof(endpoints));
	publication_copy(publication, &snapshot, &history);
	assert_int_equal(history.standing_count, endpoints.count);
	for (size_t i = 0; i < history.standing_count; i++)
		assert_int_equal(history.standings[i].reason, REASON_STARTING);
	publication_destroy(publication);
	publication_destroy(NULL);
}

static void publishing_makes_a_generation_and_tells_changes(void **state) {
	struct change changes[ENDPOINT_MAX];
	struct endpoint_list endpoints;
	struct publication *publication;
	struct snapshot snapshot;
	struct facts facts;

	(void)state;
	endpoints_of(&endpoints, 1); /* two of them */
	for (size_t i = 0; i < endpoints.count; i++)
		endpoints.items[i].policy.max_recv_queue = 0;
	publication = publication_create(&endpoints);
	assert_non_null(publication);
	facts_of(&facts, 1);
	assert_int_equal(publication_publish(publication, &facts, changes), 2);
	assert_int_equal(changes[0].to, REASON_AVAILABLE);
	assert_string_equal(changes[1].path, "/e1");
	publication_copy(publication, &snapshot, NULL);
	assert_int_equal(snapshot.generation, 2);
	assert_memory_equal(&snapshot.facts, &facts, sizeof(facts));

	/* the same again: a generation, but no news; a review is neither */
	assert_int_equal(publication_publish(publication, &facts, changes), 0);
	assert_int_equal(publication_generation(publication), 3);
	assert_int_equal(publication_review(publication, changes), 0);
	assert_int_equal(publication_generation(publication), 3);

	endpoints.items[0].policy.min_cluster_size = 100;
	assert_int_equal(publication_set_endpoints(publication, &endpoints, changes), 1);
	assert_string_equal(changes[0].path, "/e0");
	assert_int_equal(changes[0].to, REASON_SMALL_CLUSTER);
	assert_int_equal(publication_generation(publication), 4);
	publication_destroy(publication);
}

/* Facts as old as the machine: the review tells that they have become stale, once. */
static void a_review_finds_what_time_has_changed(void **state) {
	struct change changes[ENDPOINT_MAX];
	struct endpoint_list endpoints;
	struct publication *publication;
	struct facts facts;

	(void)state;
	endpoints_of(&endpoints, ENDPOINT_MAX); /* one */
	endpoints.items[0].policy.max_recv_queue = 0;
	endpoints.items[0].policy.max_age = 50 * NSEC_PER_MSEC;
	publication = publication_create(&endpoints);
	assert_non_null(publication);
	facts_of(&facts, 1);
	facts.probed_at = clock_now();
	publication_publish(publication, &facts, changes);
	while (clock_now() <= facts.probed_at + 50 * NSEC_PER_MSEC)
		continue;
	publication_review(publication, changes);
	assert_int_equal(changes[0].to, REASON_STALE);
	assert_int_equal(publication_review(publication, changes), 0);
	publication_destroy(publication);
}

/* --- many threads --------------------------------------------------------------------------- */

struct stage {
	struct publication *publication;
	_Atomic uint64_t seen[READERS]; /* generations that this reader has copied */
	_Atomic unsigned int faults;
	atomic_bool over;
};

struct reader {
	struct stage *stage;
	size_t index;
	pthread_t thread;
};

/* Threads must not assert: cmocka's assertions jump. They count, and the main thread asserts. */
static void expect(struct stage *stage, bool holds) {
	if (!holds)
		atomic_fetch_add(&stage->faults, 1);
}

static void *read_snapshots(void *context) {
	struct reader *reader = context;
	struct stage *stage = reader->stage;
	uint64_t generation = 0, probes = 0;
	struct snapshot snapshot;

	while (!atomic_load(&stage->over)) {
		uint64_t announced = publication_generation(stage->publication);

		expect(stage, announced >= generation);
		if (announced == generation)
			continue;
		publication_copy(stage->publication, &snapshot, NULL);
		/* what was announced is there, or already something newer */
		expect(stage, snapshot.generation >= announced);
		expect(stage, facts_probes(&snapshot.facts) >= probes);
		expect(stage, facts_are_whole(&snapshot.facts));
		expect(stage, endpoints_are_whole(&snapshot.endpoints));
		generation = snapshot.generation;
		probes = facts_probes(&snapshot.facts);
		atomic_fetch_add(&stage->seen[reader->index], 1);
	}
	return NULL;
}

static void *read_histories(void *context) {
	struct stage *stage = context;
	struct history *history = malloc(sizeof(*history));
	struct snapshot snapshot;
	uint64_t total = 0;

	expect(stage, history != NULL);
	while (history && !atomic_load(&stage->over)) {
		publication_copy(stage->publication, &snapshot, history);
		expect(stage, history->total >= total);
		expect(stage, facts_are_whole(&history->facts));
		/* every endpoint has the same policy, so they all stand alike */
		for (size_t i = 1; i < history->standing_count; i++)
			expect(stage, history->standings[i].reason == history->standings[0].reason);
		total = history->total;
	}
	free(history);
	return NULL;
}

/* What the main thread does beside: other endpoints, and reviews. */
static void *change_endpoints(void *context) {
	struct stage *stage = context;
	struct change changes[ENDPOINT_MAX];
	struct endpoint_list endpoints;

	for (uint64_t number = 0; !atomic_load(&stage->over); number++) {
		endpoints_of(&endpoints, number);
		publication_set_endpoints(stage->publication, &endpoints, changes);
		publication_review(stage->publication, changes);
	}
	return NULL;
}

static bool all_have_seen_enough(struct stage *stage) {
	for (size_t i = 0; i < READERS; i++)
		if (atomic_load(&stage->seen[i]) < FEWEST_SEEN)
			return false;
	return true;
}

static void publish_until_seen(struct stage *stage) {
	struct change changes[ENDPOINT_MAX];
	struct facts facts;

	for (uint64_t number = 1; number <= MOST_PUBLICATIONS; number++) {
		facts_of(&facts, number);
		publication_publish(stage->publication, &facts, changes);
		if (number >= FEWEST_PUBLICATIONS && all_have_seen_enough(stage))
			return;
	}
}

static void readers_get_whole_generations(void **state) {
	struct reader readers[READERS];
	struct endpoint_list endpoints;
	pthread_t historian, operator;
	static struct stage stage;

	(void)state;
	endpoints_of(&endpoints, 0);
	stage.publication = publication_create(&endpoints);
	assert_non_null(stage.publication);
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.stage = &stage, .index = i};
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, read_snapshots, &readers[i]), 0);
	}
	assert_int_equal(pthread_create(&historian, NULL, read_histories, &stage), 0);
	assert_int_equal(pthread_create(&operator, NULL, change_endpoints, &stage), 0);
	publish_until_seen(&stage);
	atomic_store(&stage.over, true);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(readers[i].thread, NULL);
	pthread_join(historian, NULL);
	pthread_join(operator, NULL);
	publication_destroy(stage.publication);
	assert_int_equal(atomic_load(&stage.faults), 0);
	assert_true(all_have_seen_enough(&stage));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_with_nothing_known),
		cmocka_unit_test(publishing_makes_a_generation_and_tells_changes),
		cmocka_unit_test(a_review_finds_what_time_has_changed),
		cmocka_unit_test(readers_get_whole_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
