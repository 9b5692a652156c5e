/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is shed when a door is full. Each connection is a socket pair: the caller's end tells.
 */
#include "unit.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "serve/crowd.h"

#define LIMIT 3

struct connection {
	struct crowd_member *member;
	int fds[2]; /* the door's end, the caller's end */
};

static void join(struct crowd *crowd, struct connection *connection) {
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, connection->fds), 0);
	connection->member = crowd_join(crowd, connection->fds[0]);
	assert_non_null(connection->member);
}

static void leave(struct crowd *crowd, struct connection *connection) {
	crowd_leave(crowd, connection->member);
	close(connection->fds[0]);
	close(connection->fds[1]);
}

static bool is_shed(const struct connection *connection) {
	struct pollfd caller = {.fd = connection->fds[1], .events = POLLIN};

	return poll(&caller, 1, 0) == 1;
}

static void assert_shed(const struct connection *connections, const bool *expected, size_t count) {
	for (size_t i = 0; i < count; i++)
		assert_int_equal(is_shed(&connections[i]), expected[i]);
}

static void up_to_the_limit_everybody_stays(void **state) {
	struct crowd *crowd = crowd_create("here", LIMIT);
	struct connection all[LIMIT];

	(void)state;
	for (size_t i = 0; i < LIMIT; i++)
		join(crowd, &all[i]);
	assert_shed(all, (bool[]){false, false, false}, LIMIT);
	for (size_t i = 0; i < LIMIT; i++)
		leave(crowd, &all[i]);
	crowd_destroy(crowd);
}

static void one_more_sheds_the_one_that_rested_longest(void **state) {
	struct crowd *crowd = crowd_create("here", LIMIT);
	struct connection all[LIMIT + 2];

	(void)state;
	for (size_t i = 0; i < LIMIT; i++)
		join(crowd, &all[i]);
	crowd_stir(crowd, all[0].member);
	join(crowd, &all[3]);
	join(crowd, &all[4]);
	assert_shed(all, (bool[]){false, true, true, false, false}, ARRAY_SIZE(all));
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		leave(crowd, &all[i]);
	crowd_destroy(crowd);
}

static void who_leaves_makes_room(void **state) {
	struct crowd *crowd = crowd_create("here", LIMIT);
	struct connection all[LIMIT + 1];

	(void)state;
	for (size_t i = 0; i < LIMIT; i++)
		join(crowd, &all[i]);
	leave(crowd, &all[1]);
	join(crowd, &all[3]);
	assert_false(is_shed(&all[0]));
	assert_false(is_shed(&all[2]));
	leave(crowd, &all[0]);
	leave(crowd, &all[2]);
	leave(crowd, &all[3]);
	crowd_destroy(crowd);
}

/* A request that had been read before the end came to notice. */
static void who_is_shed_cannot_come_back(void **state) {
	struct crowd *crowd = crowd_create("here", 1);
	struct connection all[3];

	(void)state;
	join(crowd, &all[0]);
	join(crowd, &all[1]);
	crowd_stir(crowd, all[0].member);
	leave(crowd, &all[0]);
	assert_false(is_shed(&all[1]));
	join(crowd, &all[2]);
	assert_true(is_shed(&all[1]));
	leave(crowd, &all[1]);
	leave(crowd, &all[2]);
	crowd_destroy(crowd);
}

static void one_that_could_not_be_remembered_is_no_matter(void **state) {
	struct crowd *crowd = crowd_create("here", 1);

	(void)state;
	crowd_stir(crowd, NULL);
	crowd_leave(crowd, NULL);
	crowd_destroy(crowd);
	crowd_destroy(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(up_to_the_limit_everybody_stays),
		cmocka_unit_test(one_more_sheds_the_one_that_rested_longest),
		cmocka_unit_test(who_leaves_makes_room),
		cmocka_unit_test(who_is_shed_cannot_come_back),
		cmocka_unit_test(one_that_could_not_be_remembered_is_no_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
