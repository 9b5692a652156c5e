/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server's status file: what it says, whatever becomes of it, and how long it is believed.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/transfer.h"
#include "shortage.h"

#define STATUS(state, comment, total, done)                                                      \
	"\t\"status\": {\n\t\t\"state\": \"" state "\",\n\t\t\"comment\": \"" comment            \
	"\",\n\t\t\"progress\": { \"from\": 1, \"to\": 3, \"total\": " total ", \"done\": " done \
	", \"indefinite\": -1 }\n\t}\n"
#define HEAD "{\n\t\"date\": \"2026-11-24 16:15:39.057\",\n\t\"timestamp\": 1795536939.05722189,\n"
#define RECEIVING HEAD STATUS("JOINING", "Receiving SST", "1000", "420") "}\n"

/* An account that no program here runs under. */
#define NOBODY_AT_ALL 54321

/* --- the document --------------------------------------------------------------------------- */

static struct transfer transfer;

static int parse(const char *json, size_t length) {
	AUTO_FREE char *copy = malloc(length ? length : 1);

	assert_non_null(copy);
	memcpy(copy, json, length);
	memset(&transfer, 0, sizeof(transfer));
	return transfer_parse(&transfer, copy, length);
}

static int parse_text(const char *json) {
	return parse(json, strlen(json));
}

static void a_document_of_mariadb(void **state) {
	(void)state;
	assert_int_equal(parse_text(RECEIVING), 0);
	assert_string_equal(transfer.state, "JOINING");
	assert_string_equal(transfer.comment, "Receiving SST");
	assert_true(transfer.known && transfer.has_progress);
	assert_true(transfer.progress == 0.42);
	assert_int_equal(parse_text(HEAD STATUS("SYNCED", "Operational", "0", "0") "}"), 0);
	assert_false(transfer.has_progress);
	assert_int_equal(parse_text(HEAD STATUS("JOINING", "Receiving SST", "-1", "-1") "}"), 0);
	assert_false(transfer.has_progress);
	assert_int_equal(parse_text(HEAD STATUS("JOINING", "Receiving IST", "10", "11") "}"), 0);
	assert_true(transfer.has_progress && transfer.progress == 1);
	assert_int_equal(parse_text("{\"status\":{\"state\":\"JOINED\",\"comment\":\"\"}}"), 0);
	assert_false(transfer.has_progress);
}

/* A warning of the server's, in whatever character set, stands in it. */
static void a_warning_in_latin_1_hides_nothing(void **state) {
	(void)state;
	assert_int_equal(parse_text(HEAD "\"warnings\":[{\"msg\":\"schl\xe4"
					 "ft \xff\xc3\"}]," STATUS("JOINING", "Receiving SST", "-1",
								   "-1") "}"),
			 0);
	assert_string_equal(transfer.state, "JOINING");
}

static void what_is_no_such_document_is_refused(void **state) {
	static const char *const others[] = {
		"",
		"{}",
		"[]",
		"null",
		"\"status\"",
		"{\"status\":1}",
		"{\"status\":{}}",
		"{\"status\":{\"state\":1,\"comment\":\"\"}}",
		"{\"status\":{\"state\":\"JOINING\"}}",
		"{\"status\":{\"state\":\"JOINING\",\"comment\":\"a\\u001bb\"}}",
		"{\"status\":{\"state\":\"JOINING\",\"comment\":\"a\\u0000b\"}}",
		"{\"status\":{\"state\":\"J\",\"state\":\"K\",\"comment\":\"\"}}",
		"{\"status\":{\"state\":\"A word that is far longer than any\",\"comment\":\"\"}}",
		RECEIVING "x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_int_equal(parse_text(others[i]), -EINVAL);
	assert_int_equal(parse("{\"status\":\0", 11), -EINVAL);
}

static void odd_progress_is_none(void **state) {
	static const char *const odd[] = {
		"null",
		"[]",
		"{}",
		"{\"total\":\"9\",\"done\":1}",
		"7",
		"\"42\"",
		"{\"total\":9,\"done\":-1}",
		"{\"total\":-9,\"done\":1}",
	};
	char json[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
		snprintf(json, sizeof(json),
			 "{\"status\":{\"state\":\"JOINING\",\"comment\":\"c\",\"progress\":%s}}",
			 odd[i]);
		assert_int_equal(parse_text(json), 0);
		assert_false(transfer.has_progress);
	}
}

static void half_of_one_is_refused(void **state) {
	(void)state;
	for (size_t length = 0; length < strlen(RECEIVING) - 1; length++)
		assert_int_equal(parse(RECEIVING, length), -EINVAL);
}

static void deep_and_huge_ones_are_refused(void **state) {
	size_t size = 1024 * 1024;
	AUTO_FREE char *huge = malloc(size);

	(void)state;
	assert_non_null(huge);
	memset(huge, '[', size);
	assert_int_equal(parse(huge, 60000), -EINVAL);
	memset(huge, ' ', size);
	memcpy(huge, RECEIVING, strlen(RECEIVING));
	assert_int_equal(parse(huge, size), -EINVAL);
}

static void described_for_people(void **state) {
	char storage[128];
	struct text text;

	(void)state;
	assert_int_equal(parse_text(RECEIVING), 0);
	transfer.receiving = true;
	transfer.written = 5 * NSEC_PER_SEC;
	text_init(&text, storage, sizeof(storage));
	transfer_describe(&transfer, 17 * NSEC_PER_SEC, &text);
	assert_string_equal(storage,
			    "receiving state transfer, 42 % (Receiving SST), told 12.0 s ago");
	transfer.has_progress = false;
	text_init(&text, storage, sizeof(storage));
	transfer_describe(&transfer, 0, &text);
	assert_string_equal(storage, "receiving state transfer (Receiving SST), told 0 ms ago");
}

/* --- the file ------------------------------------------------------------------------------- */

static char directory[] = "/tmp/test_transfer.XXXXXX";
static char path[64], other[64];
static struct transfer_file file;

static int make_place(void **state) {
	(void)state;
	if (make_directory(directory) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/status.json", directory);
	snprintf(other, sizeof(other), "%s/status.json.XXXX", directory);
	return 0;
}

static int remove_place(void **state) {
	(void)state;
	unlink(path);
	unlink(other);
	return rmdir(directory);
}

static int begin(void **state) {
	(void)state;
	unlink(path);
	transfer_file_init(&file, path);
	return 0;
}

static void write_whole(const char *name, const char *bytes, size_t length) {
	AUTO_CLOSE int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
}

/* As the server does. */
static void replace(const char *bytes) {
	write_whole(other, bytes, strlen(bytes));
	assert_int_equal(rename(other, path), 0);
}

static const struct transfer *look_after(int64_t later) {
	return transfer_file_look(&file, clock_now() + later, clock_wall() + later);
}

static const struct transfer *look(void) {
	return look_after(0);
}

static void no_file_says_nothing(void **state) {
	static const struct transfer nothing;

	(void)state;
	assert_memory_equal(look(), &nothing, sizeof(nothing));
	transfer_file_init(&file, "");
	assert_memory_equal(look(), &nothing, sizeof(nothing));
	transfer_file_init(&file, "/no/such/directory/file");
	assert_memory_equal(look(), &nothing, sizeof(nothing));
}

static void a_file_comes_is_replaced_and_goes(void **state) {
	(void)state;
	replace(RECEIVING);
	assert_true(look()->receiving);
	assert_true(look()->progress == 0.42);
	replace(HEAD STATUS("JOINING", "Receiving SST", "1000", "500") "}");
	assert_true(look()->receiving && look()->progress == 0.5);
	replace(HEAD STATUS("SYNCED", "Operational", "0", "0") "}");
	assert_true(look()->known && !look()->receiving);
	replace(RECEIVING);
	assert_true(look()->receiving);
	assert_int_equal(unlink(path), 0);
	assert_false(look()->receiving || look()->known);
	assert_string_equal(look()->error, "");
}

/* Never so by the server, which replaces it whole. */
static void half_of_a_file_counts_as_unknown(void **state) {
	(void)state;
	replace(RECEIVING);
	assert_true(look()->receiving);
	write_whole(path, RECEIVING, strlen(RECEIVING) / 2);
	assert_false(look()->receiving || look()->known);
	assert_string_not_equal(look()->error, "");
	write_whole(path, RECEIVING, strlen(RECEIVING));
	assert_true(look()->receiving);
	assert_string_equal(look()->error, "");
	write_whole(path, "", 0);
	assert_false(look()->receiving);
}

static void what_is_no_file_is_not_read(void **state) {
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(look()->error, "not a regular file");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_string_equal(look()->error, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(path, path), 0);
	assert_string_not_equal(look()->error, "");
	assert_int_equal(unlink(path), 0);
	write_whole(path, "", 0);
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	assert_string_equal(look()->error, "too large for a wsrep_status_file");
	assert_false(look()->receiving);
}

static void an_unreadable_file_is_told(void **state) {
	(void)state;
	if (geteuid() == 0)
		skip();
	replace(RECEIVING);
	assert_int_equal(chmod(path, 0), 0);
	assert_string_equal(look()->error, "Permission denied");
	assert_int_equal(chmod(path, 0600), 0);
	assert_true(look()->receiving);
}

static void what_could_not_be_opened_is_read_later(void **state) {
	struct rlimit before, tight = {.rlim_cur = 0};

	(void)state;
	replace(RECEIVING);
	getrlimit(RLIMIT_NOFILE, &before);
	tight.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &tight);
	assert_string_equal(look()->error, strerror(EMFILE));
	setrlimit(RLIMIT_NOFILE, &before);
	assert_true(look()->receiving);
	assert_string_equal(look()->error, "");
}

/* --- how long it is believed ---------------------------------------------------------------- */

static pid_t start_listener(uid_t account, int *ready) {
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int ends[2], fd;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		fd = setuid(account) == 0 ? socket(AF_INET, SOCK_STREAM, 0) : -1;
		if (bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(fd, 1) == 0 &&
		    write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	*ready = ends[0];
	return pid;
}

/* A joiner that crashed leaves "JOINING" behind; one that lives listens. */
static void a_left_over_file_is_not_believed_for_long(void **state) {
	const int64_t second = NSEC_PER_SEC, hour = 3600 * NSEC_PER_SEC;
	AUTO_CLOSE int ready = -1;
	pid_t listener;
	char byte;

	(void)state;
	if (geteuid() != 0)
		skip();
	replace(RECEIVING);
	assert_int_equal(chown(path, NOBODY_AT_ALL, NOBODY_AT_ALL), 0);
	assert_true(look()->receiving);
	assert_true(look_after(14 * second)->receiving);
	assert_false(look_after(16 * second)->receiving);
	listener = start_listener(NOBODY_AT_ALL, &ready);
	assert_int_equal(read(ready, &byte, 1), 1);
	assert_true(look_after(16 * second)->receiving);
	assert_true(look_after(23 * hour)->receiving);
	assert_false(look_after(25 * hour)->receiving);
	assert_true(look_after(16 * second)->receiving);
	kill(listener, SIGKILL);
	assert_int_equal(waitpid(listener, NULL, 0), listener);
	assert_false(look_after(16 * second)->receiving);
	/* Written again: somebody lives. */
	replace(RECEIVING);
	assert_true(look()->receiving);
}

/* A wall clock that is behind the file's does not make it new for ever. */
static void a_file_from_the_future_grows_old(void **state) {
	const int64_t now = clock_now(), past = clock_wall() - 3600 * NSEC_PER_SEC;

	(void)state;
	if (geteuid() != 0)
		skip();
	replace(RECEIVING);
	assert_int_equal(chown(path, NOBODY_AT_ALL, NOBODY_AT_ALL), 0);
	assert_true(transfer_file_look(&file, now, past)->receiving);
	assert_true(transfer_file_look(&file, now, past)->written == now);
	assert_false(transfer_file_look(&file, now + 16 * NSEC_PER_SEC, past)->receiving);
}

static void look_without_memory(void *context) {
	const struct transfer *told;

	(void)context;
	transfer_file_init(&file, path);
	shortage_begin();
	told = look();
	shortage_end();
	if (shortage_failures() > 0) {
		assert_false(told->known || told->receiving);
		assert_string_equal(told->error, strerror(ENOMEM));
		told = look();
	}
	assert_string_equal(told->error, "");
	assert_string_equal(told->comment, "Receiving SST");
	assert_true(told->receiving && told->progress == 0.42);
}

/* A server that receives may not touch the file again for hours. */
static void what_there_was_no_memory_for_is_read_later(void **state) {
	(void)state;
	replace(RECEIVING);
	assert_true(shortage_walk(look_without_memory, NULL, false) >= 10);
	assert_true(shortage_walk(look_without_memory, NULL, true) >= 10);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_of_mariadb),
		cmocka_unit_test(a_warning_in_latin_1_hides_nothing),
		cmocka_unit_test(what_is_no_such_document_is_refused),
		cmocka_unit_test(odd_progress_is_none),
		cmocka_unit_test(half_of_one_is_refused),
		cmocka_unit_test(deep_and_huge_ones_are_refused),
		cmocka_unit_test(described_for_people),
		cmocka_unit_test_setup(no_file_says_nothing, begin),
		cmocka_unit_test_setup(a_file_comes_is_replaced_and_goes, begin),
		cmocka_unit_test_setup(half_of_a_file_counts_as_unknown, begin),
		cmocka_unit_test_setup(what_is_no_file_is_not_read, begin),
		cmocka_unit_test_setup(an_unreadable_file_is_told, begin),
		cmocka_unit_test_setup(what_could_not_be_opened_is_read_later, begin),
		cmocka_unit_test_setup(what_there_was_no_memory_for_is_read_later, begin),
		cmocka_unit_test_setup(a_left_over_file_is_not_believed_for_long, begin),
		cmocka_unit_test_setup(a_file_from_the_future_grows_old, begin),
	};

	return cmocka_run_group_tests(tests, make_place, remove_place);
}
