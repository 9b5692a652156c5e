/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The old command's arguments, environment and sysconfig file, and what becomes of them.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/legacy.h"

static struct config config;
static struct legacy legacy;
static char error_storage[512];

static int begin(void **state) {
	const struct config_sources nothing = {0};
	struct text error;

	(void)state;
	unsetenv("CREDENTIALS_DIRECTORY");
	memset(&legacy, 0, sizeof(legacy));
	text_init(&error, error_storage, sizeof(error_storage));
	return config_load(&config, &nothing, &error);
}

/* Loads a configuration under the legacy settings. */
static void configure(const char *const *arguments, size_t count) {
	const struct config_sources sources = {.arguments = arguments, .argument_count = count};
	struct text error;

	text_init(&error, error_storage, sizeof(error_storage));
	assert_int_equal(config_load(&config, &sources, &error), 0);
}

static int apply(void) {
	struct text error;

	text_init(&error, error_storage, sizeof(error_storage));
	return legacy_apply(&legacy, &config, &error);
}

static const char *value_of(enum legacy_key key) {
	return legacy.is_set[key] ? legacy.values[key] : NULL;
}

static void expect(enum legacy_key key, const char *expected) {
	if (!expected)
		assert_null(value_of(key));
	else if (!value_of(key))
		fail_msg("key %d is unset, expected \"%s\"", (int)key, expected);
	else
		assert_string_equal(value_of(key), expected);
}

/* --- arguments ------------------------------------------------------------------------------ */

#define ARGUMENTS(...)                                                    \
	do {                                                              \
		static const char *const given[] = {__VA_ARGS__};         \
		memset(&legacy, 0, sizeof(legacy));                       \
		legacy_read_arguments(&legacy, ARRAY_SIZE(given), given); \
	} while (0)

static void positional_arguments(void **state) {
	(void)state;
	legacy_read_arguments(&legacy, 0, NULL);
	for (int key = 0; key < LEGACY_KEY_COUNT; key++)
		assert_false(legacy.is_set[key]);
	ARGUMENTS("u");
	expect(LEGACY_USERNAME, "u");
	expect(LEGACY_PASSWORD, NULL);
	ARGUMENTS("u", "p", "1", "/tmp/log", "0", "/etc/my.cnf");
	expect(LEGACY_USERNAME, "u");
	expect(LEGACY_PASSWORD, "p");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, "1");
	expect(LEGACY_ERR_FILE, "/tmp/log");
	expect(LEGACY_AVAILABLE_WHEN_READONLY, "0");
	expect(LEGACY_DEFAULTS_EXTRA_FILE, "/etc/my.cnf");
	expect(LEGACY_HOST, NULL);
	expect(LEGACY_PORT, NULL);
	ARGUMENTS("u", "p", "1", "/tmp/log", "0", "/etc/my.cnf", "seventh", "eighth");
	expect(LEGACY_DEFAULTS_EXTRA_FILE, "/etc/my.cnf");
	/* a user of an old release, and a password that looks like an option */
	ARGUMENTS("-clustercheckuser", "--quiet");
	expect(LEGACY_USERNAME, "-clustercheckuser");
	expect(LEGACY_PASSWORD, "--quiet");
}

static void empty_arguments(void **state) {
	(void)state;
	ARGUMENTS("", "", "", "", "", "");
	expect(LEGACY_USERNAME, "");
	expect(LEGACY_PASSWORD, "");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, NULL);
	expect(LEGACY_ERR_FILE, NULL);
	expect(LEGACY_AVAILABLE_WHEN_READONLY, NULL);
	expect(LEGACY_DEFAULTS_EXTRA_FILE, NULL);
	ARGUMENTS("", "p", "", "", "0");
	expect(LEGACY_USERNAME, "");
	expect(LEGACY_PASSWORD, "p");
	expect(LEGACY_AVAILABLE_WHEN_READONLY, "0");
}

/* PXC-4805: credentials from the option file. */
static void dash_form(void **state) {
	(void)state;
	ARGUMENTS("-");
	expect(LEGACY_USERNAME, "");
	expect(LEGACY_PASSWORD, "");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, NULL);
	ARGUMENTS("-", "1", "/tmp/log", "0", "/etc/my.cnf", "fifth");
	expect(LEGACY_USERNAME, "");
	expect(LEGACY_PASSWORD, "");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, "1");
	expect(LEGACY_ERR_FILE, "/tmp/log");
	expect(LEGACY_AVAILABLE_WHEN_READONLY, "0");
	expect(LEGACY_DEFAULTS_EXTRA_FILE, "/etc/my.cnf");
	/* only in the first place */
	ARGUMENTS("u", "-", "1");
	expect(LEGACY_USERNAME, "u");
	expect(LEGACY_PASSWORD, "-");
	ARGUMENTS("--", "1");
	expect(LEGACY_USERNAME, "--");
}

/* --- environment ---------------------------------------------------------------------------- */

static void environment_is_read(void **state) {
	static char *const environment[] = {
		"PATH=/bin",
		"MYSQL_USERNAME=u",
		"MYSQL_PASSWORD=p=q r",
		"MYSQL_HOST=db",
		"MYSQL_PORT=3307",
		"AVAILABLE_WHEN_DONOR=1",
		"AVAILABLE_WHEN_READONLY=0",
		"ERR_FILE=/tmp/log",
		"DEFAULTS_EXTRA_FILE=/etc/x.cnf",
		NULL,
	};

	(void)state;
	legacy_read_environment(&legacy, environment);
	expect(LEGACY_USERNAME, "u");
	expect(LEGACY_PASSWORD, "p=q r");
	expect(LEGACY_HOST, "db");
	expect(LEGACY_PORT, "3307");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, "1");
	expect(LEGACY_AVAILABLE_WHEN_READONLY, "0");
	expect(LEGACY_ERR_FILE, "/tmp/log");
	expect(LEGACY_DEFAULTS_EXTRA_FILE, "/etc/x.cnf");
}

static void environment_of_others_is_passed_over(void **state) {
	static char *const environment[] = {
		"MYSQL_USERNAME",
		"MYSQL_USERNAMES=x",
		"XMYSQL_USERNAME=x",
		"mysql_username=x",
		"MYSQL_USERNAME =x",
		"=MYSQL_USERNAME",
		"",
		NULL,
	};

	(void)state;
	legacy_read_environment(&legacy, NULL);
	legacy_read_environment(&legacy, environment);
	for (int key = 0; key < LEGACY_KEY_COUNT; key++)
		assert_false(legacy.is_set[key]);
}

static void empty_variables(void **state) {
	static char *const environment[] = {
		"MYSQL_PASSWORD=", "MYSQL_HOST=", "AVAILABLE_WHEN_READONLY=", "ERR_FILE=", NULL};

	(void)state;
	legacy_read_environment(&legacy, environment);
	expect(LEGACY_PASSWORD, "");
	expect(LEGACY_HOST, NULL);
	expect(LEGACY_AVAILABLE_WHEN_READONLY, NULL);
	expect(LEGACY_ERR_FILE, NULL);
	assert_null(legacy_err_file(&legacy));
}

static void later_readings_win(void **state) {
	static char *const environment[] = {"MYSQL_USERNAME=environment", "MYSQL_PASSWORD=e",
					    "AVAILABLE_WHEN_DONOR=1", NULL};
	static const char *const arguments[] = {"argument", "a", ""};
	char text[] = "MYSQL_USERNAME=file\nMYSQL_PASSWORD=f\nMYSQL_HOST=file\n";
	FILE *stream = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_non_null(stream);
	legacy_read_stream(&legacy, stream);
	fclose(stream);
	expect(LEGACY_USERNAME, "file");
	legacy_read_environment(&legacy, environment);
	expect(LEGACY_USERNAME, "environment");
	expect(LEGACY_HOST, "file");
	legacy_read_arguments(&legacy, ARRAY_SIZE(arguments), arguments);
	expect(LEGACY_USERNAME, "argument");
	expect(LEGACY_PASSWORD, "a");
	/* an empty argument is its default, whatever stood before */
	expect(LEGACY_AVAILABLE_WHEN_DONOR, NULL);
}

/* --- the sysconfig file --------------------------------------------------------------------- */

static void sysconfig_as_shell(void **state) {
	static const struct {
		const char *text, *expected; /* of MYSQL_PASSWORD; NULL: unset */
	} cases[] = {
		{"MYSQL_PASSWORD=plain\n", "plain"},
		{"MYSQL_PASSWORD=plain", "plain"},
		{"MYSQL_PASSWORD=\n", ""},
		{"MYSQL_PASSWORD=\"\"\n", ""},
		{"MYSQL_PASSWORD=''\n", ""},
		{"MYSQL_PASSWORD='single'\n", "single"},
		{"MYSQL_PASSWORD=\"double\"\n", "double"},
		{"MYSQL_PASSWORD='two words'\n", "two words"},
		{"MYSQL_PASSWORD=\"two words\"\n", "two words"},
		{"MYSQL_PASSWORD=two words\n", "two"},
		{"MYSQL_PASSWORD=a'b c'\"d e\"f\n", "ab cd ef"},
		{"MYSQL_PASSWORD='it'\\''s'\n", "it's"},
		{"MYSQL_PASSWORD=\"a'b\"\n", "a'b"},
		{"MYSQL_PASSWORD='a\"b'\n", "a\"b"},
		{"MYSQL_PASSWORD=\"a\\\"b\"\n", "a\"b"},
		{"MYSQL_PASSWORD=\"a\\\\b\"\n", "a\\b"},
		{"MYSQL_PASSWORD=\"a\\nb\"\n", "a\\nb"},
		{"MYSQL_PASSWORD=\"a\\$b\\`c\"\n", "a$b`c"},
		{"MYSQL_PASSWORD='a\\b'\n", "a\\b"},
		{"MYSQL_PASSWORD='a\\$b'\n", "a\\$b"},
		{"MYSQL_PASSWORD='a\\'\n", "a\\"},
		{"MYSQL_PASSWORD=a\\ b\n", "a b"},
		{"MYSQL_PASSWORD=a\\\\b\n", "a\\b"},
		{"MYSQL_PASSWORD=a\\;b\n", "a;b"},
		{"MYSQL_PASSWORD=a\\\nb\n", "a"},
		{"MYSQL_PASSWORD=\"a\\\nb\"\n", "a"},
		{"MYSQL_PASSWORD='a\\\nb'\n", "a\\"},
		{"MYSQL_PASSWORD=\"a\nb\"\n", "a"},
		{"MYSQL_PASSWORD=a=b\n", "a=b"},
		{"MYSQL_PASSWORD=a#b\n", "a#b"},
		{"MYSQL_PASSWORD=a # comment\n", "a"},
		{"MYSQL_PASSWORD=\"a # b\" # comment\n", "a # b"},
		{"MYSQL_PASSWORD=a;MYSQL_HOST=x\n", "a"},
		{"MYSQL_PASSWORD=plain\r\n", "plain"},
		{"MYSQL_PASSWORD=\"double\"\r\n", "double"},
		{"MYSQL_PASSWORD=\r\n", ""},
		{"export MYSQL_PASSWORD=plain\n", "plain"},
		{"export\t MYSQL_PASSWORD='two words'\n", "two words"},
		{"  MYSQL_PASSWORD=plain\n", "plain"},
		{"\tMYSQL_PASSWORD=plain\n", "plain"},
		{"MYSQL_PASSWORD=first\nMYSQL_PASSWORD=second\n", "second"},
		{"\n# comment\n\nMYSQL_PASSWORD=plain\n", "plain"},
		{"# MYSQL_PASSWORD=plain\n", NULL},
		{"#MYSQL_PASSWORD=plain\n", NULL},
		{"MYSQL_PASSWORD =plain\n", NULL},
		{"MYSQL_PASSWORD\n", NULL},
		{"exportMYSQL_PASSWORD=plain\n", NULL},
		{"MYSQL_PASSWORDS=plain\n", NULL},
		{"mysql_password=plain\n", NULL},
		{"echo MYSQL_PASSWORD=plain\n", NULL},
		{"=plain\n", NULL},
		{"", NULL},
		{"\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[128];
		FILE *stream;

		snprintf(text, sizeof(text), "%s", cases[i].text);
		stream = fmemopen(text, strlen(text) ? strlen(text) : 1, "r");
		assert_non_null(stream);
		memset(&legacy, 0, sizeof(legacy));
		legacy_read_stream(&legacy, stream);
		fclose(stream);
		if (!value_of(LEGACY_PASSWORD) != !cases[i].expected ||
		    (cases[i].expected &&
		     strcmp(value_of(LEGACY_PASSWORD), cases[i].expected) != 0))
			fail_msg("%s: got \"%s\"", cases[i].text,
				 value_of(LEGACY_PASSWORD) ? value_of(LEGACY_PASSWORD) : "(unset)");
	}
}

/* The scripts source this file; a shell would run all of these. */
static void sysconfig_is_never_executed(void **state) {
	static const struct {
		const char *line, *expected;
	} cases[] = {
		{"MYSQL_USERNAME=$(touch${IFS}%s)", "$(touch${IFS}%s)"},
		{"MYSQL_USERNAME=\"$(touch %s)\"", "$(touch %s)"},
		{"MYSQL_USERNAME=\"`touch %s`\"", "`touch %s`"},
		{"MYSQL_USERNAME=`touch %s`", "`touch"},
		{"MYSQL_USERNAME=a;touch %s", "a"},
		{"MYSQL_USERNAME=a touch %s", "a"},
		{"touch %s; MYSQL_USERNAME=a", NULL},
		{"MYSQL_USERNAME=$HOME", "$HOME"},
		{"MYSQL_USERNAME=\"${HOME}/x\"", "${HOME}/x"},
		{"MYSQL_USERNAME=~", "~"},
		{"MYSQL_USERNAME=*", "*"},
	};
	char directory[] = "/tmp/clustercheckd-unit-XXXXXX";
	char mark[64];

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(mark, sizeof(mark), "%s/mark", directory);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *place = strstr(cases[i].line, "%s");
		const char *expected = cases[i].expected;
		const char *expected_place = expected ? strstr(expected, "%s") : NULL;
		char line[128], value[128] = "";
		FILE *stream;

		snprintf(line, sizeof(line), "%.*s%s%s\n",
			 place ? (int)(place - cases[i].line) : 100, cases[i].line,
			 place ? mark : "", place ? place + 2 : "");
		if (expected)
			snprintf(value, sizeof(value), "%.*s%s%s",
				 expected_place ? (int)(expected_place - expected) : 100, expected,
				 expected_place ? mark : "",
				 expected_place ? expected_place + 2 : "");
		stream = fmemopen(line, strlen(line), "r");
		assert_non_null(stream);
		memset(&legacy, 0, sizeof(legacy));
		legacy_read_stream(&legacy, stream);
		fclose(stream);
		expect(LEGACY_USERNAME, expected ? value : NULL);
		assert_int_equal(access(mark, F_OK), -1);
	}
	rmdir(directory);
}

static void sysconfig_sets_every_key(void **state) {
	char text[] = "MYSQL_USERNAME=u\nMYSQL_PASSWORD='p'\nMYSQL_HOST=\"h\"\nMYSQL_PORT=1\n"
		      "AVAILABLE_WHEN_DONOR=1\nAVAILABLE_WHEN_READONLY=0\nERR_FILE=/e\n"
		      "DEFAULTS_EXTRA_FILE=/d\nUMASK=0\n";
	FILE *stream = fmemopen(text, strlen(text), "r");

	(void)state;
	assert_non_null(stream);
	legacy_read_stream(&legacy, stream);
	fclose(stream);
	expect(LEGACY_USERNAME, "u");
	expect(LEGACY_PASSWORD, "p");
	expect(LEGACY_HOST, "h");
	expect(LEGACY_PORT, "1");
	expect(LEGACY_AVAILABLE_WHEN_DONOR, "1");
	expect(LEGACY_AVAILABLE_WHEN_READONLY, "0");
	expect(LEGACY_ERR_FILE, "/e");
	expect(LEGACY_DEFAULTS_EXTRA_FILE, "/d");
	assert_string_equal(legacy_err_file(&legacy), "/e");
}

/* --- application ---------------------------------------------------------------------------- */

static void donor_counts_only_when_1(void **state) {
	static const struct {
		const char *value;
		enum donor_policy expected;
	} cases[] = {
		{"1", DONOR_AVAILABLE},	    {"0", DONOR_UNAVAILABLE},	{"", DONOR_UNAVAILABLE},
		{"01", DONOR_UNAVAILABLE},  {"1 ", DONOR_UNAVAILABLE},	{" 1", DONOR_UNAVAILABLE},
		{"+1", DONOR_UNAVAILABLE},  {"2", DONOR_UNAVAILABLE},	{"-1", DONOR_UNAVAILABLE},
		{"yes", DONOR_UNAVAILABLE}, {"1.0", DONOR_UNAVAILABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const arguments[] = {"u", "p", cases[i].value};

		begin(state);
		legacy_read_arguments(&legacy, ARRAY_SIZE(arguments), arguments);
		assert_int_equal(apply(), 0);
		if (config.policy.donor != cases[i].expected)
			fail_msg("\"%s\"", cases[i].value);
		assert_int_equal(endpoint_find(&config.endpoints, "/")->policy.donor,
				 cases[i].expected);
		/* the endpoints with an opinion of their own keep it */
		assert_int_equal(endpoint_find(&config.endpoints, "/rw")->policy.donor,
				 DONOR_UNAVAILABLE);
	}
}

/* puppet-galera sets -1, and means available. */
static void read_only_counts_only_when_0(void **state) {
	static const struct {
		const char *value;
		enum admission expected;
	} cases[] = {
		{"0", ADMISSION_UNAVAILABLE},  {"00", ADMISSION_UNAVAILABLE},
		{"-0", ADMISSION_UNAVAILABLE}, {"+0", ADMISSION_UNAVAILABLE},
		{"1", ADMISSION_AVAILABLE},    {"-1", ADMISSION_AVAILABLE},
		{"10", ADMISSION_AVAILABLE},   {"abc", ADMISSION_AVAILABLE},
		{"0abc", ADMISSION_AVAILABLE}, {"0.0", ADMISSION_AVAILABLE},
		{"0x0", ADMISSION_AVAILABLE},  {"", ADMISSION_AVAILABLE},
		{"no", ADMISSION_AVAILABLE},   {"99999999999999999999", ADMISSION_AVAILABLE},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *const arguments[] = {"u", "p", "0", "/dev/null", cases[i].value};

		begin(state);
		legacy_read_arguments(&legacy, ARRAY_SIZE(arguments), arguments);
		assert_int_equal(apply(), 0);
		if (config.policy.read_only != cases[i].expected)
			fail_msg("\"%s\"", cases[i].value);
		assert_int_equal(endpoint_find(&config.endpoints, "/")->policy.read_only,
				 cases[i].expected);
	}
}

static void unset_flags_leave_the_configuration(void **state) {
	static const char *const file[] = {"policy.donor=auto", "policy.read_only=unavailable"};
	static const char *const empty[] = {"u", "p", "", "", ""};

	(void)state;
	configure(file, ARRAY_SIZE(file));
	assert_int_equal(apply(), 0);
	assert_int_equal(config.policy.donor, DONOR_AUTO);
	assert_int_equal(config.policy.read_only, ADMISSION_UNAVAILABLE);
	legacy_read_arguments(&legacy, ARRAY_SIZE(empty), empty);
	assert_int_equal(apply(), 0);
	assert_int_equal(config.policy.donor, DONOR_AUTO);
	assert_int_equal(config.policy.read_only, ADMISSION_UNAVAILABLE);
}

/* The original's account, where no layer names another source of a password. */
static void account(void **state) {
	static const struct {
		const char *options[2];
		const char *arguments[2];
		const char *user, *password, *password_file;
	} cases[] = {
		{{0}, {0}, "clustercheckuser", "clustercheckpassword!", ""},
		{{0}, {"u"}, "u", "clustercheckpassword!", ""},
		{{0}, {"u", "p"}, "u", "p", ""},
		{{0}, {"", "p"}, "", "p", ""},
		{{0}, {"u", ""}, "u", "", ""},
		{{0}, {"", ""}, "", "", ""},
		{{0}, {"-"}, "", "", ""},
		{{"mysql.user=c"}, {0}, "c", "clustercheckpassword!", ""},
		{{"mysql.password=c"}, {0}, "clustercheckuser", "c", ""},
		{{"mysql.password="}, {0}, "clustercheckuser", "", ""},
		{{"mysql.password=c"}, {"u", "p"}, "u", "p", ""},
		{{"mysql.password=c"}, {"u", ""}, "u", "", ""},
		{{"mysql.password_file=/c"}, {0}, "clustercheckuser", "", "/c"},
		{{"mysql.password_file=/c"}, {"u"}, "u", "", "/c"},
		{{"mysql.password_file=/c"}, {"u", "p"}, "u", "p", ""},
		{{"mysql.password_file=/c"}, {"-"}, "", "", ""},
		{{"mysql.defaults_file=/c"}, {0}, "clustercheckuser", "", ""},
		{{"mysql.user=c", "mysql.password=d"}, {"-"}, "", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t options = 0, arguments = 0;

		while (options < 2 && cases[i].options[options])
			options++;
		while (arguments < 2 && cases[i].arguments[arguments])
			arguments++;
		begin(state);
		configure(cases[i].options, options);
		legacy_read_arguments(&legacy, arguments, cases[i].arguments);
		assert_int_equal(apply(), 0);
		if (strcmp(config.mysql.user, cases[i].user) != 0 ||
		    strcmp(config.mysql.password, cases[i].password) != 0 ||
		    strcmp(config.mysql.password_file, cases[i].password_file) != 0)
			fail_msg("case %zu: user \"%s\", password \"%s\", password_file \"%s\"", i,
				 config.mysql.user, config.mysql.password,
				 config.mysql.password_file);
	}
}

/* systemd's credential is a source too; the account then is the original's name alone. */
static void a_credential_takes_the_place_of_the_password(void **state) {
	char directory[] = "/tmp/clustercheckd-unit-XXXXXX";
	char path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(directory));
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.password, "clustercheckpassword!");
	snprintf(path, sizeof(path), "%s/mysql-password", directory);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
	begin(state);
	setenv("CREDENTIALS_DIRECTORY", directory, 1);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.user, "clustercheckuser");
	assert_string_equal(config.mysql.password, "");
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(path);
	rmdir(directory);
}

static void server(void **state) {
	static const char *const options[] = {"mysql.socket=/run/s"};
	static char *const with_host[] = {"MYSQL_HOST=db", "MYSQL_PORT=3307", NULL};
	static char *const with_port[] = {"MYSQL_PORT=3307", NULL};

	configure(options, ARRAY_SIZE(options));
	legacy_read_environment(&legacy, with_host);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.host, "db");
	assert_string_equal(config.mysql.socket, "");
	assert_int_equal(config.mysql.port, 3307);
	begin(state);
	configure(options, ARRAY_SIZE(options));
	legacy_read_environment(&legacy, with_port);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.socket, "/run/s");
	assert_int_equal(config.mysql.port, 3307);
}

/* As for the client that the script runs; the port is then passed over. */
static void localhost_is_the_socket(void **state) {
	static const char *const with_socket[] = {"mysql.socket=/run/s"};
	static const char *const with_host[] = {"mysql.host=db"};
	static char *const environment[] = {"MYSQL_HOST=localhost", "MYSQL_PORT=3307", NULL};
	static char *const capitals[] = {"MYSQL_HOST=LocalHost", NULL};

	legacy_read_environment(&legacy, environment);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.host, "");
	assert_string_equal(config.mysql.socket, "");
	begin(state);
	configure(with_socket, ARRAY_SIZE(with_socket));
	legacy_read_environment(&legacy, capitals);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.host, "");
	assert_string_equal(config.mysql.socket, "/run/s");
	begin(state);
	configure(with_host, ARRAY_SIZE(with_host));
	legacy_read_environment(&legacy, environment);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.host, "");
}

static void ports_are_checked(void **state) {
	static const struct {
		const char *value;
		uint64_t expected; /* 0: refused */
	} cases[] = {
		{"1", 1},
		{"3306", 3306},
		{"65535", 65535},
		{"0", 0},
		{"65536", 0},
		{"-1", 0},
		{"3306x", 0},
		{"x", 0},
		{"3306 ", 0},
		{"0x10", 0},
		{"3306.0", 0},
		{"99999999999999999999", 0},
		{"18446744073709551617", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char variable[64];
		char *const environment[] = {variable, NULL};

		begin(state);
		snprintf(variable, sizeof(variable), "MYSQL_PORT=%s", cases[i].value);
		legacy_read_environment(&legacy, environment);
		if (apply() != (cases[i].expected ? 0 : -EINVAL))
			fail_msg("\"%s\"", cases[i].value);
		if (cases[i].expected)
			assert_int_equal(config.mysql.port, cases[i].expected);
		else
			assert_string_equal(error_storage,
					    "MYSQL_PORT: expected a number from 1 to 65535");
	}
}

static void option_file_counts_where_readable(void **state) {
	static char *const unreadable[] = {"DEFAULTS_EXTRA_FILE=/nonexistent/my.cnf", NULL};
	static const char *const options[] = {"mysql.defaults_file=/c"};
	int fd = memfd_create("my.cnf", MFD_CLOEXEC);
	char variable[64];
	char *const readable[] = {variable, NULL};

	assert_true(fd >= 0);
	snprintf(variable, sizeof(variable), "DEFAULTS_EXTRA_FILE=/proc/self/fd/%d", fd);
	legacy_read_environment(&legacy, readable);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.defaults_file, strchr(variable, '=') + 1);
	assert_true(config.mysql.standard_option_files);

	begin(state);
	legacy_read_environment(&legacy, unreadable);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.defaults_file, "");
	assert_true(config.mysql.standard_option_files);

	/* named here, it takes the place of the configuration's, even when it cannot be read */
	begin(state);
	configure(options, ARRAY_SIZE(options));
	legacy_read_environment(&legacy, unreadable);
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.defaults_file, "");

	/* the configuration's stands, without the library's usual ones beside it */
	begin(state);
	configure(options, ARRAY_SIZE(options));
	assert_int_equal(apply(), 0);
	assert_string_equal(config.mysql.defaults_file, "/c");
	assert_false(config.mysql.standard_option_files);
	close(fd);
}

static void option_file_is_my_cnf_by_default(void **state) {
	(void)state;
	assert_int_equal(apply(), 0);
	assert_true(config.mysql.standard_option_files);
	assert_string_equal(config.mysql.defaults_file,
			    access("/etc/my.cnf", R_OK) == 0 ? "/etc/my.cnf" : "");
}

/* Half a password is a wrong one: what does not fit is refused, and never shown. */
static void long_values_are_refused(void **state) {
	static const enum legacy_key keys[] = {LEGACY_USERNAME, LEGACY_PASSWORD};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		char value[CONFIG_TEXT_SIZE + 1];
		const char *const arguments[] = {keys[i] == LEGACY_USERNAME ? value : "u",
						 keys[i] == LEGACY_PASSWORD ? value : "p"};

		memset(value, 'Z', sizeof(value));
		value[CONFIG_TEXT_SIZE - 1] = '\0';
		begin(state);
		legacy_read_arguments(&legacy, ARRAY_SIZE(arguments), arguments);
		assert_int_equal(apply(), 0);
		value[CONFIG_TEXT_SIZE - 1] = 'Z';
		value[CONFIG_TEXT_SIZE] = '\0';
		begin(state);
		legacy_read_arguments(&legacy, ARRAY_SIZE(arguments), arguments);
		assert_int_equal(apply(), -EINVAL);
		assert_null(strchr(error_storage, 'Z'));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(positional_arguments, begin),
		cmocka_unit_test_setup(empty_arguments, begin),
		cmocka_unit_test_setup(dash_form, begin),
		cmocka_unit_test_setup(environment_is_read, begin),
		cmocka_unit_test_setup(environment_of_others_is_passed_over, begin),
		cmocka_unit_test_setup(empty_variables, begin),
		cmocka_unit_test_setup(later_readings_win, begin),
		cmocka_unit_test_setup(sysconfig_as_shell, begin),
		cmocka_unit_test_setup(sysconfig_is_never_executed, begin),
		cmocka_unit_test_setup(sysconfig_sets_every_key, begin),
		cmocka_unit_test_setup(donor_counts_only_when_1, begin),
		cmocka_unit_test_setup(read_only_counts_only_when_0, begin),
		cmocka_unit_test_setup(unset_flags_leave_the_configuration, begin),
		cmocka_unit_test_setup(account, begin),
		cmocka_unit_test_setup(a_credential_takes_the_place_of_the_password, begin),
		cmocka_unit_test_setup(server, begin),
		cmocka_unit_test_setup(localhost_is_the_socket, begin),
		cmocka_unit_test_setup(ports_are_checked, begin),
		cmocka_unit_test_setup(option_file_counts_where_readable, begin),
		cmocka_unit_test_setup(option_file_is_my_cnf_by_default, begin),
		cmocka_unit_test_setup(long_values_are_refused, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
