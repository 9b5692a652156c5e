/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files that orders stand in: written whole, read strictly, and what cannot be read disables.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/maintenance.h"

/* In place of the C library's: to fail for directories alone, as NFS and overlays may. */
static bool directories_sync = true;

int fsync(int fd) {
	struct stat status;

	if (directories_sync || (fstat(fd, &status) == 0 && !S_ISDIR(status.st_mode)))
		return 0;
	errno = EIO;
	return -1;
}

static struct maintenance_files files;
static char directory[] = "/tmp/test_maintenance.XXXXXX";

static int begin(void **state) {
	(void)state;
	if (make_directory(directory) < 0)
		return -1;
	snprintf(files.file, sizeof(files.file), "%s/maintenance", directory);
	snprintf(files.legacy_file, sizeof(files.legacy_file), "%s/disabled", directory);
	return 0;
}

static int end(void **state) {
	(void)state;
	unlink(files.file);
	rmdir(files.file);
	unlink(files.legacy_file);
	return rmdir(directory);
}

static void put(const char *path, const char *bytes, size_t length) {
	AUTO_FILE FILE *stream = fopen(path, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(bytes, 1, length, stream), length);
}

static struct order read_now(void) {
	struct order order;

	assert_int_equal(maintenance_read(&files, &order), 0);
	return order;
}

static void expect_damaged(const char *why) {
	struct order order = read_now();

	assert_int_equal(order.mode, MAINTENANCE_DISABLED);
	assert_int_equal(order.origin, ORDER_DAMAGED);
	assert_string_equal(order.file, files.file);
	if (!strstr(order.reason, why))
		fail_msg("%s: %s", why, order.reason);
}

static void no_file_is_no_order(void **state) {
	(void)state;
	assert_int_equal(read_now().mode, MAINTENANCE_NONE);
	files.file[0] = files.legacy_file[0] = '\0';
	assert_int_equal(read_now().mode, MAINTENANCE_NONE);
	begin(state);
}

static void an_order_is_written_and_taken_away(void **state) {
	const struct order order = {.mode = MAINTENANCE_DRAINING,
				    .origin = ORDER_GIVEN,
				    .by = "alice",
				    .reason = "why not"};
	char storage[256];
	struct text error;
	struct order again;
	struct stat status;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	umask(077);
	assert_int_equal(maintenance_write(files.file, &order, &error), 0);
	again = read_now();
	assert_string_equal(again.by, "alice");
	assert_string_equal(again.file, files.file);
	/* the one-shot command runs as nobody */
	assert_int_equal(stat(files.file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0644);
	assert_int_equal(maintenance_remove(files.file, &error), 0);
	assert_int_equal(read_now().mode, MAINTENANCE_NONE);
	assert_int_equal(maintenance_remove(files.file, &error), 0);
}

static void a_place_that_cannot_be_written_is_named(void **state) {
	const struct order order = {.mode = MAINTENANCE_DRAINING};
	char storage[256];
	struct text error;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	assert_int_equal(maintenance_write("/proc/nowhere/maintenance", &order, &error), -ENOENT);
	assert_non_null(strstr(storage, "/proc/nowhere/maintenance"));
}

/* It is so already: only a crash of the host may undo it. */
static void what_is_not_synced_counts(void **state) {
	const struct order order = {
		.mode = MAINTENANCE_DRAINING, .origin = ORDER_GIVEN, .by = "alice"};
	char storage[256];
	struct text error;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	directories_sync = false;
	assert_int_equal(maintenance_write(files.file, &order, &error), 0);
	assert_string_equal(read_now().by, "alice");
	assert_int_equal(maintenance_remove(files.file, &error), 0);
	assert_int_equal(read_now().mode, MAINTENANCE_NONE);
	assert_string_equal(storage, "");
	directories_sync = true;
}

/* The full disk of a write that fails in the middle: what stood there stands. */
static void a_write_that_fails_leaves_the_old_order(void **state) {
	struct rlimit before, tight = {.rlim_cur = 0};
	struct order order = {.mode = MAINTENANCE_DISABLED, .origin = ORDER_GIVEN, .by = "first"};
	char storage[256];
	struct text error;

	(void)state;
	text_init(&error, storage, sizeof(storage));
	assert_int_equal(maintenance_write(files.file, &order, &error), 0);
	getrlimit(RLIMIT_FSIZE, &before);
	tight.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_FSIZE, &tight);
	strcpy(order.by, "second");
	assert_int_equal(maintenance_write(files.file, &order, &error), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_string_equal(read_now().by, "first");
}

static void what_is_damaged_disables(void **state) {
	char large[ORDER_TEXT_SIZE + 10];

	(void)state;
	put(files.file, "", 0);
	expect_damaged("no JSON");
	put(files.file, "{\"version\": 1, \"order\": \"dra", 28);
	expect_damaged("no JSON");
	put(files.file, "\0\0\0\0", 4);
	expect_damaged("no JSON");
	memset(large, ' ', sizeof(large));
	put(files.file, large, sizeof(large));
	expect_damaged("larger");
	unlink(files.file);
	assert_int_equal(mkdir(files.file, 0700), 0);
	expect_damaged("no ordinary file");
	rmdir(files.file);
	assert_int_equal(mkfifo(files.file, 0600), 0);
	expect_damaged("no ordinary file");
	unlink(files.file);
	assert_int_equal(symlink("maintenance", files.file), 0);
	expect_damaged("symbolic links");
}

static void the_legacy_file_comes_first(void **state) {
	struct order order;

	(void)state;
	put(files.legacy_file, "", 0);
	put(files.file, "{\"version\": 1, \"order\": \"drain\"}", 32);
	order = read_now();
	assert_int_equal(order.mode, MAINTENANCE_DISABLED);
	assert_int_equal(order.origin, ORDER_LEGACY);
	assert_string_equal(order.file, files.legacy_file);
	unlink(files.legacy_file);
	assert_int_equal(read_now().mode, MAINTENANCE_DRAINING);
}

static void want_of_descriptors_is_told_apart(void **state) {
	struct rlimit before, tight;
	struct order order;
	int r;

	(void)state;
	put(files.file, "", 0); /* valgrind looks at the limit only after opening */
	getrlimit(RLIMIT_NOFILE, &before);
	tight = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	/* cmocka may have opened some */
	assert_int_equal(dup2(1, 3), 3);
	setrlimit(RLIMIT_NOFILE, &tight);
	r = maintenance_read(&files, &order);
	setrlimit(RLIMIT_NOFILE, &before);
	close(3);
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(order.mode, MAINTENANCE_DISABLED);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_file_is_no_order, begin, end),
		cmocka_unit_test_setup_teardown(an_order_is_written_and_taken_away, begin, end),
		cmocka_unit_test(a_place_that_cannot_be_written_is_named),
		cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_the_old_order, begin,
						end),
		cmocka_unit_test_setup_teardown(what_is_not_synced_counts, begin, end),
		cmocka_unit_test_setup_teardown(what_is_damaged_disables, begin, end),
		cmocka_unit_test_setup_teardown(the_legacy_file_comes_first, begin, end),
		cmocka_unit_test_setup_teardown(want_of_descriptors_is_told_apart, begin, end),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
