/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option ledger: one table per type of what is accepted and what is not.
 */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/option.h"

#define MS(n) ((n)*NSEC_PER_MSEC)
#define S(n) ((n)*NSEC_PER_SEC)

static const struct config_option *find(const char *section, const char *key) {
	int index = option_find(section, key);

	assert_true(index >= 0);
	return option_at((size_t)index);
}

/* --- durations ------------------------------------------------------------------------------ */

static void durations(void **state) {
	static const struct {
		const char *key, *value;
		int64_t expected; /* -1: refused */
	} cases[] = {
		{"interval", "500ms", MS(500)},
		{"interval", "2s", S(2)},
		{"interval", "1m", S(60)},
		{"interval", "0010ms", MS(10)},
		{"interval", "10ms", MS(10)},
		{"interval", "9ms", -1},
		{"interval", "60s", S(60)},
		{"interval", "60000ms", S(60)},
		{"interval", "61s", -1},
		{"interval", "60001ms", -1},
		{"interval", "2m", -1},
		{"interval", "1h", -1},
		{"interval", "0s", -1},
		{"interval", "0ms", -1},
		{"interval", "", -1},
		{"interval", "500", -1},
		{"interval", "ms", -1},
		{"interval", "s", -1},
		{"interval", "-1s", -1},
		{"interval", "+1s", -1},
		{"interval", "1.5s", -1},
		{"interval", "1 s", -1},
		{"interval", " 1s", -1},
		{"interval", "1s ", -1},
		{"interval", "1S", -1},
		{"interval", "1sec", -1},
		{"interval", "1us", -1},
		{"interval", "1d", -1},
		{"interval", "0x1s", -1},
		{"interval", "1e1s", -1},
		{"interval", "1s1s", -1},
		{"interval", "9999999999ms", -1},
		{"max_age", "20ms", MS(20)},
		{"max_age", "19ms", -1},
		{"max_age", "300s", S(300)},
		{"max_age", "5m", S(300)},
		{"max_age", "301s", -1},
		{"timeout", "10ms", MS(10)},
		{"timeout", "9ms", -1},
		{"timeout", "1m", S(60)},
		{"timeout", "61s", -1},
		{"login_interval", "100ms", MS(100)},
		{"login_interval", "99ms", -1},
		{"login_interval", "1h", S(3600)},
		{"login_interval", "60m", S(3600)},
		{"login_interval", "3601s", -1},
		/* these pass 2^64 nanoseconds, and would come back as 51 s and 26 s */
		{"interval", "302321639h", -1},
		{"interval", "307445735m", -1},
		{"interval", "999999999h", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = -1;
		int r = option_parse(find("mysql", cases[i].key), cases[i].value, &value);

		if (r != (cases[i].expected < 0 ? -EINVAL : 0) ||
		    (r == 0 && value != cases[i].expected))
			fail_msg("%s=%s: %d, %lld", cases[i].key, cases[i].value, r,
				 (long long)value);
	}
}

static void http_timeout_is_at_least_a_second(void **state) {
	int64_t value;

	(void)state;
	assert_int_equal(option_parse(find("http", "timeout"), "1s", &value), 0);
	assert_true(value == S(1));
	assert_int_equal(option_parse(find("http", "timeout"), "999ms", &value), -EINVAL);
	assert_int_equal(option_parse(find("http", "timeout"), "3600s", &value), 0);
	assert_int_equal(option_parse(find("http", "timeout"), "3601s", &value), -EINVAL);
}

/* --- counts --------------------------------------------------------------------------------- */

static void counts(void **state) {
	static const struct {
		const char *section, *key, *value;
		int64_t expected; /* -1: refused */
	} cases[] = {
		{"mysql", "port", "1", 1},
		{"mysql", "port", "0", -1},
		{"mysql", "port", "65535", 65535},
		{"mysql", "port", "65536", -1},
		{"mysql", "port", "03306", 3306},
		{"mysql", "port", "", -1},
		{"mysql", "port", " 3306", -1},
		{"mysql", "port", "3306 ", -1},
		{"mysql", "port", "-1", -1},
		{"mysql", "port", "+1", -1},
		{"mysql", "port", "0x10", -1},
		{"mysql", "port", "1e3", -1},
		{"mysql", "port", "1.0", -1},
		{"mysql", "port", "mysql", -1},
		{"mysql", "extra_port", "0", 0},
		{"mysql", "extra_port", "65535", 65535},
		{"mysql", "extra_port", "65536", -1},
		{"policy", "min_cluster_size", "0", 0},
		{"policy", "min_cluster_size", "1000", 1000},
		{"policy", "min_cluster_size", "1001", -1},
		{"policy", "max_recv_queue", "0", 0},
		{"policy", "max_recv_queue", "1000000000", 1000000000},
		{"policy", "max_recv_queue", "1000000001", -1},
		{"policy", "max_recv_queue", "18446744073709551615", -1},
		{"policy", "max_recv_queue", "18446744073709551616", -1},
		{"policy", "max_recv_queue", "9223372036854775808", -1},
		{"http", "max_connections", "1", 1},
		{"http", "max_connections", "0", -1},
		{"http", "max_connections", "100000", 100000},
		{"http", "max_connections", "100001", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 4711;
		int r = option_parse(find(cases[i].section, cases[i].key), cases[i].value, &value);

		if (r != (cases[i].expected < 0 ? -EINVAL : 0) ||
		    (r == 0 && value != (uint64_t)cases[i].expected))
			fail_msg("%s=%s: %d, %llu", cases[i].key, cases[i].value, r,
				 (unsigned long long)value);
	}
}

/* --- shares --------------------------------------------------------------------------------- */

static void shares(void **state) {
	static const struct {
		const char *value;
		double expected; /* < 0: refused */
	} cases[] = {
		{"0", 0},	{"1", 1},      {"1.0", 1},	  {"0.25", 0.25},  {".5", 0.5},
		{"0%", 0},	{"100%", 1},   {"25%", 0.25},	  {"0.5%", 0.005}, {"1.", 1},
		{"", -1},	{"%", -1},     {".", -1},	  {"1.01", -1},	   {"101%", -1},
		{"100.1%", -1}, {"2", -1},     {"-0.1", -1},	  {"+0.1", -1},	   {"0,5", -1},
		{" 0.5", -1},	{"0.5 ", -1},  {"50 %", -1},	  {"50%%", -1},	   {"5%0", -1},
		{"%50", -1},	{"0.5.5", -1}, {"1e-1", -1},	  {"0x1", -1},	   {"nan", -1},
		{"inf", -1},	{"half", -1},  {"99999999%", -1},
	};
	const struct config_option *option = find("policy", "max_flow_control");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double value = -1, off;
		int r = option_parse(option, cases[i].value, &value);

		off = value - cases[i].expected;
		if (r != (cases[i].expected < 0 ? -EINVAL : 0) ||
		    (r == 0 && (off > 1e-12 || off < -1e-12)))
			fail_msg("\"%s\": %d, %g", cases[i].value, r, value);
	}
}

/* --- words, flags, levels ------------------------------------------------------------------- */

static void words(void **state) {
	static const struct {
		const char *section, *key, *value;
		int expected; /* -1: refused */
	} cases[] = {
		{"policy", "dialect", "percona", DIALECT_PERCONA},
		{"policy", "dialect", "pxc", DIALECT_PXC},
		{"policy", "dialect", "galera", DIALECT_GALERA},
		{"policy", "dialect", "Percona", -1},
		{"policy", "dialect", "", -1},
		{"policy", "dialect", "percona ", -1},
		{"policy", "dialect", "perconagalera", -1},
		{"policy", "dialect", "0", -1},
		{"policy", "donor", "unavailable", DONOR_UNAVAILABLE},
		{"policy", "donor", "available", DONOR_AVAILABLE},
		{"policy", "donor", "auto", DONOR_AUTO},
		{"policy", "donor", "yes", -1},
		{"policy", "donor", "1", -1},
		{"policy", "read_only", "available", ADMISSION_AVAILABLE},
		{"policy", "read_only", "unavailable", ADMISSION_UNAVAILABLE},
		{"policy", "read_only", "auto", -1},
		{"policy", "saturated", "available", ADMISSION_AVAILABLE},
		{"policy", "saturated", "unavailable", ADMISSION_UNAVAILABLE},
		{"policy", "saturated", "avail", -1},
		{"mysql", "tls", "off", TLS_OFF},
		{"mysql", "tls", "preferred", TLS_PREFERRED},
		{"mysql", "tls", "required", TLS_REQUIRED},
		{"mysql", "tls", "verify", TLS_VERIFY},
		{"mysql", "tls", "on", -1},
		{"mysql", "tls", "no", -1},
		{"log", "level", "error", LOG_LEVEL_ERROR},
		{"log", "level", "warning", LOG_LEVEL_WARNING},
		{"log", "level", "info", LOG_LEVEL_INFO},
		{"log", "level", "debug", LOG_LEVEL_DEBUG},
		{"log", "level", "notice", -1},
		{"log", "level", "7", -1},
		{"log", "level", "", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct config_option *option = find(cases[i].section, cases[i].key);
		unsigned int value = 4711;
		int r = option_parse(option, cases[i].value, &value);

		assert_int_equal(option->size, sizeof(value));
		if (r != (cases[i].expected < 0 ? -EINVAL : 0) ||
		    (r == 0 && value != (unsigned int)cases[i].expected))
			fail_msg("%s=%s: %d, %u", cases[i].key, cases[i].value, r, value);
	}
}

static void flags(void **state) {
	static const char *const refused[] = {"", "YES", "true", "false", "on", "1", "0", "yes "};
	const struct config_option *option = find("log", "requests");
	bool value = false;

	(void)state;
	assert_int_equal(option_parse(option, "yes", &value), 0);
	assert_true(value);
	assert_int_equal(option_parse(option, "no", &value), 0);
	assert_false(value);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(option_parse(option, refused[i], &value), -EINVAL);
}

/* --- texts and paths ------------------------------------------------------------------------ */

static void texts_are_kept_or_refused_whole(void **state) {
	const struct config_option *option = find("mysql", "host");
	char value[CONFIG_TEXT_SIZE], written[CONFIG_TEXT_SIZE + 1];

	(void)state;
	assert_int_equal(option_parse(option, "", value), 0);
	assert_string_equal(value, "");
	assert_int_equal(option_parse(option, " a=b;#\"c\" ", value), 0);
	assert_string_equal(value, " a=b;#\"c\" ");
	memset(written, 'x', sizeof(written));
	written[CONFIG_TEXT_SIZE - 1] = '\0';
	assert_int_equal(option_parse(option, written, value), 0);
	assert_string_equal(value, written);
	written[CONFIG_TEXT_SIZE - 1] = 'x';
	written[CONFIG_TEXT_SIZE] = '\0';
	assert_int_equal(option_parse(option, written, value), -EINVAL);
}

/* The path of a Unix socket has 107 bytes at most (unix(7)), and must not be cut. */
static void paths_are_absolute_or_nothing(void **state) {
	const struct config_option *option = find("mysql", "socket");
	char value[108], written[109];

	(void)state;
	assert_int_equal(option->size, sizeof(value));
	assert_int_equal(option_parse(option, "", value), 0);
	assert_string_equal(value, "");
	assert_int_equal(option_parse(option, "/", value), 0);
	assert_int_equal(option_parse(option, "/run/mysqld/mysqld.sock", value), 0);
	assert_string_equal(value, "/run/mysqld/mysqld.sock");
	assert_int_equal(option_parse(option, "run/mysqld.sock", value), -EINVAL);
	assert_int_equal(option_parse(option, "./mysqld.sock", value), -EINVAL);
	assert_int_equal(option_parse(option, " /run/mysqld.sock", value), -EINVAL);
	assert_int_equal(option_parse(option, "~/mysqld.sock", value), -EINVAL);
	memset(written, '/', sizeof(written));
	written[107] = '\0';
	assert_int_equal(option_parse(option, written, value), 0);
	assert_string_equal(value, written);
	written[107] = '/';
	written[108] = '\0';
	assert_int_equal(option_parse(option, written, value), -EINVAL);
}

/* --- the ledger itself ---------------------------------------------------------------------- */

static void every_default_is_valid(void **state) {
	static struct config config;

	(void)state;
	assert_true(option_count() > 0);
	for (size_t i = 0; i < option_count(); i++) {
		const struct config_option *option = option_at(i);

		if (option_parse(option, option->fallback, (char *)&config + option->offset) != 0)
			fail_msg("[%s] %s=%s is refused", option->section, option->key,
				 option->fallback);
	}
}

/* The numbers and words that README, man pages and other programs rely on. */
static void the_defaults_are_those_of_the_contract(void **state) {
	static const struct {
		const char *section, *key, *value;
	} contract[] = {
		{"mysql", "socket", ""},
		{"mysql", "host", ""},
		{"mysql", "port", "3306"},
		{"mysql", "user", "clustercheckuser"},
		{"mysql", "password", ""},
		{"mysql", "tls", "off"},
		{"mysql", "interval", "500ms"},
		{"mysql", "timeout", "1s"},
		{"mysql", "max_age", "2s"},
		{"mysql", "login_interval", "5s"},
		{"policy", "dialect", "percona"},
		{"policy", "donor", "unavailable"},
		{"policy", "read_only", "available"},
		{"policy", "min_cluster_size", "0"},
		{"policy", "max_recv_queue", "0"},
		{"policy", "max_flow_control", "0"},
		{"policy", "saturated", "available"},
		{"http", "listen", "*:9200"},
		{"http", "allow", ""},
		{"control", "socket", "/run/clustercheckd/control.sock"},
		{"maintenance", "legacy_file", "/var/tmp/clustercheck.disabled"},
		{"log", "level", "info"},
		{"log", "requests", "no"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++)
		assert_string_equal(find(contract[i].section, contract[i].key)->fallback,
				    contract[i].value);
}

static void rows_are_complete_and_unique(void **state) {
	(void)state;
	for (size_t i = 0; i < option_count(); i++) {
		const struct config_option *option = option_at(i);

		/* a second row of the same name would hide behind the first */
		assert_int_equal(option_find(option->section, option->key), i);
		assert_true(option_section_exists(option->section) ||
			    option_is_of_endpoint(option));
		assert_true(strlen(option->help) > 0);
		assert_true(option->size > 0);
		assert_true(option->offset + option->size <= sizeof(struct config));
	}
	assert_true(find("mysql", "password")->secret);
	assert_int_equal(option_find("mysql", "no_such_key"), -ENOENT);
	assert_int_equal(option_find("policy", "port"), -ENOENT);
	assert_int_equal(option_find("", ""), -ENOENT);
	assert_false(option_section_exists("Mysql"));
	assert_false(option_section_exists(""));
}

static void expectations_name_the_range(void **state) {
	static const struct {
		const char *section, *key, *expected;
	} cases[] = {
		{"mysql", "host", "a text of at most 255 bytes"},
		{"mysql", "socket", "an absolute path of at most 107 bytes, or nothing"},
		{"mysql", "port", "a whole number from 1 to 65535"},
		{"mysql", "extra_port", "a whole number from 0 to 65535"},
		{"mysql", "interval", "a duration with its unit (ms, s, m, h) from 10ms to 60s"},
		{"mysql", "max_age", "a duration with its unit (ms, s, m, h) from 20ms to 300s"},
		{"http", "timeout", "a duration with its unit (ms, s, m, h) from 1s to 3600s"},
		{"policy", "max_flow_control", "a share from 0 to 1, or from 0% to 100%"},
		{"policy", "donor", "unavailable, available or auto"},
		{"policy", "read_only", "unavailable or available"},
		{"mysql", "tls", "off, preferred, required or verify"},
		{"log", "level", "error, warning, info or debug"},
		{"log", "requests", "no or yes"},
		{"http", "listen",
		 "at most 8 numeric addresses with port, separated by commas, like *:9200, "
		 "127.0.0.1:9200 or [::1]:9200"},
		{"http", "allow",
		 "at most 64 networks without host bits, separated by commas, like 10.0.0.0/8, "
		 "192.0.2.7 or 2001:db8::/32"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char storage[256];
		struct text out;

		text_init(&out, storage, sizeof(storage));
		option_expectation(find(cases[i].section, cases[i].key), &out);
		assert_string_equal(storage, cases[i].expected);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations),
		cmocka_unit_test(http_timeout_is_at_least_a_second),
		cmocka_unit_test(counts),
		cmocka_unit_test(shares),
		cmocka_unit_test(words),
		cmocka_unit_test(flags),
		cmocka_unit_test(texts_are_kept_or_refused_whole),
		cmocka_unit_test(paths_are_absolute_or_nothing),
		cmocka_unit_test(every_default_is_valid),
		cmocka_unit_test(the_defaults_are_those_of_the_contract),
		cmocka_unit_test(rows_are_complete_and_unique),
		cmocka_unit_test(expectations_name_the_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
