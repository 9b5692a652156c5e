/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steward beside other processes that give orders: none is lost, and nobody who holds the file
 * keeps an answer waiting.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "order_bench.h"

/* In place of the C library's: what another process does just before the lock is asked for. */
static void (*before_lock)(void);

int flock(int fd, int operation) {
	void (*act)(void) = before_lock;

	before_lock = NULL;
	if (act)
		act();
	return (int)syscall(SYS_flock, fd, operation);
}

#define COMMANDS 100

/* As clustercheckctl without a daemon. */
static bool give_orders(enum maintenance wanted) {
	struct wish wish = {.mode = wanted, .by = "alice"};
	struct text error;
	bool good = true;

	for (int i = 0; i < COMMANDS && good; i++) {
		struct steward *own = steward_create(NULL, &files);

		text_init(&error, told, sizeof(told));
		good = own && steward_order(own, &wish, &error) == 0;
		steward_destroy(own);
	}
	return good;
}

static void commands_at_once_do_not_trip_over_each_other(void **state) {
	pid_t other = fork();
	int status;

	(void)state;
	if (other == 0)
		_exit(give_orders(MAINTENANCE_DRAINING) ? 0 : 1);
	assert_true(other > 0);
	assert_true(give_orders(MAINTENANCE_DISABLED));
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	steward_refresh(steward);
	assert_int_equal(published().facts.order.origin, ORDER_GIVEN);
}

static int hold(void) {
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	return fd;
}

static void who_holds_the_file_is_waited_for_but_not_for_ever(void **state) {
	int fd = hold();
	int64_t began = clock_now(), took;

	(void)state;
	assert_int_equal(give(MAINTENANCE_DRAINING, "alice", false), 0);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	took = (clock_now() - began) / NSEC_PER_MSEC;
	assert_true(took >= 900 && took <= 5000);
	close(fd);
}

static void order_for_a_moment(void) {
	struct wish wish = {.mode = MAINTENANCE_DISABLED, .by = "a", .duration = NSEC_PER_MSEC};

	assert_int_equal(give_wish(&wish), 0);
	while (mode() != MAINTENANCE_NONE)
		usleep(100);
}

/* The prober looks: it must not wait, and what is over is over without the file's removal. */
static void a_look_waits_for_nobody(void **state) {
	int64_t began;
	int fd;

	(void)state;
	order_for_a_moment();
	fd = hold();
	began = clock_now();
	steward_look(steward);
	assert_true((clock_now() - began) / NSEC_PER_MSEC <= 500);
	assert_int_equal(access(files.file, F_OK), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
	close(fd);
	steward_look(steward);
	assert_int_equal(access(files.file, F_OK), -1);
}

static void who_holds_the_file_for_ever_does_not_keep_it(void **state) {
	AUTO_CLOSE int fd = -1;

	(void)state;
	order_for_a_moment();
	fd = hold();
	for (int i = 0; i < 500 && access(files.file, F_OK) == 0; i++) {
		steward_look(steward);
		usleep(10000);
	}
	assert_int_equal(access(files.file, F_OK), -1);
}

static void renew(void) {
	struct text error;
	const struct order renewed = {
		.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN, .by = "bob"};

	text_init(&error, told, sizeof(told));
	assert_int_equal(maintenance_write(files.file, &renewed, &error), 0);
}

static void an_order_renewed_meanwhile_stands(void **state) {
	(void)state;
	order_for_a_moment();
	before_lock = renew;
	steward_look(steward);
	assert_null(before_lock);
	steward_look(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	assert_string_equal(published().facts.order.by, "bob");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_at_once_do_not_trip_over_each_other,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(who_holds_the_file_is_waited_for_but_not_for_ever,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(a_look_waits_for_nobody, bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(who_holds_the_file_for_ever_does_not_keep_it,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(an_order_renewed_meanwhile_stands, bench_begin,
						bench_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
