/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of check_galera.
 */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/plugin.h"
#include "printed.h"

static struct plugin_options options;
static char error[512];

/* Words are separated by single blanks. */
static int parse(const char *line) {
	static char copy[512];
	char *argv[32] = {"check_galera"};
	char *rest = copy;
	struct text text;
	int argc = 1;

	text_copy(copy, sizeof(copy), line);
	for (char *word; line[0] && (word = strsep(&rest, " "));)
		argv[argc++] = word;
	text_init(&text, error, sizeof(error));
	return plugin_options_parse(&options, argc, argv, &text);
}

static void nothing_is_a_good_command_line(void **state) {
	(void)state;
	assert_int_equal(parse(""), 0);
	assert_int_equal(options.timeout, 10 * NSEC_PER_SEC);
	assert_string_equal(options.url.host, "");
	assert_null(options.control);
	assert_false(options.limits.donor.is_set);
	assert_false(options.limits.size.warning.is_set);
}

static void options_are_taken(void **state) {
	(void)state;
	assert_int_equal(
		parse("-s /a -u b -d c --password-file d -w 2: --critical=@1 -vv -v -t 2.5 "
		      "--donor OK --read-only critical --expected-size 3 -P 3307"),
		0);
	assert_string_equal(options.socket, "/a");
	assert_string_equal(options.user, "b");
	assert_string_equal(options.defaults_file, "c");
	assert_string_equal(options.password_file, "d");
	assert_string_equal(options.limits.size.warning.text, "2:");
	assert_string_equal(options.limits.size.critical.text, "@1");
	assert_int_equal(options.verbosity, 3);
	assert_int_equal(options.timeout, 2500 * NSEC_PER_MSEC);
	assert_true(options.limits.donor.is_set);
	assert_int_equal(options.limits.donor.state, NAGIOS_OK);
	assert_int_equal(options.limits.read_only.state, NAGIOS_CRITICAL);
	assert_int_equal(options.limits.expected_size, 3);
	assert_int_equal(options.port, 3307);
}

static void flags_are_taken(void **state) {
	(void)state;
	assert_int_equal(parse("-h"), 0);
	assert_true(options.help && !options.version);
	assert_int_equal(parse("--version"), 0);
	assert_true(options.version && !options.help);
}

static void control_may_have_a_value(void **state) {
	static const struct {
		const char *line, *socket;
	} cases[] = {
		{"--control", ""},	{"--control -v", ""},	      {"--control /a", "/a"},
		{"--control=/a", "/a"}, {"-v --control /a -v", "/a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].line), 0);
		assert_string_equal(options.control, cases[i].socket);
	}
}

static void urls_are_taken_apart(void **state) {
	static const struct {
		const char *line, *host, *port, *path;
	} cases[] = {
		{"--url http://node1", "node1", "80", ""},
		{"--url http://node1/", "node1", "80", "/"},
		{"--url http://node1:9200", "node1", "9200", ""},
		{"--url http://node1.example:9200/rw", "node1.example", "9200", "/rw"},
		{"--url=http://192.0.2.1:1/a/b", "192.0.2.1", "1", "/a/b"},
		{"--url http://[::1]", "::1", "80", ""},
		{"--url http://[2001:db8::7]:65535/ro", "2001:db8::7", "65535", "/ro"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (parse(cases[i].line) != 0)
			fail_msg("%s is refused: %s", cases[i].line, error);
		assert_string_equal(options.url.host, cases[i].host);
		assert_string_equal(options.url.port, cases[i].port);
		assert_string_equal(options.url.path, cases[i].path);
	}
}

static void urls_are_refused(void **state) {
	static const char *const cases[] = {
		"node1:9200",
		"http://",
		"http:///",
		"http://:9200/",
		"https://node1/",
		"http://node1:/",
		"http://node1:65536/",
		"http://node1:http",
		"http://node1:920011",
		"http://a@node1/",
		"http://node1?a",
		"http://node1#a",
		"http://[::1",
		"http://[]/",
		"http://[node1]/",
		"http://[::1]9200",
		"http://[fe80::1%lo]/",
		"ftp://node1/",
		"http://node1/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	};
	char line[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		snprintf(line, sizeof(line), "--url %s", cases[i]);
		if (parse(line) != -EINVAL)
			fail_msg("%s is taken", cases[i]);
		assert_non_null(strstr(error, "expected http://HOST:PORT/ENDPOINT"));
	}
}

static void mistakes_are_named(void **state) {
	static const struct {
		const char *line, *part;
	} cases[] = {
		{"-w", "-w needs a value"},
		{"--donor", "--donor needs a value"},
		{"-w 5:1", "--warning: expected a range like 10, 10:, ~:10, 10:20 or @10:20, not"},
		{"--donor maybe", "expected ok, warning or critical, not \"maybe\""},
		{"-t 0", "expected seconds from 0.1 to 3600"},
		{"-t 1e9", "expected seconds"},
		{"-t 1.2.3", "expected seconds"},
		{"-P 0", "expected a whole number from 1 to 65535"},
		{"-P 99999", "expected a whole number"},
		{"--expected-size +3", "expected a whole number"},
		{"--nonsense", "unknown option --nonsense"},
		{"-v extra", "unexpected argument extra"},
		{"-p secret", "use --password-file or --defaults-file"},
		{"-psecret", "use --password-file or --defaults-file"},
		{"-H a -s /b", "expected only one"},
		{"--url http://a/ --control", "expected only one"},
		{"--url http://a/ -s /b", "no database is asked"},
		{"--control -u b", "no database is asked"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse(cases[i].line), -EINVAL);
		if (!strstr(error, cases[i].part))
			fail_msg("%s: no \"%s\" in \"%s\"", cases[i].line, cases[i].part, error);
		assert_null(strstr(error, "secret"));
	}
}

static void help_names_every_option(void **state) {
	static const char *const words[] = {"-H, --host", "-s, --socket",   "-w, --warning",
					    "   --donor", "   --control",   "[@]START:END",
					    "-h, --help", "--password-file"};
	AUTO_FREE char *text = NULL;
	struct printed printed;

	(void)state;
	plugin_options_print(printed_begin(&printed));
	text = printed_finish(&printed);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!strstr(text, words[i]))
			fail_msg("no %s in: %s", words[i], text);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_a_good_command_line),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(flags_are_taken),
		cmocka_unit_test(control_may_have_a_value),
		cmocka_unit_test(urls_are_taken_apart),
		cmocka_unit_test(urls_are_refused),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(help_names_every_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
