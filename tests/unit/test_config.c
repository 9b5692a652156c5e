/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration: its layers, what it refuses and where it says the fault is, endpoints, dump.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/option.h"

#define MS(n) ((n)*NSEC_PER_MSEC)
#define S(n) ((n)*NSEC_PER_SEC)

/* A file that exists in memory alone. */
struct file {
	int fd;
	char path[32];
};

static void file_create(struct file *file, const char *bytes, size_t length) {
	file->fd = memfd_create("clustercheckd.ini", MFD_CLOEXEC);
	assert_true(file->fd >= 0);
	assert_int_equal(write(file->fd, bytes, length), length);
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", file->fd);
}

struct layers {
	const char *file;   /* its text; NULL: none */
	size_t file_length; /* 0: strlen */
	char *const *environment;
	const char *const *arguments;
	size_t argument_count;
};

static struct config config; /* a few hundred kilobytes with its overrides */
static char error_storage[512];
static char file_path[32]; /* of the last load() */

static int load(const struct layers *layers) {
	struct config_sources sources = {
		.environment = layers->environment,
		.arguments = layers->arguments,
		.argument_count = layers->argument_count,
	};
	struct file file = {.fd = -1};
	struct text error;
	int r;

	text_init(&error, error_storage, sizeof(error_storage));
	if (layers->file) {
		file_create(&file, layers->file,
			    layers->file_length ? layers->file_length : strlen(layers->file));
		sources.file = file.path;
		sources.file_required = true;
	}
	memset(&config, 0xa5, sizeof(config)); /* a load owes nothing to the one before */
	r = config_load(&config, &sources, &error);
	strcpy(file_path, file.path);
	if (file.fd >= 0)
		close(file.fd);
	assert_int_equal(r == 0, error_storage[0] == '\0');
	assert_null(strchr(error_storage, '\n'));
	return r;
}

static int load_text(const char *text) {
	return load(&(struct layers){.file = text});
}

static int load_argument(const char *argument) {
	return load(&(struct layers){.arguments = &argument, .argument_count = 1});
}

static int load_variable(char *variable) {
	char *const environment[] = {variable, NULL};

	return load(&(struct layers){.environment = environment});
}

static void expect_loaded(const char *text) {
	if (load_text(text) != 0)
		fail_msg("refused: %s", error_storage);
}

/* The message begins "FILE:LINE: " and holds the fragment. */
static void expect_refused_bytes(const char *text, size_t length, unsigned int line,
				 const char *fragment) {
	char prefix[96];

	if (load(&(struct layers){.file = text, .file_length = length}) != -EINVAL)
		fail_msg("taken: %.80s (expected: %s)", text, fragment);
	snprintf(prefix, sizeof(prefix), "%s:%u: ", file_path, line);
	if (strncmp(error_storage, prefix, strlen(prefix)) != 0 ||
	    !strstr(error_storage + strlen(prefix), fragment))
		fail_msg("expected \"%s...%s...\", got \"%s\"", prefix, fragment, error_storage);
}

static void expect_refused(const char *text, unsigned int line, const char *fragment) {
	expect_refused_bytes(text, strlen(text), line, fragment);
}

/* --- layers --------------------------------------------------------------------------------- */

static void nothing_given_is_built_in(void **state) {
	(void)state;
	assert_int_equal(load(&(struct layers){0}), 0);
	assert_string_equal(config.file, "");
	assert_string_equal(config.mysql.user, "clustercheckuser");
	assert_string_equal(config.mysql.password, "");
	assert_int_equal(config.mysql.port, 3306);
	assert_true(config.interval == MS(500));
	assert_true(config.mysql.timeout == S(1));
	assert_true(config.policy.max_age == S(2));
	assert_true(config.login_interval == S(5));
	assert_int_equal(config.policy.dialect, DIALECT_PERCONA);
	assert_int_equal(config.policy.donor, DONOR_UNAVAILABLE);
	assert_int_equal(config.policy.read_only, ADMISSION_AVAILABLE);
	assert_int_equal(config.policy.saturated, ADMISSION_AVAILABLE);
	assert_int_equal(config.http.listen.count, 1);
	assert_string_equal(config.http.listen.items[0].text, "*:9200");
	assert_int_equal(config.http.allow.count, 0);
	assert_string_equal(config.legacy_file, "/var/tmp/clustercheck.disabled");
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	assert_false(config.http.log_requests);
	assert_false(config.mysql.standard_option_files);
	assert_false(config_is_set(&config, "mysql", "user"));
}

static void later_layers_win(void **state) {
	static const struct {
		bool file, environment, argument;
		int64_t expected;
		enum config_layer layer;
	} cases[] = {
		{false, false, false, MS(500), LAYER_BUILTIN},
		{true, false, false, MS(101), LAYER_FILE},
		{false, true, false, MS(102), LAYER_ENVIRONMENT},
		{true, true, false, MS(102), LAYER_ENVIRONMENT},
		{false, false, true, MS(103), LAYER_ARGUMENT},
		{true, false, true, MS(103), LAYER_ARGUMENT},
		{false, true, true, MS(103), LAYER_ARGUMENT},
		{true, true, true, MS(103), LAYER_ARGUMENT},
	};
	char variable[] = "CLUSTERCHECKD_MYSQL_INTERVAL=102ms";
	char *const environment[] = {variable, NULL};
	const char *const arguments[] = {"mysql.interval=103ms"};
	int index = option_find("mysql", "interval");

	(void)state;
	assert_true(index >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct layers layers = {
			.file = cases[i].file ? "[mysql]\ninterval=101ms\n" : NULL,
			.environment = cases[i].environment ? environment : NULL,
			.arguments = arguments,
			.argument_count = cases[i].argument ? 1 : 0,
		};

		assert_int_equal(load(&layers), 0);
		assert_true(config.interval == cases[i].expected);
		assert_int_equal(config.settings[index].layer, cases[i].layer);
		assert_int_equal(config_is_set(&config, "mysql", "interval"),
				 cases[i].layer != LAYER_BUILTIN);
		/* its neighbour is left alone */
		assert_true(config.mysql.timeout == S(1));
	}
}

static void every_key_of_the_file_arrives(void **state) {
	(void)state;
	expect_loaded("[mysql]\nsocket=/run/s\nport=3307\nextra_port=3308\nuser=u\npassword=p\n"
		      "defaults_file=/etc/my.cnf\ntls=verify\ntls_ca=/etc/ca.pem\n"
		      "interval=1s\ntimeout=2s\nmax_age=3s\nlogin_interval=4s\n"
		      "[policy]\ndialect=galera\ndonor=auto\nread_only=unavailable\n"
		      "min_cluster_size=2\nmax_recv_queue=3\nmax_flow_control=40%\n"
		      "saturated=unavailable\n"
		      "[http]\nlisten=127.0.0.1:80,[::1]:80\nallow=10.0.0.0/8\n"
		      "max_connections=5\ntimeout=6s\ntls_cert=/c\ntls_key=/k\n"
		      "[control]\nsocket=/run/c\ngroup=g\n"
		      "[maintenance]\nlegacy_file=\n"
		      "[log]\nlevel=debug\nrequests=yes\n");
	assert_string_equal(config.file, file_path);
	assert_string_equal(config.mysql.socket, "/run/s");
	assert_int_equal(config.mysql.port, 3307);
	assert_int_equal(config.mysql.extra_port, 3308);
	assert_string_equal(config.mysql.user, "u");
	assert_string_equal(config.mysql.password, "p");
	assert_string_equal(config.mysql.defaults_file, "/etc/my.cnf");
	assert_int_equal(config.mysql.tls, TLS_VERIFY);
	assert_string_equal(config.mysql.tls_ca, "/etc/ca.pem");
	assert_true(config.interval == S(1) && config.mysql.timeout == S(2));
	assert_true(config.policy.max_age == S(3) && config.login_interval == S(4));
	assert_int_equal(config.policy.dialect, DIALECT_GALERA);
	assert_int_equal(config.policy.donor, DONOR_AUTO);
	assert_int_equal(config.policy.read_only, ADMISSION_UNAVAILABLE);
	assert_int_equal(config.policy.min_cluster_size, 2);
	assert_int_equal(config.policy.max_recv_queue, 3);
	assert_true(config.policy.max_flow_control == 0.4);
	assert_int_equal(config.policy.saturated, ADMISSION_UNAVAILABLE);
	assert_int_equal(config.http.listen.count, 2);
	assert_int_equal(config.http.allow.count, 1);
	assert_int_equal(config.http.max_connections, 5);
	assert_true(config.http.timeout == S(6));
	assert_string_equal(config.http.tls_cert, "/c");
	assert_string_equal(config.http.tls_key, "/k");
	assert_string_equal(config.control.socket, "/run/c");
	assert_string_equal(config.control.group, "g");
	assert_string_equal(config.legacy_file, "");
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	assert_true(config.http.log_requests);
}

static void equal_sources_make_equal_bytes(void **state) {
	static struct config first;

	(void)state;
	expect_loaded("[mysql]\nuser=u\n[endpoint /x]\ndonor=auto\n");
	first = config;
	expect_loaded("[mysql]\nuser=u\n[endpoint /x]\ndonor=auto\n");
	assert_memory_equal(&first.mysql, &config.mysql, sizeof(first.mysql));
	assert_memory_equal(&first.http, &config.http, sizeof(first.http));
	assert_memory_equal(&first.endpoints, &config.endpoints, sizeof(first.endpoints));
}

/* --- the file ------------------------------------------------------------------------------- */

static void a_file_may_look_like_this(void **state) {
	static const char *const cases[] = {
		"[mysql]\nuser=x\n",
		"[mysql]\nuser=x",	 /* no newline at the end */
		"[mysql]\r\nuser=x\r\n", /* from Windows */
		"[mysql]\r\nuser=x\r",
		"\xEF\xBB\xBF[mysql]\nuser=x\n", /* with a byte order mark */
		"[mysql]\nuser = x\n",
		"[mysql]\nuser\t=\tx\t \n",
		"[mysql] \t\nuser=x\n",
		"\n\n# comment\n; comment\n  # indented comment\n \t\n[mysql]\n\nuser=x\n",
		"[mysql]\nport=1\n[policy]\n\n[mysql]\nuser=x\n", /* a section in two parts */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_loaded(cases[i]);
		assert_string_equal(config.mysql.user, "x");
	}
	expect_loaded("");
	assert_string_equal(config.mysql.user, "clustercheckuser");
	expect_loaded("\xEF\xBB\xBF");
	expect_loaded("\xEF\xBB\xBF# comment\n");
	expect_loaded("\n");
}

static void values_are_taken_as_they_are(void **state) {
	(void)state;
	expect_loaded("[mysql]\nuser=\npassword=a;b#c=d:e\"f'\n");
	assert_string_equal(config.mysql.user, "");
	assert_string_equal(config.mysql.password, "a;b#c=d:e\"f'");
	expect_loaded("[mysql]\npassword=# no comment\n");
	assert_string_equal(config.mysql.password, "# no comment");
	expect_loaded("[mysql]\npassword=\\n%s%n${x}\n");
	assert_string_equal(config.mysql.password, "\\n%s%n${x}");
}

static void the_file_is_refused_with_its_line(void **state) {
	static const struct {
		const char *text;
		unsigned int line;
		const char *fragment;
	} cases[] = {
		{"[mysql]\nuser=a\nport=1\nuser=b\n", 4, "user is set twice: first in line 2"},
		{"[mysql]\nuser=a\n[http]\n[mysql]\nuser=a\n", 5, "user is set twice"},
		{"[endpoint /x]\ndonor=auto\n\ndonor=auto\n", 4, "donor is set twice"},
		{"[bogus]\nuser=a\n", 1, "[bogus]: no such section"},
		{"[Mysql]\nuser=a\n", 1, "[Mysql]: no such section"},
		{"[ mysql ]\nuser=a\n", 1, "no such section"},
		{"[]\nuser=a\n", 1, "expected a section with a name"},
		{"[endpoint]\ndonor=auto\n", 1, "no such section"},
		{"user=a\n", 1, "expected a section with a name"},
		{"[mysql]\nuser=a # b\n", 2, "begin a comment"},
		{"[mysql]\nusr=a\n", 2, "[mysql] usr: no such key"},
		{"[mysql]\nUSER=a\n", 2, "[mysql] USER: no such key"},
		{"[mysql]\n=a\n", 2, "no such key"},
		{"[policy]\nuser=a\n", 2, "[policy] user: no such key"},
		{"[mysql]\nuser\n", 2, "expected key=value"},
		{"[mysql]\n\n\nuser a\n", 4, "expected key=value"},
		{"[mysql]\nuser: a\n", 2, "expected key=value"},
		{"[mysql]\nuser: a=b\n", 2, "expected = and not :"},
		{"[mysql]\nuser:=b\n", 2, "expected = and not :"},
		{"[mysql]\nuser=a\n port=1\n", 3, "without blanks"},
		{"[mysql]\nuser=a\n\tport=1\n", 3, "without blanks"},
		{"[mysql]\n user=a\n", 2, "without blanks"},
		{" [mysql]\nuser=a\n", 1, "without blanks"},
		{"\xEF\xBB\xBF [mysql]\n", 1, "without blanks"},
		{"[mysql]\nuser=a ;b\n", 2, "a blank and ; or # begin a comment"},
		{"[mysql]\nuser=a\t;b\n", 2, "a blank and ; or # begin a comment"},
		{"[mysql]\npassword=\"a ;b\"\n", 2, "a blank and ; or # begin a comment"},
		{"[mysql\nuser=a\n", 1, "expected ]"},
		{"[mysql] garbage\nuser=a\n", 1, "expected nothing after the section's ]"},
		{"[mysql] # comment\nuser=a\n", 1, "expected nothing after the section's ]"},
		{"[mysql]]\nuser=a\n", 1, "expected nothing after the section's ]"},
		{"[mysql]user=a\n", 1, "expected nothing after the section's ]"},
		{"[mysql]\nport=0\n", 2,
		 "[mysql] port: expected a whole number from 1 to 65535, not \"0\""},
		{"[mysql]\ninterval=500\n", 2,
		 "[mysql] interval: expected a duration with its unit (ms, s, m, h) from 10ms to "
		 "60s, not \"500\""},
		{"[policy]\ndonor=yes\n", 2,
		 "[policy] donor: expected unavailable, available or auto, not \"yes\""},
		{"[http]\n\nlisten=localhost:80\n", 3, "[http] listen: expected"},
		{"[http]\nallow=10.0.0.1/8\n", 2, "[http] allow: expected"},
		{"[mysql]\nsocket=run/s\n", 2, "[mysql] socket: expected an absolute path"},
		{"[endpoint /x]\nuser=a\n", 2,
		 "[endpoint /x] user: expected agent or a key of [policy]"},
		{"[endpoint /x]\nmax_age=1s\n", 2, "expected agent or a key of [policy]"},
		{"[endpoint /x]\ndonor=yes\n", 2, "donor: expected unavailable, available or auto"},
		/* the fault is named where the first one is */
		{"[mysql]\nport=0\nport=0\n[bogus]\nx\n", 2, "port"},
		/* the last line needs no newline to be wrong */
		{"[mysql]\nuser", 2, "expected key=value"},
		{"[mysql]\r\nuser\r\n", 2, "expected key=value"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_refused(cases[i].text, cases[i].line, cases[i].fragment);
}

/* A section without a key is as unknown as one with keys: nothing of a file is passed over. */
static void an_empty_unknown_section_is_refused(void **state) {
	(void)state;
	expect_refused("[mysql]\nuser=a\n[bogus]\n", 3, "bogus");
	expect_refused("[endpoint /live]\n", 1, "/live");
}

static void nul_bytes_are_refused(void **state) {
	static const char in_value[] = "[mysql]\nuser=a\0b\n";
	static const char in_comment[] = "# a\0b\n";
	static const char at_the_end[] = "[mysql]\nuser=a\n\0";

	(void)state;
	expect_refused_bytes(in_value, sizeof(in_value) - 1, 2, "NUL");
	expect_refused_bytes(in_comment, sizeof(in_comment) - 1, 1, "NUL");
	expect_refused_bytes(at_the_end, sizeof(at_the_end) - 1, 3, "NUL");
}

/* inih parses the rest of a line longer than its buffer as a line of its own. */
static void long_lines_are_refused(void **state) {
	char text[1024];
	char value[CONFIG_TEXT_SIZE];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[197 - strlen("user=")] = '\0';
	snprintf(text, sizeof(text), "[mysql]\nuser=%s\nport=1\n", value);
	expect_loaded(text);
	assert_string_equal(config.mysql.user, value);
	assert_int_equal(config.mysql.port, 1);
	snprintf(text, sizeof(text), "[mysql]\nuser=%s", value);
	expect_loaded(text);
	assert_string_equal(config.mysql.user, value);
	snprintf(text, sizeof(text), "[mysql]\nuser=%sx\n", value);
	expect_refused(text, 2, "too long: expected at most 197 bytes");
	snprintf(text, sizeof(text), "[mysql]\nuser=%sx", value);
	expect_refused(text, 2, "too long");
	/* whether or not it is the tail that would have been a key */
	snprintf(text, sizeof(text), "[mysql]\nuser=%sport=1\n", value);
	expect_refused(text, 2, "too long");
	snprintf(text, sizeof(text), "# %s%s\n", value, value);
	expect_refused(text, 1, "too long");
}

/* A carriage return is no part of the line. */
static void the_longest_line_may_end_in_crlf(void **state) {
	char text[512];
	char value[CONFIG_TEXT_SIZE];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[197 - strlen("user=")] = '\0';
	snprintf(text, sizeof(text), "[mysql]\r\nuser=%s\r\n", value);
	expect_loaded(text);
	assert_string_equal(config.mysql.user, value);
}

/* inih cuts names of sections at 49 bytes, so two endpoints could become one. */
static void long_section_names_are_refused(void **state) {
	char text[256], path[64];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[49 - strlen("endpoint ")] = '\0';
	snprintf(text, sizeof(text), "[endpoint %s]\ndonor=auto\n", path);
	expect_loaded(text);
	assert_non_null(endpoint_find(&config.endpoints, path));
	snprintf(text, sizeof(text), "[endpoint %sx]\ndonor=auto\n", path);
	expect_refused(text, 1, "too long: expected at most 49 bytes");
}

static void files_that_cannot_be_read(void **state) {
	struct config_sources sources = {.file = "/nonexistent/clustercheckd.ini"};
	struct text error;

	(void)state;
	text_init(&error, error_storage, sizeof(error_storage));
	assert_int_equal(config_load(&config, &sources, &error), 0);
	assert_string_equal(config.file, "");
	sources.file_required = true;
	assert_int_equal(config_load(&config, &sources, &error), -EINVAL);
	assert_string_equal(error_storage,
			    "/nonexistent/clustercheckd.ini: No such file or directory");
	text_init(&error, error_storage, sizeof(error_storage));
	sources.file = "/";
	assert_int_equal(config_load(&config, &sources, &error), -EINVAL);
	assert_non_null(strstr(error_storage, "Is a directory"));
}

/* --- the environment ------------------------------------------------------------------------ */

static void variables_are_read(void **state) {
	(void)state;
	assert_int_equal(load_variable("CLUSTERCHECKD_POLICY_DONOR=auto"), 0);
	assert_int_equal(config.policy.donor, DONOR_AUTO);
	assert_int_equal(load_variable("CLUSTERCHECKD_MYSQL_PASSWORD_FILE=/a=b"), 0);
	assert_string_equal(config.mysql.password_file, "/a=b");
	assert_string_equal(config.mysql.password, "");
	assert_int_equal(load_variable("CLUSTERCHECKD_MYSQL_USER="), 0);
	assert_string_equal(config.mysql.user, "");
	assert_true(config_is_set(&config, "mysql", "user"));
	assert_int_equal(load_variable("CLUSTERCHECKD_MYSQL_PASSWORD= a ;b "), 0);
	assert_string_equal(config.mysql.password, " a ;b ");
}

static void variables_of_others_are_passed_over(void **state) {
	static char *const names[] = {
		"PATH=/bin",
		"CLUSTERCHECK_MYSQL_USER=x",
		"CLUSTERCHECKDMYSQL_USER=x",
		"XCLUSTERCHECKD_MYSQL_USER=x",
		"clustercheckd_mysql_user=x",
		/* Kubernetes' service links, and the way of docker --link */
		"CLUSTERCHECKD_SERVICE_HOST=10.0.0.1",
		"CLUSTERCHECKD_SERVICE_PORT=9200",
		"CLUSTERCHECKD_SERVICE_PORT_HTTP=9200",
		"CLUSTERCHECKD_PORT=tcp://10.0.0.1:9200",
		"CLUSTERCHECKD_PORT_9200_TCP=tcp://10.0.0.1:9200",
		"CLUSTERCHECKD_PORT_9200_TCP_ADDR=10.0.0.1",
		"CLUSTERCHECKD_PORT_9200_TCP_PROTO=tcp",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (load_variable(names[i]) != 0)
			fail_msg("%s: %s", names[i], error_storage);
		assert_string_equal(config.mysql.user, "clustercheckuser");
		assert_int_equal(config.mysql.port, 3306);
	}
}

static void variables_are_refused(void **state) {
	static const struct {
		char *variable;
		const char *error;
	} cases[] = {
		{"CLUSTERCHECKD_MYSQL_USR=x",
		 "environment variable CLUSTERCHECKD_MYSQL_USR: no such setting"},
		{"CLUSTERCHECKD_=x", "environment variable CLUSTERCHECKD_: no such setting"},
		{"CLUSTERCHECKD_MYSQL_USER_=x",
		 "environment variable CLUSTERCHECKD_MYSQL_USER_: no such setting"},
		{"CLUSTERCHECKD_MYSQL=x",
		 "environment variable CLUSTERCHECKD_MYSQL: no such setting"},
		{"CLUSTERCHECKD_MYSQL_PORT=abc",
		 "environment variable CLUSTERCHECKD_MYSQL_PORT: [mysql] port: expected a whole "
		 "number from 1 to 65535, not \"abc\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(load_variable(cases[i].variable), -EINVAL);
		assert_string_equal(error_storage, cases[i].error);
	}
}

/* --- arguments ------------------------------------------------------------------------------ */

static void arguments_are_read(void **state) {
	const char *const twice[] = {"mysql.port=1", "mysql.port=2"};

	(void)state;
	assert_int_equal(load_argument("mysql.user=a.b=c"), 0);
	assert_string_equal(config.mysql.user, "a.b=c");
	assert_int_equal(load_argument("mysql.user="), 0);
	assert_string_equal(config.mysql.user, "");
	assert_int_equal(load(&(struct layers){.arguments = twice, .argument_count = 2}), 0);
	assert_int_equal(config.mysql.port, 2);
	assert_int_equal(load_argument("endpoint /a.b.donor=auto"), 0);
	assert_int_equal(endpoint_find(&config.endpoints, "/a.b")->policy.donor, DONOR_AUTO);
}

static void arguments_are_refused(void **state) {
	static const struct {
		const char *argument, *error;
	} cases[] = {
		{"", "-o : expected section.key=value"},
		{"mysql.port", "-o mysql.port: expected section.key=value"},
		{"port=1", "-o port: expected section.key=value"},
		{"=1", "-o : expected section.key=value"},
		{"mysql.prt=1", "-o mysql.prt: [mysql] prt: no such key; clustercheckd --help "
				"lists them"},
		{"mysql.=1", "-o mysql.: [mysql] : no such key; clustercheckd --help lists them"},
		{"mysql.port=0",
		 "-o mysql.port: [mysql] port: expected a whole number from 1 to 65535, not "
		 "\"0\""},
		{"endpoint /.donor=auto", NULL},
		{"endpoint x.donor=auto", NULL},
		{"bogus.port=1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(load_argument(cases[i].argument), -EINVAL);
		if (cases[i].error)
			assert_string_equal(error_storage, cases[i].error);
	}
}

static void secrets_stay_out_of_messages(void **state) {
	char text[512];
	char secret[CONFIG_TEXT_SIZE + 16] = "mysql.password=";

	(void)state;
	memset(secret + strlen(secret), 'Z', CONFIG_TEXT_SIZE);
	assert_int_equal(load_argument(secret), -EINVAL);
	assert_null(strchr(error_storage, 'Z'));
	expect_refused("[mysql]\npassword=ZZZ\npassword=ZZZ\n", 3, "password is set twice");
	assert_null(strchr(error_storage, 'Z'));
	expect_refused("[mysql]\npassword=ZZZ ;Z\n", 2, "password_file");
	assert_null(strchr(error_storage, 'Z'));
	snprintf(text, sizeof(text), "[mysql]\npassword=%.200s\n", strchr(secret, 'Z'));
	expect_refused(text, 2, "too long");
	assert_null(strchr(error_storage, 'Z'));
}

/* --- endpoints ------------------------------------------------------------------------------ */

static void endpoints_are_built_in(void **state) {
	const struct endpoint_list *endpoints = &config.endpoints;

	(void)state;
	expect_loaded("[policy]\ndonor=available\nread_only=unavailable\ndialect=pxc\n"
		      "min_cluster_size=3\n[mysql]\nmax_age=7s\n");
	assert_int_equal(endpoints->count, 3);
	assert_string_equal(endpoints->items[0].path, "/");
	assert_memory_equal(&endpoints->items[0].policy, &config.policy, sizeof(config.policy));
	assert_int_equal(endpoint_find(endpoints, "/rw")->policy.donor, DONOR_UNAVAILABLE);
	assert_int_equal(endpoint_find(endpoints, "/rw")->policy.read_only, ADMISSION_UNAVAILABLE);
	assert_int_equal(endpoint_find(endpoints, "/ro")->policy.donor, DONOR_AUTO);
	assert_int_equal(endpoint_find(endpoints, "/ro")->policy.read_only, ADMISSION_AVAILABLE);
	for (size_t i = 0; i < endpoints->count; i++) {
		assert_int_equal(endpoints->items[i].policy.dialect, DIALECT_PXC);
		assert_int_equal(endpoints->items[i].policy.min_cluster_size, 3);
		assert_true(endpoints->items[i].policy.max_age == S(7));
	}
	assert_null(endpoint_find(endpoints, "/r"));
	assert_null(endpoint_find(endpoints, "/ro/"));
	assert_null(endpoint_find(endpoints, ""));
}

static void endpoints_inherit_and_override(void **state) {
	const struct endpoint *endpoint;

	(void)state;
	/* inherits also what stands further down */
	expect_loaded("[endpoint /app]\ndonor=available\nmin_cluster_size=2\n"
		      "[policy]\ndialect=galera\ndonor=auto\nmax_recv_queue=9\n"
		      "[endpoint /ro]\nread_only=unavailable\n"
		      "[endpoint /app/deep-er_1.0~x]\nsaturated=unavailable\n");
	assert_int_equal(config.endpoints.count, 5);
	endpoint = endpoint_find(&config.endpoints, "/app");
	assert_non_null(endpoint);
	assert_int_equal(endpoint->policy.donor, DONOR_AVAILABLE);
	assert_int_equal(endpoint->policy.min_cluster_size, 2);
	assert_int_equal(endpoint->policy.dialect, DIALECT_GALERA);
	assert_int_equal(endpoint->policy.max_recv_queue, 9);
	assert_int_equal(config.policy.min_cluster_size, 0);
	/* a built-in one keeps what is its own, but for what is said */
	endpoint = endpoint_find(&config.endpoints, "/ro");
	assert_int_equal(endpoint->policy.read_only, ADMISSION_UNAVAILABLE);
	assert_int_equal(endpoint->policy.donor, DONOR_AUTO);
	assert_int_equal(endpoint->policy.dialect, DIALECT_GALERA);
	assert_int_equal(endpoint_find(&config.endpoints, "/")->policy.donor, DONOR_AUTO);
	endpoint = endpoint_find(&config.endpoints, "/app/deep-er_1.0~x");
	assert_int_equal(endpoint->policy.saturated, ADMISSION_UNAVAILABLE);
}

static void endpoints_take_arguments_over_the_file(void **state) {
	const char *const arguments[] = {"endpoint /x.donor=auto", "endpoint /y.donor=available"};

	(void)state;
	assert_int_equal(load(&(struct layers){.file = "[endpoint /x]\ndonor=available\n"
						       "min_cluster_size=2\n",
					       .arguments = arguments,
					       .argument_count = 2}),
			 0);
	assert_int_equal(endpoint_find(&config.endpoints, "/x")->policy.donor, DONOR_AUTO);
	assert_int_equal(endpoint_find(&config.endpoints, "/x")->policy.min_cluster_size, 2);
	assert_int_equal(endpoint_find(&config.endpoints, "/y")->policy.donor, DONOR_AVAILABLE);
}

/* "inherits [policy], overrides any of its keys": any may be none. */
static void an_endpoint_may_override_nothing(void **state) {
	(void)state;
	expect_loaded("[policy]\ndonor=auto\n[endpoint /mine]\n");
	assert_non_null(endpoint_find(&config.endpoints, "/mine"));
	assert_int_equal(endpoint_find(&config.endpoints, "/mine")->policy.donor, DONOR_AUTO);
}

static void endpoint_names_are_checked(void **state) {
	static const char *const refused[] = {
		"/live", "/status", "/metrics", "/", "x", "", "/a b", "/a?b", "/a%20b", "/\xC3\xA4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		char text[128];

		snprintf(text, sizeof(text), "\n[endpoint %s]\ndonor=auto\n", refused[i]);
		expect_refused(text, 2, "[endpoint");
	}
	expect_loaded("[endpoint /live2]\ndonor=auto\n[endpoint /status/x]\ndonor=auto\n");
}

static void endpoints_are_limited(void **state) {
	char text[2048] = "";

	(void)state;
	for (int i = 0; i < ENDPOINT_MAX - 3; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "[endpoint /e%d]\ndonor=auto\n", i);
	expect_loaded(text);
	assert_int_equal(config.endpoints.count, ENDPOINT_MAX);
	strcat(text, "[endpoint /rw]\nsaturated=available\n");
	expect_loaded(text);
	strcat(text, "[endpoint /more]\ndonor=auto\n");
	assert_int_equal(load_text(text), -EINVAL);
	assert_non_null(strstr(error_storage, ": expected at most 16 endpoints"));
}

/* Without a key of their own, and from a layer that has no sections. */
static void bare_endpoints_are_limited(void **state) {
	const char *arguments[ENDPOINT_MAX];
	char names[ENDPOINT_MAX][32];
	char text[2048] = "";

	(void)state;
	for (int i = 0; i <= ENDPOINT_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[endpoint /e%d]\n", i);
	expect_refused(text, ENDPOINT_MAX + 1, "at most 16 endpoints");
	for (int i = 0; i < ENDPOINT_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "endpoint /e%d.donor=auto", i);
		arguments[i] = names[i];
	}
	assert_int_equal(
		load(&(struct layers){.arguments = arguments, .argument_count = ENDPOINT_MAX - 3}),
		0);
	assert_int_equal(
		load(&(struct layers){.arguments = arguments, .argument_count = ENDPOINT_MAX - 2}),
		-EINVAL);
	assert_non_null(strstr(error_storage, "at most 16 endpoints"));
}

static void overrides_are_limited(void **state) {
	static const char keys[] = "dialect=pxc\ndonor=auto\nread_only=available\n"
				   "min_cluster_size=1\nmax_recv_queue=1\nmax_flow_control=1\n"
				   "saturated=available\n";
	const size_t per_endpoint = 7;
	char text[4096] = "";

	(void)state;
	for (size_t i = 0; i * per_endpoint <= CONFIG_OVERRIDE_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "[endpoint /e%zu]\n%s",
			 i, keys);
	/* 9 whole sections of 8 lines, the title of the tenth, and its second key */
	expect_refused(text, 75, "at most 64 keys in [endpoint] sections");
}

/* --- the file itself ------------------------------------------------------------------------ */

static void a_path_longer_than_any_is_refused(void **state) {
	char path[CONFIG_PATH_SIZE + 16];
	const struct config_sources sources = {.file = path, .file_required = true};
	struct text error;

	(void)state;
	memset(path, '/', sizeof(path));
	strcpy(path + sizeof(path) - sizeof("/dev/null"), "/dev/null");
	text_init(&error, error_storage, sizeof(error_storage));
	assert_int_equal(config_load(&config, &sources, &error), -EINVAL);
	assert_non_null(strstr(error_storage, "the path is too long"));
}

static void only_an_absent_file_does_not_exist(void **state) {
	char name[300];

	(void)state;
	assert_true(config_file_exists("/dev/null"));
	assert_false(config_file_exists("/nonexistent/clustercheckd.ini"));
	assert_false(config_file_exists("/dev/null/clustercheckd.ini"));
	/* ENAMETOOLONG stands for all that leaves it open */
	memset(name, 'x', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	assert_true(config_file_exists(name));
}

/* --- values together ------------------------------------------------------------------------ */

static void values_must_fit_each_other(void **state) {
	static const struct {
		const char *text, *fragment; /* NULL: fine */
	} cases[] = {
		{"[mysql]\ninterval=2s\n", "max_age: expected more than interval"},
		{"[mysql]\ninterval=1s\nmax_age=1s\n", "max_age: expected more than interval"},
		{"[mysql]\ninterval=1s\nmax_age=999ms\n", "max_age: expected more than interval"},
		{"[mysql]\ninterval=1s\nmax_age=1001ms\n", NULL},
		{"[mysql]\nsocket=/s\nhost=h\n", "socket, host: expected only one"},
		{"[mysql]\nhost=localhost\n", "not localhost"},
		{"[mysql]\nhost=LOCALHOST\nport=3307\n", "not localhost"},
		{"[mysql]\nsocket=/s\nhost=\n", NULL},
		{"[mysql]\npassword=a\npassword_file=/b\n", "password_file: expected only one"},
		{"[mysql]\npassword=\npassword_file=/b\n", NULL},
		{"[mysql]\ntls=verify\n", "expected tls_ca beside verify"},
		{"[mysql]\ntls=verify\ntls_ca=/ca\n", NULL},
		{"[mysql]\nserver_public_key=/key\n", NULL},
		{"[mysql]\ntls=required\nserver_public_key=/key\n", "expected tls=off beside"},
		{"[http]\ntls_cert=/c\n", "tls_cert, tls_key: expected both or neither"},
		{"[http]\ntls_key=/k\n", "tls_cert, tls_key: expected both or neither"},
		{"[http]\ntls_cert=/c\ntls_key=/k\n", NULL},
		{"[agent]\nlisten=127.0.0.1:1\n[endpoint /ro]\nagent=127.0.0.1:2,127.0.0.1:1\n",
		 "[agent] listen, [endpoint /ro] agent: expected 127.0.0.1:1 in only one of them"},
		{"[endpoint /a]\nagent=[0::1]:1\n[endpoint /b]\nagent=[::1]:1\n",
		 "[endpoint /a] agent, [endpoint /b] agent: expected [::1]:1 in only one"},
		{"[agent]\nlisten=[::]:9200\n",
		 "[http] listen, [agent] listen: expected *:9200 in only one of them"},
		/* which of these the kernel lets stand side by side is its own affair */
		{"[agent]\nlisten=127.0.0.1:9200\n", NULL},
		{"[agent]\nlisten=127.0.0.1:1\n[endpoint /ro]\nagent=127.0.0.2:1\n", NULL},
		{"[agent]\nlisten=127.0.0.1:1\n[endpoint /ro]\nagent=127.0.0.1:2\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (!cases[i].fragment) {
			expect_loaded(cases[i].text);
			continue;
		}
		assert_int_equal(load_text(cases[i].text), -EINVAL);
		assert_non_null(strstr(error_storage, cases[i].fragment));
		assert_ptr_equal(strstr(error_storage, file_path), error_storage);
	}
	assert_int_equal(load_argument("mysql.interval=2s"), -EINVAL);
}

/* --- the dump ------------------------------------------------------------------------------- */

static char *dump(void) {
	char *bytes = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&bytes, &size);

	assert_non_null(stream);
	config_dump(&config, stream);
	fclose(stream);
	return bytes;
}

static void dump_names_origins(void **state) {
	char variable[] = "CLUSTERCHECKD_MYSQL_USER=from-environment";
	char *const environment[] = {variable, NULL};
	const char *const arguments[] = {"policy.donor=auto", "endpoint /x.donor=available"};
	AUTO_FREE char *bytes = NULL;
	char expected[128];

	(void)state;
	assert_int_equal(load(&(struct layers){.file = "[mysql]\n\ntimeout=3s\n[endpoint /x]\n"
						       "saturated=unavailable\n",
					       .environment = environment,
					       .arguments = arguments,
					       .argument_count = 2}),
			 0);
	bytes = dump();
	assert_ptr_equal(strstr(bytes, "[mysql]\n# built-in\nsocket=\n"), bytes);
	assert_non_null(strstr(bytes, "# environment\nuser=from-environment\n"));
	snprintf(expected, sizeof(expected), "# %s:3\ntimeout=3s\n", file_path);
	assert_non_null(strstr(bytes, expected));
	assert_non_null(strstr(bytes, "\n\n[policy]\n# built-in\ndialect=percona\n"));
	assert_non_null(strstr(bytes, "# argument -o\ndonor=auto\n"));
	snprintf(expected, sizeof(expected),
		 "\n[endpoint /x]\n# %s:5\nsaturated=unavailable\n# argument -o\ndonor=available\n",
		 file_path);
	assert_non_null(strstr(bytes, expected));
}

static void dump_hides_secrets(void **state) {
	AUTO_FREE char *with = NULL;
	AUTO_FREE char *without = NULL;

	(void)state;
	expect_loaded("[mysql]\npassword=ZZZ\n");
	with = dump();
	assert_non_null(strstr(with, "\n#password=***\n"));
	assert_null(strchr(with, 'Z'));
	expect_loaded("");
	without = dump();
	assert_non_null(strstr(without, "\npassword=\n"));
}

static void dump_loads_again(void **state) {
	static struct config first;
	AUTO_FREE char *bytes = NULL;

	(void)state;
	expect_loaded("[mysql]\nhost=db\nuser=a;b#c\ninterval=0010ms\n"
		      "[policy]\nmax_flow_control=30%\n[http]\nlisten=[::]:80, 127.0.0.1:81\n"
		      "[endpoint /x]\ndonor=auto\nread_only=unavailable\n[endpoint /rw]\n"
		      "min_cluster_size=2\n[endpoint /bare]\n[log]\nlevel=error\n");
	first = config;
	bytes = dump();
	expect_loaded(bytes);
	assert_memory_equal(&first.mysql, &config.mysql, sizeof(first.mysql));
	assert_memory_equal(&first.http, &config.http, sizeof(first.http));
	assert_memory_equal(&first.policy, &config.policy, sizeof(first.policy));
	assert_memory_equal(&first.endpoints, &config.endpoints, sizeof(first.endpoints));
	assert_int_equal(first.log_level, config.log_level);
	for (size_t i = 0; i < option_count(); i++)
		assert_string_equal(first.settings[i].text, config.settings[i].text);
}

/* Each value of -o is on one line of its own, or a second key could hide in the first. */
static void dump_keeps_values_on_their_lines(void **state) {
	(void)state;
	if (load_argument("mysql.user=a\n[log]\nlevel=debug") == 0) {
		AUTO_FREE char *bytes = dump();

		assert_null(strstr(bytes, "\nlevel=debug\n"));
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_given_is_built_in),
		cmocka_unit_test(later_layers_win),
		cmocka_unit_test(every_key_of_the_file_arrives),
		cmocka_unit_test(equal_sources_make_equal_bytes),
		cmocka_unit_test(a_file_may_look_like_this),
		cmocka_unit_test(values_are_taken_as_they_are),
		cmocka_unit_test(the_file_is_refused_with_its_line),
		cmocka_unit_test(an_empty_unknown_section_is_refused),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(long_lines_are_refused),
		cmocka_unit_test(the_longest_line_may_end_in_crlf),
		cmocka_unit_test(long_section_names_are_refused),
		cmocka_unit_test(files_that_cannot_be_read),
		cmocka_unit_test(variables_are_read),
		cmocka_unit_test(variables_of_others_are_passed_over),
		cmocka_unit_test(variables_are_refused),
		cmocka_unit_test(arguments_are_read),
		cmocka_unit_test(arguments_are_refused),
		cmocka_unit_test(secrets_stay_out_of_messages),
		cmocka_unit_test(endpoints_are_built_in),
		cmocka_unit_test(endpoints_inherit_and_override),
		cmocka_unit_test(endpoints_take_arguments_over_the_file),
		cmocka_unit_test(an_endpoint_may_override_nothing),
		cmocka_unit_test(endpoint_names_are_checked),
		cmocka_unit_test(endpoints_are_limited),
		cmocka_unit_test(a_path_longer_than_any_is_refused),
		cmocka_unit_test(only_an_absent_file_does_not_exist),
		cmocka_unit_test(bare_endpoints_are_limited),
		cmocka_unit_test(overrides_are_limited),
		cmocka_unit_test(values_must_fit_each_other),
		cmocka_unit_test(dump_names_origins),
		cmocka_unit_test(dump_hides_secrets),
		cmocka_unit_test(dump_loads_again),
		cmocka_unit_test(dump_keeps_values_on_their_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
