/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A client connection against a scripted library: each call that can fail or hang, and what is left
 * behind then.
 */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/client_login.h"
#include "scripted_mysql.h"

#define SOON (30 * NSEC_PER_MSEC)
#define LATE (60 * NSEC_PER_SEC)

static struct mysql_settings settings;

static int start(void **state) {
	(void)state;
	settings = (struct mysql_settings){
		.host = "192.0.2.7", .port = 3306, .user = "checker", .password = "secret"};
	return 0;
}

static struct client_limit within(int64_t time) {
	return (struct client_limit){.deadline = clock_now() + time, .cancel_fd = -1};
}

static struct client *log_in_for(int64_t time, struct probe_result *result) {
	struct client_limit limit = within(time);
	struct client *client = (struct client *)&settings;

	*result = (struct probe_result){0};
	assert_int_equal(client_log_in(&client, &settings, 0, &limit, result), 0);
	assert_int_equal(client != NULL, result->outcome == PROBE_OK);
	return client;
}

static struct client *log_in(void) {
	struct probe_result result;
	struct client *client = log_in_for(LATE, &result);

	assert_non_null(client);
	return client;
}

/* --- logging in ------------------------------------------------------------------------------ */

static void in_and_out(void **state) {
	(void)state;
	SCRIPT({"connect", "192.0.2.7:3306", .waits = 3}, {"quit"});
	client_quit(log_in());
	assert_string_equal(scripted_user, "checker");
	assert_string_equal(scripted_password, "secret");
	scripted_end();
}

static void what_is_not_set_is_not_sent(void **state) {
	(void)state;
	settings = (struct mysql_settings){.socket = "/run/s"};
	SCRIPT({"connect", "/run/s"}, {"drop"});
	client_drop(log_in());
	assert_string_equal(scripted_user, "(none)");
	assert_string_equal(scripted_password, "(none)");
	scripted_end();
}

static void extra_port(void **state) {
	struct client_limit limit = within(LATE);
	struct probe_result result;
	struct client *client;

	(void)state;
	settings = (struct mysql_settings){.socket = "/run/s"};
	SCRIPT({"connect", "127.0.0.1:3307"}, {"quit"});
	assert_int_equal(client_log_in(&client, &settings, 3307, &limit, &result), 0);
	client_quit(client);
	scripted_end();
}

static void a_failed_login_has_a_reason(void **state) {
	static const struct {
		unsigned int code;
		const char *message;
		enum probe_outcome outcome;
	} cases[] = {
		{2002, "Can't connect to local server (2)", PROBE_UNREACHABLE},
		{2003, "Can't connect to server (111)", PROBE_REFUSED},
		{2003, "Can't connect to server (110)", PROBE_TIMEOUT},
		{2013, "Lost connection", PROBE_REFUSED},
		{1040, "Too many connections", PROBE_TOO_MANY_CONNECTIONS},
		{1045, "Access denied", PROBE_ACCESS_DENIED},
		{1047, "WSREP has not yet prepared node", PROBE_NOT_READY},
		{2026, "TLS/SSL error", PROBE_PROTOCOL_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scripted_step steps[] = {
			{"connect", .error = cases[i].code, .message = cases[i].message},
			{"drop"},
		};
		struct probe_result result;

		scripted_begin(steps, ARRAY_SIZE(steps));
		assert_null(log_in_for(LATE, &result));
		scripted_end();
		assert_int_equal(result.outcome, cases[i].outcome);
		assert_int_equal(result.code, cases[i].code);
		assert_string_equal(result.error, cases[i].message);
	}
}

static void a_login_that_hangs(void **state) {
	int64_t begin = clock_now();
	struct probe_result result;

	(void)state;
	SCRIPT({"connect", .hangs = true}, {"drop"});
	assert_null(log_in_for(SOON, &result));
	scripted_end();
	assert_int_equal(result.outcome, PROBE_TIMEOUT);
	assert_true(clock_now() - begin >= SOON && clock_now() - begin < 5 * NSEC_PER_SEC);
}

static void a_login_is_cancelled(void **state) {
	AUTO_CLOSE int cancel_fd = eventfd(1, 0);
	struct client_limit limit = {.deadline = clock_now() + LATE, .cancel_fd = cancel_fd};
	struct probe_result result;
	struct client *client;

	(void)state;
	SCRIPT({"connect", .hangs = true}, {"drop"});
	assert_int_equal(client_log_in(&client, &settings, 0, &limit, &result), -ECANCELED);
	assert_null(client);
	scripted_end();
}

static void no_memory(void **state) {
	struct probe_result result;

	(void)state;
	scripted_begin(NULL, 0);
	scripted_no_memory = true;
	assert_null(log_in_for(LATE, &result));
	assert_int_equal(result.outcome, PROBE_PROTOCOL_ERROR);
	scripted_end();
}

static void tls_is_there_when_it_is_required(void **state) {
	struct probe_result result;

	(void)state;
	settings.tls = TLS_REQUIRED;
	SCRIPT({"connect"}, {"drop"});
	assert_null(log_in_for(LATE, &result));
	assert_int_equal(result.outcome, PROBE_PROTOCOL_ERROR);
	scripted_end();
	SCRIPT({"connect"}, {"quit"});
	scripted_cipher = "TLS_AES_256_GCM_SHA384";
	client_quit(log_in());
	scripted_end();
}

/* --- password files -------------------------------------------------------------------------- */

static void write_password(const char *text, mode_t mode) {
	AUTO_FILE FILE *file = NULL;

	snprintf(settings.password_file, sizeof(settings.password_file), "/tmp/test_client.%d",
		 (int)getpid());
	file = fopen(settings.password_file, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
}

static void a_password_is_read_at_each_login(void **state) {
	(void)state;
	write_password("first\r\nsecond line\n", 0600);
	SCRIPT({"connect"}, {"quit"}, {"connect"}, {"quit"});
	client_quit(log_in());
	assert_string_equal(scripted_password, "first");
	write_password("rotated", 0600);
	client_quit(log_in());
	assert_string_equal(scripted_password, "rotated");
	unlink(settings.password_file);
	scripted_end();
}

static void a_password_that_is_not_secret_is_not_sent(void **state) {
	struct probe_result result;

	(void)state;
	scripted_begin(NULL, 0);
	write_password("secret", 0604);
	assert_null(log_in_for(LATE, &result));
	assert_int_equal(result.outcome, PROBE_ACCESS_DENIED);
	unlink(settings.password_file);
	assert_null(log_in_for(LATE, &result));
	assert_int_equal(result.outcome, PROBE_ACCESS_DENIED);
	snprintf(settings.password_file, sizeof(settings.password_file), "/tmp");
	assert_null(log_in_for(LATE, &result));
	assert_int_equal(result.outcome, PROBE_ACCESS_DENIED);
	scripted_end();
}

/* --- asking ---------------------------------------------------------------------------------- */

struct seen {
	unsigned int rows, columns;
	char text[256];
};

static void see_row(void *context, unsigned int columns, const char *const *values) {
	struct seen *seen = context;
	size_t length = strlen(seen->text);

	seen->rows++;
	seen->columns = columns;
	for (unsigned int i = 0; i < columns && length < sizeof(seen->text) - 1; i++)
		length += (size_t)snprintf(seen->text + length, sizeof(seen->text) - length, "%s,",
					   values[i] ? values[i] : "NULL");
}

static struct probe_result ask(struct client *client, client_row on_row, struct seen *seen) {
	struct client_limit limit = within(SOON);
	struct probe_result result = {0};

	*seen = (struct seen){0};
	assert_int_equal(client_ask(client, "ASK", &limit, on_row, seen, &result), 0);
	return result;
}

static void rows_and_nulls(void **state) {
	static const char *const values[] = {"a", NULL, "", "d"};
	struct client *client;
	struct seen seen;

	(void)state;
	SCRIPT({"connect"}, {"query", "ASK", .columns = 2, .rows = 2, .values = values, .waits = 2},
	       {"query", "ASK", .columns = 1}, {"query", "ASK"}, {"quit"});
	client = log_in();
	assert_int_equal(ask(client, see_row, &seen).outcome, PROBE_OK);
	assert_string_equal(seen.text, "a,NULL,,d,");
	assert_int_equal(ask(client, see_row, &seen).outcome, PROBE_OK);
	assert_int_equal(seen.rows, 0);
	assert_int_equal(ask(client, NULL, &seen).outcome, PROBE_OK);
	client_quit(client);
	scripted_end();
}

/* The one statement that fails, and how. */
static void fails(const struct scripted_step *query, client_row on_row,
		  enum probe_outcome outcome) {
	const struct scripted_step steps[] = {{"connect"}, *query, {"drop"}};
	struct client *client;
	struct probe_result result;
	struct seen seen;

	scripted_begin(steps, ARRAY_SIZE(steps));
	client = log_in();
	result = ask(client, on_row, &seen);
	assert_int_equal(result.outcome, outcome);
	assert_true(result.error[0]);
	if (outcome != PROBE_TIMEOUT && query->error)
		assert_int_equal(result.code, query->error);
	client_drop(client);
	scripted_end();
}

static void a_statement_fails(void **state) {
	(void)state;
	fails(&(struct scripted_step){"query", .error = 2006}, see_row, PROBE_REFUSED);
	fails(&(struct scripted_step){"query", .error = 1045, .waits = 1}, NULL,
	      PROBE_ACCESS_DENIED);
	fails(&(struct scripted_step){"query", .error = 2013, .columns = 2, .rows = 3}, see_row,
	      PROBE_REFUSED);
	fails(&(struct scripted_step){"query", .error = 1047, .columns = 2}, see_row,
	      PROBE_NOT_READY);
	fails(&(struct scripted_step){"query", .hangs = true}, see_row, PROBE_TIMEOUT);
	fails(&(struct scripted_step){"query", .hangs = true, .columns = 2, .rows = 3}, see_row,
	      PROBE_TIMEOUT);
}

static void an_answer_of_another_shape(void **state) {
	(void)state;
	fails(&(struct scripted_step){"query"}, see_row, PROBE_PROTOCOL_ERROR);
	fails(&(struct scripted_step){"query", .columns = 1, .rows = 1}, NULL,
	      PROBE_PROTOCOL_ERROR);
}

static void rows_without_end(void **state) {
	(void)state;
	fails(&(struct scripted_step){"query", .columns = 1, .rows = 1000000}, see_row,
	      PROBE_PROTOCOL_ERROR);
}

static void a_statement_is_cancelled(void **state) {
	static const struct scripted_step queries[] = {
		{"query", .hangs = true},
		{"query", .hangs = true, .columns = 2, .rows = 3},
	};
	AUTO_CLOSE int cancel_fd = eventfd(1, 0);
	struct client_limit limit = {.deadline = clock_now() + LATE, .cancel_fd = cancel_fd};
	struct probe_result result;
	struct seen seen = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(queries); i++) {
		const struct scripted_step steps[] = {{"connect"}, queries[i], {"drop"}};
		struct client *client;

		scripted_begin(steps, ARRAY_SIZE(steps));
		client = log_in();
		assert_int_equal(client_ask(client, "ASK", &limit, see_row, &seen, &result),
				 -ECANCELED);
		client_drop(client);
		scripted_end();
	}
}

static void nothing_is_no_client(void **state) {
	(void)state;
	assert_int_equal(client_descriptor(NULL), -1);
	client_quit(NULL);
	client_drop(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_and_out, start),
		cmocka_unit_test_setup(what_is_not_set_is_not_sent, start),
		cmocka_unit_test_setup(extra_port, start),
		cmocka_unit_test_setup(a_failed_login_has_a_reason, start),
		cmocka_unit_test_setup(a_login_that_hangs, start),
		cmocka_unit_test_setup(a_login_is_cancelled, start),
		cmocka_unit_test_setup(no_memory, start),
		cmocka_unit_test_setup(tls_is_there_when_it_is_required, start),
		cmocka_unit_test_setup(a_password_is_read_at_each_login, start),
		cmocka_unit_test_setup(a_password_that_is_not_secret_is_not_sent, start),
		cmocka_unit_test_setup(rows_and_nulls, start),
		cmocka_unit_test_setup(a_statement_fails, start),
		cmocka_unit_test_setup(an_answer_of_another_shape, start),
		cmocka_unit_test_setup(rows_without_end, start),
		cmocka_unit_test_setup(a_statement_is_cancelled, start),
		cmocka_unit_test_setup(nothing_is_no_client, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
