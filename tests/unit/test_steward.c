/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steward: orders are on the disk and published at once, nobody's order is lost to another's,
 * and one whose time is over goes by itself.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "order_bench.h"

static void an_order_is_published_at_once_and_survives(void **state) {
	struct snapshot snapshot;
	uint64_t epoch = published().epoch;

	(void)state;
	assert_int_equal(give(MAINTENANCE_DRAINING, "alice", false), 0);
	snapshot = published();
	assert_int_equal(snapshot.facts.order.mode, MAINTENANCE_DRAINING);
	assert_string_equal(snapshot.facts.order.by, "alice");
	assert_int_equal(snapshot.epoch, epoch + 1);
	/* a daemon that starts now */
	steward_destroy(steward);
	steward = steward_create(publication, &files);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	assert_int_equal(give(MAINTENANCE_NONE, "bob", false), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
	assert_int_equal(access(files.file, F_OK), -1);
}

/* As after a reload: what stood in the file before says nothing about this one. */
static void another_file_that_cannot_be_read(void **state) {
	struct maintenance_files other = files;
	struct rlimit before, tight;

	(void)state;
	assert_int_equal(give(MAINTENANCE_DRAINING, "alice", false), 0);
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
	assert_int_equal(give(MAINTENANCE_DISABLED, "alice", false), 0);
	publication_publish(publication, &facts, changes);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(published().facts.probe.outcome, PROBE_OK);
}

static void nothing_new_is_not_published(void **state) {
	uint64_t generation;

	(void)state;
	assert_int_equal(give(MAINTENANCE_DISABLED, "alice", false), 0);
	generation = publication_generation(publication);
	steward_refresh(steward);
	steward_refresh(steward);
	assert_int_equal(publication_generation(publication), generation);
}

static void somebody_elses_order_is_left_alone(void **state) {
	(void)state;
	assert_int_equal(give(MAINTENANCE_DISABLED, "alice", false), 0);
	assert_int_equal(give(MAINTENANCE_DRAINING, "systemd", true), -EBUSY);
	assert_non_null(strstr(told, "by alice"));
	assert_int_equal(give(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(give(MAINTENANCE_NONE, "bob", false), 0);
	assert_int_equal(give(MAINTENANCE_DRAINING, "systemd", true), 0);
	assert_int_equal(give(MAINTENANCE_NONE, "systemd", true), 0);
	assert_int_equal(mode(), MAINTENANCE_NONE);
}

static void touch_legacy_file(void) {
	AUTO_FILE FILE *legacy = fopen(files.legacy_file, "w");

	assert_non_null(legacy);
}

static void the_legacy_file_is_nobodys_to_end(void **state) {
	(void)state;
	touch_legacy_file();
	assert_int_equal(give(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_int_equal(give(MAINTENANCE_NONE, "alice", false), 0);
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	assert_int_equal(published().facts.order.origin, ORDER_LEGACY);
}

/* Or it would come to light when the legacy file goes, and nobody would end it any more. */
static void ones_own_order_ends_below_a_legacy_file(void **state) {
	(void)state;
	assert_int_equal(give(MAINTENANCE_DRAINING, "systemd", true), 0);
	touch_legacy_file();
	assert_int_equal(give(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	assert_non_null(strstr(told, files.legacy_file));
	assert_int_equal(mode(), MAINTENANCE_DISABLED);
	unlink(files.legacy_file);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_NONE);
}

static void somebody_elses_order_stays_below_a_legacy_file(void **state) {
	(void)state;
	assert_int_equal(give(MAINTENANCE_DRAINING, "alice", false), 0);
	touch_legacy_file();
	assert_int_equal(give(MAINTENANCE_NONE, "systemd", true), -EBUSY);
	unlink(files.legacy_file);
	steward_refresh(steward);
	assert_int_equal(mode(), MAINTENANCE_DRAINING);
	assert_string_equal(published().facts.order.by, "alice");
}

/* The node is out; an order that nobody would see is not left behind. */
static void no_order_is_laid_below_a_legacy_file(void **state) {
	(void)state;
	touch_legacy_file();
	assert_int_equal(give(MAINTENANCE_DRAINING, "systemd", true), -EBUSY);
	assert_int_equal(access(files.file, F_OK), -1);
}

static void without_a_file_there_is_no_order(void **state) {
	struct maintenance_files none = files;

	(void)state;
	none.file[0] = '\0';
	steward_configure(steward, &none);
	assert_int_equal(give(MAINTENANCE_DRAINING, "alice", false), -ENOTSUP);
	assert_non_null(strstr(told, "[maintenance] file"));
	steward_configure(steward, &files);
}

static void an_order_ends_by_itself(void **state) {
	struct wish wish = {.mode = MAINTENANCE_DISABLED, .by = "a", .duration = NSEC_PER_MSEC};
	struct snapshot snapshot;

	(void)state;
	assert_int_equal(give_wish(&wish), 0);
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
	assert_int_equal(give(MAINTENANCE_NONE, "alice", false), 0);
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

		assert_int_equal(give(wanted, "alice", false), 0);
		assert_int_equal(mode(), wanted);
	}
	over = 1;
	pthread_join(reader, NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_order_is_published_at_once_and_survives,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(another_file_that_cannot_be_read, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(facts_do_not_touch_the_order, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(nothing_new_is_not_published, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(somebody_elses_order_is_left_alone, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(the_legacy_file_is_nobodys_to_end, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(ones_own_order_ends_below_a_legacy_file,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(somebody_elses_order_stays_below_a_legacy_file,
						bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(no_order_is_laid_below_a_legacy_file, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(without_a_file_there_is_no_order, bench_begin,
						bench_end),
		cmocka_unit_test_setup_teardown(an_order_ends_by_itself, bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(what_others_write_is_seen, bench_begin, bench_end),
		cmocka_unit_test_setup_teardown(readings_never_undo_an_order, bench_begin,
						bench_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
