/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation on the way from the configuration to an answer fails in turn: alone, and with
 * all that follow. Nothing crashes or leaks, and no failure is ever an available verdict.
 *
 * Those calls of libmicrohttpd that allocate are led through the functions named __wrap_ here.
 */
#include "unit.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "node/audience.h"
#include "node/snapshot.h"
#include "serve/crowd.h"
#include "serve/replies.h"
#include "shortage.h"
#include "view/status.h"

static struct {
	unsigned int status; /* 0: nothing was queued */
	char body[64 * 1024];
} sent;

struct MHD_Response *__real_MHD_create_response_from_buffer(size_t size, void *buffer,
							    enum MHD_ResponseMemoryMode mode);
enum MHD_Result __real_MHD_add_response_header(struct MHD_Response *response, const char *name,
					       const char *value);

struct MHD_Response *__wrap_MHD_create_response_from_buffer(size_t size, void *buffer,
							    enum MHD_ResponseMemoryMode mode);
enum MHD_Result __wrap_MHD_add_response_header(struct MHD_Response *response, const char *name,
					       const char *value);
enum MHD_Result __wrap_MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
					  struct MHD_Response *response);
const char *__wrap_MHD_lookup_connection_value(struct MHD_Connection *connection,
					       enum MHD_ValueKind kind, const char *key);

struct MHD_Response *__wrap_MHD_create_response_from_buffer(size_t size, void *buffer,
							    enum MHD_ResponseMemoryMode mode) {
	snprintf(sent.body, sizeof(sent.body), "%.*s", (int)size, (const char *)buffer);
	return shortage_strikes() ? NULL
				  : __real_MHD_create_response_from_buffer(size, buffer, mode);
}

enum MHD_Result __wrap_MHD_add_response_header(struct MHD_Response *response, const char *name,
					       const char *value) {
	return shortage_strikes() ? MHD_NO : __real_MHD_add_response_header(response, name, value);
}

enum MHD_Result __wrap_MHD_queue_response(struct MHD_Connection *connection, unsigned int status,
					  struct MHD_Response *response) {
	(void)connection;
	assert_non_null(response);
	sent.status = status;
	return MHD_YES;
}

const char *__wrap_MHD_lookup_connection_value(struct MHD_Connection *connection,
					       enum MHD_ValueKind kind, const char *key) {
	(void)connection;
	(void)kind;
	(void)key;
	return NULL;
}

/* --- what is walked ------------------------------------------------------------------------- */

struct walk {
	bool available; /* what the node is */
	struct config *config;
	struct stage stage;
	struct replies *replies;
	struct crowd *crowd;
};

static void set_facts(struct facts *facts, bool available) {
	facts_set(facts, FACT_CLUSTER_STATUS, "Primary");
	facts_set(facts, FACT_READY, "ON");
	facts_set(facts, FACT_CONNECTED, "ON");
	facts_set(facts, FACT_LOCAL_STATE, available ? "4" : "2");
	facts_set(facts, FACT_LOCAL_STATE_COMMENT, available ? "Synced" : "Donor/Desynced");
	facts_set(facts, FACT_WSREP_ON, "ON");
	facts->probe.outcome = facts->login.outcome = PROBE_OK;
	facts->probed_at = clock_now();
	facts->probed_wall = clock_wall();
	facts_count_probe(facts);
}

static bool load(struct walk *walk) {
	static const char *const arguments[] = {"endpoint /backup.read_only=available",
						"mysql.max_age=60s"};
	const struct config_sources sources = {.arguments = arguments, .argument_count = 2};
	char storage[256];
	struct text error;
	int r;

	text_init(&error, storage, sizeof(storage));
	walk->config = calloc(1, sizeof(*walk->config));
	if (!walk->config)
		return false;
	r = config_load(walk->config, &sources, &error);
	assert_true(r == 0 || error.length > 0);
	return r == 0;
}

static bool build(struct walk *walk) {
	struct change changes[ENDPOINT_MAX];
	AUTO_FREE struct facts *facts = NULL;

	if (!load(walk))
		return false;
	walk->stage.publication = publication_create(&walk->config->endpoints);
	walk->stage.audience = audience_create(NULL);
	if (!walk->stage.publication || !walk->stage.audience)
		return false;
	facts = __real_calloc(1, sizeof(*facts));
	set_facts(facts, walk->available);
	publication_publish(walk->stage.publication, facts, changes);
	walk->replies = replies_create(&walk->stage, false);
	walk->crowd = crowd_create("here", 2);
	return walk->replies && walk->crowd;
}

static void unbuild(struct walk *walk) {
	crowd_destroy(walk->crowd);
	replies_destroy(walk->replies);
	audience_destroy(walk->stage.audience);
	publication_destroy(walk->stage.publication);
	free(walk->config);
}

/* The status that was sent; 0 when the connection was cut off instead. */
static unsigned int ask(struct walk *walk, const char *path, const char *version) {
	struct exchange exchange = {.method = "GET", .path = path, .version = version};

	sent.status = 0;
	if (replies_answer(walk->replies, NULL, &exchange) == MHD_NO)
		return 0;
	assert_int_equal(exchange.status, sent.status);
	return sent.status;
}

static void check_verdict(struct walk *walk, const char *path) {
	unsigned int status = ask(walk, path, MHD_HTTP_VERSION_1_0);

	if (shortage_failures() == 0)
		assert_int_equal(status, walk->available ? 200 : 503);
	if (status == 200)
		assert_true(walk->available);
	else
		assert_true(status == 503 || status == 0);
}

static void check_document(struct walk *walk, const char *path, const char *reason) {
	unsigned int status = ask(walk, path, MHD_HTTP_VERSION_1_1);

	assert_true(status == 200 || status == 500 || status == 0);
	if (status != 200)
		assert_true(shortage_failures() > 0);
	else
		assert_non_null(strstr(sent.body, reason));
}

static void check_json(struct walk *walk) {
	struct snapshot *snapshot = __real_calloc(1, sizeof(*snapshot));
	AUTO_FREE char *json = NULL;

	publication_copy(walk->stage.publication, snapshot, NULL);
	json = status_verdict_json("/", &snapshot->facts, &snapshot->endpoints.items[0].policy,
				   clock_now());
	assert_true(json || shortage_failures() > 0);
	if (json && !walk->available)
		assert_null(strstr(json, "\"available\":true"));
	free(snapshot);
}

static void check_crowd(struct walk *walk) {
	struct crowd_member *members[4];

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		members[i] = crowd_join(walk->crowd, -1);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		crowd_stir(walk->crowd, members[i]);
		crowd_leave(walk->crowd, members[i]);
	}
}

static void go(void *context) {
	const bool *available = context;
	struct walk walk = {.available = *available};
	const char *reason = *available ? "available" : "donor";

	shortage_begin();
	if (build(&walk)) {
		check_verdict(&walk, "/");
		check_verdict(&walk, "/rw");
		check_verdict(&walk, "/backup");
		check_document(&walk, "/status", reason);
		check_document(&walk, "/metrics", reason);
		check_json(&walk);
		check_crowd(&walk);
	} else {
		assert_true(shortage_failures() > 0);
	}
	unbuild(&walk);
}

static struct facts facts;
static const struct policy policy = {.max_age = NSEC_PER_SEC};

static char *make_document(void) {
	return status_verdict_json("/", &facts, &policy, facts.probed_at);
}

static void make_document_again(void *whole) {
	AUTO_FREE char *json = NULL;

	shortage_begin();
	json = make_document();
	shortage_end();
	assert_true(json || shortage_failures() > 0);
	if (json)
		assert_string_equal(json, whole);
}

/* Who reads it takes what is missing for what is not so. */
static void a_document_is_whole_or_none(void **state) {
	AUTO_FREE char *whole = NULL;

	(void)state;
	set_facts(&facts, true);
	whole = make_document();
	assert_non_null(whole);
	assert_true(shortage_walk(make_document_again, whole, false) >= 100);
}

static void walk_through(bool available, bool for_good) {
	assert_true(shortage_walk(go, &available, for_good) >= 100);
}

static void each_allocation_of_an_available_node(void **state) {
	(void)state;
	walk_through(true, false);
}

static void each_allocation_of_an_unavailable_node(void **state) {
	(void)state;
	walk_through(false, false);
}

static void memory_that_is_gone_for_good(void **state) {
	(void)state;
	walk_through(true, true);
	walk_through(false, true);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_of_an_available_node),
		cmocka_unit_test(each_allocation_of_an_unavailable_node),
		cmocka_unit_test(memory_that_is_gone_for_good),
		cmocka_unit_test(a_document_is_whole_or_none),
	};

	log_set_level(LOG_LEVEL_ERROR); /* a crowd that sheds says so */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
