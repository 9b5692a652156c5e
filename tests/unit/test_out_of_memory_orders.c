/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every allocation on the way of an order fails in turn: from the caller's bytes into the file and
 * to who is told, and from the file to the publication. It is taken whole or refused, and what
 * stood before stands as long as nothing else is known.
 *
 * What the commands want of the prober is left out: it has no part in it.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "order_bench.h"
#include "serve/commands.h"
#include "serve/exchange.h"
#include "shortage.h"

/* Longer than the parser's first buffer, which has to grow for them. */
#define FIRST_REASON "the first one, which stands already"
#define SECOND_REASON "the second one, which may not come through"
#define SECOND_WISH                                                      \
	"{\"mode\":\"disabled\",\"by\":\"operator-of-the-night-shift\"," \
	"\"reason\":\"" SECOND_REASON "\",\"for_ms\":60000,\"own_only\":false}"
#define ENABLE \
	"{\"mode\":\"none\",\"by\":\"alice\",\"reason\":\"\",\"for_ms\":0,\"own_only\":false}"

void __wrap_prober_wake(struct prober *prober);
void __wrap_prober_want_census(struct prober *prober);

void __wrap_prober_wake(struct prober *prober) {
	(void)prober;
}

void __wrap_prober_want_census(struct prober *prober) {
	(void)prober;
}

static struct stage stage;

static int begin(void **state) {
	int r = bench_begin(state);

	stage.publication = publication;
	stage.steward = steward;
	stage.audience = audience_create(NULL);
	return r == 0 && stage.audience ? 0 : -1;
}

static int end(void **state) {
	audience_destroy(stage.audience);
	return bench_end(state);
}

static struct order written(void) {
	struct order order;

	assert_int_equal(maintenance_read(&files, &order), 0);
	return order;
}

static void give_first(void) {
	struct wish wish = {.mode = MAINTENANCE_DRAINING, .by = "alice", .reason = FIRST_REASON};

	assert_int_equal(give_wish(&wish), 0);
}

static void assert_first(const struct order *order) {
	assert_int_equal(order->origin, ORDER_GIVEN);
	assert_int_equal(order->mode, MAINTENANCE_DRAINING);
	assert_string_equal(order->by, "alice");
	assert_string_equal(order->reason, FIRST_REASON);
	assert_true(order->since > 0 && order->until == 0);
}

static void assert_second(const struct order *order) {
	assert_int_equal(order->origin, ORDER_GIVEN);
	assert_int_equal(order->mode, MAINTENANCE_DISABLED);
	assert_string_equal(order->by, "operator-of-the-night-shift");
	assert_string_equal(order->reason, SECOND_REASON);
	assert_true(order->since > 0 && order->until > order->since);
}

/* --- taking --------------------------------------------------------------------------------- */

/* As a door does it: the body comes in two pieces. */
static unsigned int post(const char *wish, char **answer) {
	struct exchange *exchange = exchange_create();
	size_t half = strlen(wish) / 2;
	unsigned int status = 0;

	*answer = NULL;
	if (!exchange)
		return 0;
	exchange_collect(exchange, wish, half);
	exchange_collect(exchange, wish + half, strlen(wish) - half);
	if (!exchange->body_is_too_large)
		status = command_order(&stage, exchange->body, answer);
	exchange_destroy(exchange);
	return status;
}

static void take_order(void *context) {
	AUTO_FREE char *answer = NULL;
	struct order in_file, in_force;
	unsigned int status;

	(void)context;
	give_first();
	shortage_begin();
	status = post(SECOND_WISH, &answer);
	shortage_end();
	in_file = written();
	in_force = published().facts.order;
	if (status == 200) {
		assert_second(&in_file);
		assert_second(&in_force);
		assert_true(answer || shortage_failures() > 0);
		if (answer)
			assert_non_null(strstr(answer, SECOND_REASON));
	} else {
		assert_true(shortage_failures() > 0);
		assert_first(&in_file);
		assert_first(&in_force);
	}
}

static void end_order(void *context) {
	AUTO_FREE char *answer = NULL;
	unsigned int status;

	(void)context;
	give_first();
	shortage_begin();
	status = post(ENABLE, &answer);
	shortage_end();
	assert_true(status == 200 || shortage_failures() > 0);
	assert_int_equal(access(files.file, F_OK), status == 200 ? -1 : 0);
	if (status == 200)
		assert_int_equal(published().facts.order.mode, MAINTENANCE_NONE);
	else
		assert_int_equal(published().facts.order.mode, MAINTENANCE_DRAINING);
}

static void an_order_is_taken_whole_or_refused(void **state) {
	(void)state;
	assert_true(shortage_walk(take_order, NULL, false) >= 40);
	assert_true(shortage_walk(take_order, NULL, true) >= 1);
	assert_true(shortage_walk(end_order, NULL, false) >= 20);
	assert_true(shortage_walk(end_order, NULL, true) >= 1);
}

/* --- reading -------------------------------------------------------------------------------- */

static void write_second(void) {
	struct order order = {.mode = MAINTENANCE_DISABLED,
			      .by = "operator-of-the-night-shift",
			      .reason = SECOND_REASON,
			      .since = clock_wall() / NSEC_PER_MSEC * NSEC_PER_MSEC};
	char storage[256];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	order.until = order.since + 60 * NSEC_PER_SEC;
	assert_int_equal(maintenance_write(files.file, &order, &error), 0);
}

static void read_anothers_order(void *context) {
	struct order in_force;

	(void)context;
	give_first();
	write_second();
	shortage_begin();
	steward_refresh(stage.steward);
	shortage_end();
	in_force = published().facts.order;
	if (shortage_failures() > 0)
		assert_first(&in_force);
	else
		assert_second(&in_force);
	steward_refresh(stage.steward);
	in_force = published().facts.order;
	assert_second(&in_force);
}

static void what_cannot_be_read_now_stands_as_it_stood(void **state) {
	(void)state;
	assert_true(shortage_walk(read_anothers_order, NULL, false) >= 10);
	assert_true(shortage_walk(read_anothers_order, NULL, true) >= 1);
}

static void read_the_first_time(void *context) {
	struct order in_force;

	(void)context;
	steward_destroy(stage.steward);
	stage.steward = steward = steward_create(publication, &files);
	publication_set_order(stage.publication, &(struct order){0},
			      (struct change[ENDPOINT_MAX]){0});
	shortage_begin();
	steward_refresh(stage.steward);
	shortage_end();
	assert_int_equal(published().facts.order.mode, MAINTENANCE_DISABLED);
	steward_refresh(stage.steward);
	in_force = published().facts.order;
	assert_second(&in_force);
}

/* A daemon that starts: no answer goes out against an order that stands. */
static void what_cannot_be_read_at_the_start_disables(void **state) {
	(void)state;
	write_second();
	assert_true(shortage_walk(read_the_first_time, NULL, false) >= 10);
	assert_true(shortage_walk(read_the_first_time, NULL, true) >= 10);
}

/* --- telling -------------------------------------------------------------------------------- */

static void report(void *context) {
	AUTO_FREE char *document = NULL;

	(void)context;
	shortage_begin();
	document = command_report(&stage, false);
	shortage_end();
	assert_true(document || shortage_failures() > 0);
	if (document)
		assert_non_null(strstr(document, "\"balancers_total\":1,"));
}

/* Who waits until everybody has been told must not take a balancer for none. */
static void nobody_is_forgotten(void **state) {
	const struct sockaddr_in balancer = {.sin_family = AF_INET,
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct answer answer = {.kind = POLLER_HTTP,
				      .peer = (const struct sockaddr *)&balancer,
				      .path = "/",
				      .status = 200,
				      .is_verdict = true};

	(void)state;
	for (int i = 0; i < 10; i++)
		audience_note(stage.audience, &answer);
	assert_true(shortage_walk(report, NULL, false) >= 20);
}

/* --- the commands' other side --------------------------------------------------------------- */

static void format_wish(void *context) {
	const struct wish wish = {.mode = MAINTENANCE_DISABLED,
				  .by = "operator-of-the-night-shift",
				  .reason = SECOND_REASON};
	static const char expected[] =
		"{\"mode\":\"disabled\",\"by\":\"operator-of-the-night-shift\","
		"\"reason\":\"" SECOND_REASON "\",\"for_ms\":0,\"own_only\":false}";
	AUTO_FREE char *bytes = NULL;

	(void)context;
	shortage_begin();
	bytes = wish_format(&wish);
	shortage_end();
	assert_true(bytes || shortage_failures() > 0);
	if (bytes)
		assert_string_equal(bytes, expected);
}

static void a_wish_is_formatted_whole(void **state) {
	(void)state;
	assert_true(shortage_walk(format_wish, NULL, false) >= 10);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_order_is_taken_whole_or_refused, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_now_stands_as_it_stood, begin,
						end),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_at_the_start_disables, begin,
						end),
		cmocka_unit_test_setup_teardown(nobody_is_forgotten, begin, end),
		cmocka_unit_test(a_wish_is_formatted_whole),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
