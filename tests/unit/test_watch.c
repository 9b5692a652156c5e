/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Watched paths: files that come, change and go, in directories that do so too.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/watch.h"

static char root[] = "/tmp/test_watch.XXXXXX";
static char directory[64], moved[64], file[80], second[80], other[80];
static struct watch *watch;

static int make_root(void **state) {
	(void)state;
	if (make_directory(root) < 0)
		return -1;
	snprintf(directory, sizeof(directory), "%s/data", root);
	snprintf(moved, sizeof(moved), "%s/data.old", root);
	snprintf(file, sizeof(file), "%s/file", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(other, sizeof(other), "%s/other", directory);
	return 0;
}

static void wipe(const char *name) {
	static const char *const files[] = {"file", "second", "other"};
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", name, files[i]);
		unlink(path);
	}
	rmdir(name);
}

static int remove_root(void **state) {
	(void)state;
	return rmdir(root);
}

static int begin(void **state) {
	(void)state;
	if (mkdir(directory, 0700) < 0 || watch_create(&watch) < 0)
		return -1;
	return watch_add(watch, file);
}

static int end(void **state) {
	(void)state;
	watch_destroy(watch);
	wipe(directory);
	wipe(moved);
	return 0;
}

static void touch(const char *path) {
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
}

static bool readable(void) {
	struct pollfd fd = {.fd = watch_descriptor(watch), .events = POLLIN};

	return poll(&fd, 1, 0) > 0;
}

static void changed(void) {
	assert_true(readable());
	assert_true(watch_take(watch));
	assert_false(watch_take(watch));
}

static void unchanged(void) {
	assert_false(watch_take(watch));
}

static void a_file_comes_changes_and_goes(void **state) {
	(void)state;
	unchanged();
	touch(file);
	changed();
	touch(file);
	changed();
	assert_int_equal(chmod(file, 0640), 0);
	changed();
	touch(other);
	unchanged();
	assert_int_equal(rename(other, file), 0);
	changed();
	assert_int_equal(rename(file, other), 0);
	changed();
	touch(other);
	assert_int_equal(unlink(other), 0);
	unchanged();
	touch(file);
	assert_int_equal(unlink(file), 0);
	changed();
}

/* Half of a file is not worth a look, and a log beside it must not wake us at each write. */
static void writing_is_seen_when_it_is_done(void **state) {
	int fd;

	(void)state;
	touch(file);
	changed();
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(write(fd, "half", 4), 4);
	assert_false(readable());
	close(fd);
	changed();
}

static void paths_of_one_directory_are_told_apart(void **state) {
	(void)state;
	assert_int_equal(watch_add(watch, second), 0);
	touch(second);
	changed();
	touch(file);
	changed();
	touch(other);
	unchanged();
	wipe(directory);
	assert_true(watch_take(watch));
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_true(watch_take(watch));
	touch(second);
	changed();
	touch(file);
	changed();
}

static void a_directory_may_be_wiped_and_made_anew(void **state) {
	(void)state;
	for (int i = 0; i < 3; i++) {
		touch(file);
		changed();
		wipe(directory);
		changed();
		assert_false(readable());
		unchanged();
		assert_int_equal(mkdir(directory, 0700), 0);
		assert_true(watch_take(watch));
		unchanged();
	}
	touch(file);
	changed();
}

static void a_directory_may_be_replaced(void **state) {
	(void)state;
	touch(file);
	changed();
	assert_int_equal(rename(directory, moved), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
	changed();
	touch(file);
	changed();
	/* The one moved away is no more ours. */
	snprintf(other, sizeof(other), "%s/file", moved);
	touch(other);
	unchanged();
	snprintf(other, sizeof(other), "%s/other", directory);
}

static void a_directory_may_come_late(void **state) {
	char late[96];

	(void)state;
	snprintf(late, sizeof(late), "%s/data.old/file", root);
	assert_int_equal(watch_add(watch, late), 0);
	unchanged();
	assert_int_equal(mkdir(moved, 0700), 0);
	assert_true(watch_take(watch));
	unchanged();
	touch(late);
	changed();
}

static void what_cannot_be_watched(void **state) {
	char path[512];

	(void)state;
	assert_int_equal(watch_add(watch, ""), 0);
	assert_int_equal(watch_add(watch, "relative"), -ENAMETOOLONG);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(watch_add(watch, path), -ENAMETOOLONG);
	/* A file where a directory should be. */
	touch(file);
	changed();
	snprintf(path, sizeof(path), "%s/deeper", file);
	for (int i = 1; i < WATCH_MAX; i++)
		assert_int_equal(watch_add(watch, path), 0);
	assert_int_equal(watch_add(watch, path), -ENOSPC);
	unchanged();
	watch_destroy(NULL);
}

/* More events than the kernel keeps. */
static void a_flood_is_one_change(void **state) {
	(void)state;
	for (int i = 0; i < 20000; i++) {
		touch(file);
		assert_int_equal(unlink(file), 0);
	}
	assert_true(watch_take(watch));
	assert_false(readable());
	touch(file);
	changed();
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_comes_changes_and_goes, begin, end),
		cmocka_unit_test_setup_teardown(writing_is_seen_when_it_is_done, begin, end),
		cmocka_unit_test_setup_teardown(paths_of_one_directory_are_told_apart, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_may_be_wiped_and_made_anew, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_may_be_replaced, begin, end),
		cmocka_unit_test_setup_teardown(a_directory_may_come_late, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_watched, begin, end),
		cmocka_unit_test_setup_teardown(a_flood_is_one_change, begin, end),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
