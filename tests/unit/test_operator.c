/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of clustercheckctl.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/operator.h"

static struct operator_options options;
static char storage[256];

/* Words separated by blanks, after the program's name. */
static int parse(const char *line) {
	static char copy[256];
	static char name[] = "clustercheckctl";
	static char *words[16]; /* options point into it */
	struct text error;
	int count = 1;

	words[0] = name;
	text_copy(copy, sizeof(copy), line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		words[count++] = word;
	words[count] = NULL;
	text_init(&error, storage, sizeof(storage));
	return operator_options_parse(&options, count, words, &error);
}

static void commands_and_their_switches(void **state) {
	(void)state;
	assert_int_equal(parse("status --watch"), 0);
	assert_int_equal(options.command, OPERATOR_STATUS);
	assert_true(options.watch);
	assert_int_equal(parse("explain /rw -c /x"), 0);
	assert_string_equal(options.endpoint, "/rw");
	assert_string_equal(options.config_file, "/x");
	assert_int_equal(parse("drain --reason why --for 30m --as systemd --json"), 0);
	assert_int_equal(options.command, OPERATOR_DRAIN);
	assert_string_equal(options.reason, "why");
	assert_string_equal(options.as, "systemd");
	assert_true(options.duration == 1800 * NSEC_PER_SEC);
	assert_false(options.wait);
	assert_int_equal(parse("disable --wait --polls 5 --timeout 2s --idle --no-sessions"), 0);
	assert_true(options.wait && options.idle && options.no_sessions);
	assert_int_equal(options.polls, 5);
	assert_true(options.timeout == 2 * NSEC_PER_SEC);
	assert_int_equal(parse("grants --user u --host 10.0.0.% -s /s"), 0);
	assert_string_equal(options.user, "u");
	assert_string_equal(options.host, "10.0.0.%");
	assert_string_equal(options.socket, "/s");
	assert_int_equal(parse("--wait enable"), 0);
	assert_int_equal(options.polls, 3);
	assert_true(options.timeout == 60 * NSEC_PER_SEC);
}

static void help_and_version_need_no_command(void **state) {
	(void)state;
	assert_int_equal(parse("--help"), 0);
	assert_true(options.help && !options.version);
	assert_int_equal(parse("-V"), 0);
	assert_true(options.version && !options.help);
}

/* The server's words may be any, so that notify is the first one. */
static void notify_leaves_the_words_alone(void **state) {
	(void)state;
	assert_int_equal(parse("notify --status synced --bogus --json x"), 0);
	assert_int_equal(options.command, OPERATOR_NOTIFY);
	assert_string_equal(options.words[0], "--status");
	assert_string_equal(options.words[4], "x");
	assert_null(options.words[5]);
	assert_false(options.json);
	assert_int_equal(parse("-s /path notify"), 0);
	assert_int_equal(options.command, OPERATOR_NOTIFY);
	assert_string_equal(options.socket, "/path");
	assert_null(options.words[0]);
}

static void what_is_wrong_is_named(void **state) {
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"", "expected a command"},
		{"drian", "unknown command: drian"},
		{"drain /rw", "unexpected argument: /rw"},
		{"drain --watch", "drain does not take --watch"},
		{"enable --reason x", "enable does not take --reason"},
		{"enable --wait --idle", "enable does not take --idle"},
		{"status --wait", "status does not take --wait"},
		{"drain --bogus", "unknown option: --bogus"},
		{"drain --for", "--for needs a value"},
		{"drain --for 30", "--for 30: expected a time"},
		{"drain --for 0s", "--for 0s: expected a time"},
		{"drain --for 99999h", "expected a time"},
		{"drain --wait --polls 0", "--polls 0"},
		{"drain --wait --polls 1x", "--polls 1x"},
		{"drain --wait --polls 99999", "--polls 99999"},
		{"drain --idle", "go with --wait"},
		{"drain --polls 4", "go with --wait"},
		{"drain --as 0123456789012345678901234567890123456789012345678901234567890123",
		 "--as: expected one line"},
		{"drain --reason a\tb", "--reason: expected one line"},
		{"drain --reason \xc2\x9b", "--reason: expected one line"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].line), -EINVAL);
		if (!strstr(storage, cases[i].expected))
			fail_msg("%s: %s", cases[i].line, storage);
	}
}

static void help_names_every_command_and_switch(void **state) {
	static const char *const words[] = {
		"status",   "explain", "drain",	 "disable",   "enable",	 "doctor", "haproxy",
		"--reason", "--for",   "--wait", "--timeout", "--polls", "--idle", "--no-sessions"};
	AUTO_FREE char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	operator_options_print(stream);
	fclose(stream);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(text, words[i]))
			fail_msg("no %s in: %s", words[i], text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_and_their_switches),
		cmocka_unit_test(help_and_version_need_no_command),
		cmocka_unit_test(notify_leaves_the_words_alone),
		cmocka_unit_test(what_is_wrong_is_named),
		cmocka_unit_test(help_names_every_command_and_switch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
