/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steward: orders are on the disk and published at once, nobody's order is lost to another's,
 * and one whose time is over goes by itself.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/steward.h"

/* In place of the C library's: what another process does just before the lock is asked for. */
static void (*before_lock)(void);

int flock(int fd, int operation) {
	void (*act)(void) = before_lock;

	before_lock = NULL;
	if (act)
		act();
	return (int)syscall(SYS_flock, fd, operation);
}

static struct maintenance_files files;
static char directory[] = "/tmp/test_steward.XXXXXX";
static struct publication *publication;
static struct steward *steward;
static char storage[640];
static struct text error;

static int begin(void **state) {
	static const struct endpoint_list endpoints = {
		.count = 1, .items = {{.path = "/", .policy = {.max_age = NSEC_PER_SEC}}}};

	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(files.file, sizeof(files.file), "%s/maintenance", directory);
	snprintf(files.legacy_file, sizeof(files.legacy_file), "%s/disabled", directory);
	publication = publication_create(&endpoints);
	steward = steward_create(publication, &files);
	text_init(&error, storage, sizeof(storage));
	return publication && steward ? 0 : -1;
}

static int end(void **state) {
	(void)state;
	steward_destroy(steward);
	publication_destroy(publication);
	unlink(files.file);
	unlink(files.legacy_file);
	return rmdir(directory);
}

static struct snapshot published(void) {
	struct snapshot snapshot;

	publication_copy(publication, &snapshot, NULL);
	return snapshot;
}

static enum maintenance mode(void) {
	struct snapshot snapshot = published();

	return order_mode(&snapshot.facts.order, clock_now());
}

static int order(enum maintenance wanted, const char *by, bool own_only) {
	struct wish wish = {.mode = wanted, .own_only = own_only};

	text_copy(wish.by, sizeof(wish.by), by);
	text_init(&error, storage, sizeof(storage));
	return steward_order(steward, &wish, &error);
}

static void an_order_is_published_at_once_and_survives(void **state) {
	struct snapshot snapshot;
	uint64_t epoch = published().epoch;

	(void)state;
	assert_int_equal(order(MAINTENANCE_DRAINING, "alice", false), 0);
	snapshot = published();
	assert_int_equal(snapshot.facts.order.mode, MAINTENANCE_DRAINING);
	assert_string_equal(snapshot.facts.order.by, "alice");
	assert_int_equal(snapshot.epoch, epoch + 1);
	/* a daemon that starts now */
	steward_destroy(steward);
	steward = steward_create(publication, &files);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	assert_int_equal(order(MAINTENANCE_NONE, "bob", false), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
	assert_int_equal(access(files.file, F_OK), -1);
}

/* As after a reload: what stood in the file before says nothing about this one. */
static void another_file_that_cannot_be_read(void **state) {
	struct maintenance_files other = files;
	struct rlimit before, tight;

	(void)state;
	assert_int_equal(order(MAINTENANCE_DRAINING, "alice", false), 0);
	snprintf(other.file, sizeof(other.file), "%s/other", directory);
	assert_int_equal(rename(files.file, other.file), 0);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_NONE);
	getrlimit(RLIMIT_NOFILE, &before);
	tight = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	assert_int_equal(dup2(1, 3), 3); /* cmocka may have opened some */
	setrlimit(RLIMIT_NOFILE, &tight);
	steward_configure(steward, &other);
	setrlimit(RLIMIT_NOFILE, &before);
	close(3);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	unlink(other.file);
}

/* The prober's facts are as old as its round: they must not bring back the order of then. */
static void facts_do_not_touch_the_order(void **state) {
	struct facts facts = {.probe.outcome = PROBE_OK, .probed_at = clock_now()};
	struct change changes[ENDPOINT_MAX];

	(void)state;
	assert_int_equal(order(MAINTENANCE_DISABLED, "alice", false), 0);
	publication_publish(publication, &facts, changes);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(published().facts.probe.outcome, PROBE_OK);
}

static void nothing_new_is_not_published(void **state) {
	uint64_t generation;

	(void)state;
	assert_int_equal(order(MAINTENANCE_DISABLED, "alice", false), 0);
	generation = publication_generation(publication);
	steward_refresh(steward);
	steward_refresh(steward);
	assert_int_equal(publication_generation(publication), generation);
}

static void somebody_elses_order_is_left_alone(void **state) {
	(void)state;
	assert_int_equal(order(MAINTENANCE_DISABLED, "alice", false), 0);
	assert_int_equal(order(MAINTENANCE_DRAINING, "systemd", true), -EBUSY);
	assert_non_null(strstr(storage, "by alice"));
	assert_int_equal(order(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(order(MAINTENANCE_NONE, "bob", false), 0);
	assert_int_equal(order(MAINTENANCE_DRAINING, "systemd", true), 0);
	assert_int_equal(order(MAINTENANCE_NONE, "systemd", true), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
}

static void touch_legacy_file(void) {
	AUTO_FILE FILE *legacy = fopen(files.legacy_file, "w");

	assert_non_null(legacy);
}

static void the_legacy_file_is_nobodys_to_end(void **state) {
	(void)state;
	touch_legacy_file();
	assert_int_equal(order(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_int_equal(order(MAINTENANCE_NONE, "alice", false), 0);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(published().facts.order.origin, ORDER_LEGACY);
}

/* Or it would come to light when the legacy file goes, and nobody would end it any more. */
static void ones_own_order_ends_below_a_legacy_file(void **state) {
	(void)state;
	assert_int_equal(order(MAINTENANCE_DRAINING, "systemd", true), 0);
	touch_legacy_file();
	assert_int_equal(order(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_non_null(strstr(storage, files.legacy_file));
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	unlink(files.legacy_file);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_NONE);
}

static void somebody_elses_order_stays_below_a_legacy_file(void **state) {
	(void)state;
	assert_int_equal(order(MAINTENANCE_DRAINING, "alice", false), 0);
	touch_legacy_file();
	assert_int_equal(order(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	unlink(files.legacy_file);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	assert_string_equal(published().facts.order.by, "alice");
}

/* The node is out; an order that nobody would see is not left behind. */
static void no_order_is_laid_below_a_legacy_file(void **state) {
	(void)state;
	touch_legacy_file();
	assert_int_equal(order(MAINTENANCE_DRAINING, "systemd", true), -EBUSY);
	assert_int_equal(access(files.file, F_OK), -1);
}

static void without_a_file_there_is_no_order(void **state) {
	struct maintenance_files none = files;

	(void)state;
	none.file[0] = '\0';
	steward_configure(steward, &none);
	assert_int_equal(order(MAINTENANCE_DRAINING, "alice", false), -ENOTSUP);
	assert_non_null(strstr(storage, "[maintenance] file"));
	steward_configure(steward, &files);
}

static void an_order_ends_by_itself(void **state) {
	struct wish wish = {.mode = MAINTENANCE_DISABLED, .by = "a", .duration = NSEC_PER_MSEC};
	struct snapshot snapshot;

	(void)state;
	assert_int_equal(steward_order(steward, &wish, &error), 0);
	snapshot = published();
	assert_true(snapshot.facts.order.ends > 0);
	while (clock_now() < snapshot.facts.order.ends)
		usleep(100);
	assert_int_equal(mode(), MAINTENANCE_NONE);
	steward_refresh(steward);
	assert_int_equal(published().facts.order.mode, MAINTENANCE_NONE);
	assert_int_equal(access(files.file, F_OK), -1);
}

static void what_others_write_is_seen(void **state) {
	FILE *stream = fopen(files.file, "w");

	(void)state;
	assert_non_null(stream);
	fputs("{\"version\": 1, \"order\": \"drain\", \"by\": \"vi\"}", stream);
	fclose(stream);
	steward_refresh(steward);
	assert_string_equal(published().facts.order.by, "vi");
	stream = fopen(files.file, "w");
	fputs("{", stream);
	fclose(stream);
	steward_refresh(steward);
	assert_int_equal(published().facts.order.origin, ORDER_DAMAGED);
	/* whoever says enable means the damaged one as well */
	assert_int_equal(order(MAINTENANCE_NONE, "alice", false), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
}

/* --- side by side --------------------------------------------------------------------------- */

#define ORDERS 300

static _Atomic int over;

static void *refresh_all_the_time(void *context) {
	(void)context;
	while (!over)
		steward_refresh(steward);
	return NULL;
}

/* As the prober does, while the control socket takes orders: none is ever undone by a reading. */
static void readings_never_undo_an_order(void **state) {
	pthread_t reader;

	(void)state;
	over = 0;
	assert_int_equal(pthread_create(&reader, NULL, refresh_all_the_time, NULL), 0);
	for (int i = 0; i < ORDERS; i++) {
		enum maintenance wanted = (enum maintenance)(i % 3);

		assert_int_equal(order(wanted, "alice", false), 0);
		assert_int_equal(mode(), wanted);
	}
	over = 1;
	pthread_join(reader, NULL);
}

/* --- beside other processes ----------------------------------------------------------------- */

#define COMMANDS 100

/* As clustercheckctl without a daemon. */
static bool give_orders(enum maintenance wanted) {
	struct wish wish = {.mode = wanted, .by = "alice"};
	bool good = true;

	for (int i = 0; i < COMMANDS && good; i++) {
		struct steward *own = steward_create(NULL, &files);

		text_init(&error, storage, sizeof(storage));
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
	assert_int_equal(order(MAINTENANCE_DRAINING, "alice", false), 0);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	took = (clock_now() - began) / NSEC_PER_MSEC;
	assert_true(took >= 900 && took <= 5000);
	close(fd);
}

static void order_for_a_moment(void) {
	struct wish wish = {.mode = MAINTENANCE_DISABLED, .by = "a", .duration = NSEC_PER_MSEC};

	text_init(&error, storage, sizeof(storage));
	assert_int_equal(steward_order(steward, &wish, &error), 0);
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
	const struct order renewed = {
		.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN, .by = "bob"};

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
		cmocka_unit_test_setup_teardown(an_order_is_published_at_once_and_survives, begin,
						end),
		cmocka_unit_test_setup_teardown(another_file_that_cannot_be_read, begin, end),
		cmocka_unit_test_setup_teardown(facts_do_not_touch_the_order, begin, end),
		cmocka_unit_test_setup_teardown(nothing_new_is_not_published, begin, end),
		cmocka_unit_test_setup_teardown(somebody_elses_order_is_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(the_legacy_file_is_nobodys_to_end, begin, end),
		cmocka_unit_test_setup_teardown(ones_own_order_ends_below_a_legacy_file, begin,
						end),
		cmocka_unit_test_setup_teardown(somebody_elses_order_stays_below_a_legacy_file,
						begin, end),
		cmocka_unit_test_setup_teardown(no_order_is_laid_below_a_legacy_file, begin, end),
		cmocka_unit_test_setup_teardown(without_a_file_there_is_no_order, begin, end),
		cmocka_unit_test_setup_teardown(an_order_ends_by_itself, begin, end),
		cmocka_unit_test_setup_teardown(what_others_write_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(readings_never_undo_an_order, begin, end),
		cmocka_unit_test_setup_teardown(commands_at_once_do_not_trip_over_each_other, begin,
						end),
		cmocka_unit_test_setup_teardown(who_holds_the_file_is_waited_for_but_not_for_ever,
						begin, end),
		cmocka_unit_test_setup_teardown(a_look_waits_for_nobody, begin, end),
		cmocka_unit_test_setup_teardown(who_holds_the_file_for_ever_does_not_keep_it, begin,
						end),
		cmocka_unit_test_setup_teardown(an_order_renewed_meanwhile_stands, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
