/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Error numbers of servers and client libraries, and what they mean for a probe.
 */
#include "unit.h"

#include "base/cleanup.h"
#include "node/client_error.h"

static void outcomes(void **state) {
	static const struct {
		unsigned int code;
		const char *message;
		enum probe_outcome expected;
	} cases[] = {
		{0, "", PROBE_OK},
		{5010, "Authentication plugin 'caching_sha2_password' couldn't be",
		 PROBE_ACCESS_DENIED},
		{5010, "Authentication plugin 'sha256_password' couldn't be", PROBE_ACCESS_DENIED},
		{5010, "Authentication plugin '\xff\x01' couldn't be", PROBE_PROTOCOL_ERROR},
		/* Connector/C 3.3, then libmysqlclient 9 */
		{2002, "Can't connect to local server through socket '/run/mysqld/mysqld.sock' (2)",
		 PROBE_UNREACHABLE},
		{2002,
		 "Can't connect to local server through socket '/run/mysqld/mysqld.sock' (111)",
		 PROBE_REFUSED},
		{2002, "Can't connect to local MySQL server through socket '/tmp/mysql.sock' (111)",
		 PROBE_REFUSED},
		{2002, "Can't connect to local server through socket '/tmp/a (111)/s' (13)",
		 PROBE_UNREACHABLE},
		{2002, "Can't connect to server on '127.0.0.1' (111)", PROBE_REFUSED},
		{2002, "Can't connect to server on '192.0.2.1' (110)", PROBE_TIMEOUT},
		{2002, "Can't connect to server on '192.0.2.1' (115)", PROBE_TIMEOUT},
		{2002, "Can't connect to local server through socket '/tmp/s' (11)", PROBE_TIMEOUT},
		{2003, "Can't connect to MySQL server on '127.0.0.1:3306' (111)", PROBE_REFUSED},
		{2003, "Can't connect to MySQL server on '127.0.0.1:3306' (104)", PROBE_REFUSED},
		{2003, "Can't connect to MySQL server on '127.0.0.1:3306' (32)", PROBE_REFUSED},
		{2003, "Can't connect to MySQL server on '192.0.2.1:3306' (113)",
		 PROBE_UNREACHABLE},
		{2003, "Can't connect to MySQL server on '192.0.2.1:3306' (110)", PROBE_TIMEOUT},
		{2003, "no number at all", PROBE_UNREACHABLE},
		{2003, "", PROBE_UNREACHABLE},
		{2003, "(", PROBE_UNREACHABLE},
		{2003, "(nonsense)", PROBE_UNREACHABLE},
		{2005, "Unknown server host 'db' (-2)", PROBE_UNREACHABLE},
		{2006, "Server has gone away", PROBE_REFUSED},
		{2013, "Lost connection to server during query", PROBE_REFUSED},
		{2013, "Lost connection to server at 'handshake', system error: 110",
		 PROBE_REFUSED},
		{2055, "Lost connection to server at '...'", PROBE_REFUSED},
		{1053, "Server shutdown in progress", PROBE_REFUSED},
		{1184, "Aborted connection", PROBE_REFUSED},
		{1927, "Connection was killed", PROBE_REFUSED},
		{4031, "The client was disconnected by the server", PROBE_REFUSED},
		{1040, "Too many connections", PROBE_TOO_MANY_CONNECTIONS},
		{1203, "User has more than 'max_user_connections'", PROBE_TOO_MANY_CONNECTIONS},
		{1226, "User has exceeded the resource", PROBE_TOO_MANY_CONNECTIONS},
		{1044, "Access denied for user to database", PROBE_ACCESS_DENIED},
		{1045, "Access denied for user (using password: YES)", PROBE_ACCESS_DENIED},
		{1129, "Host is blocked", PROBE_ACCESS_DENIED},
		{1130, "Host is not allowed to connect", PROBE_ACCESS_DENIED},
		{1227, "Access denied; you need PROCESS", PROBE_ACCESS_DENIED},
		{1251, "Client does not support authentication protocol", PROBE_ACCESS_DENIED},
		{1698, "Access denied for user", PROBE_ACCESS_DENIED},
		{1820, "You must SET PASSWORD", PROBE_ACCESS_DENIED},
		{1862, "Your password has expired", PROBE_ACCESS_DENIED},
		{3118, "Account is locked", PROBE_ACCESS_DENIED},
		{4151, "Account is locked", PROBE_ACCESS_DENIED},
		{2059, "Authentication plugin cannot be loaded", PROBE_ACCESS_DENIED},
		{2061, "Authentication plugin reported error", PROBE_ACCESS_DENIED},
		{1047, "WSREP has not yet prepared node for application use", PROBE_NOT_READY},
		{1043, "Bad handshake", PROBE_PROTOCOL_ERROR},
		{1064, "You have an error in your SQL syntax", PROBE_PROTOCOL_ERROR},
		{1193, "Unknown system variable", PROBE_PROTOCOL_ERROR},
		{2026, "TLS/SSL error", PROBE_PROTOCOL_ERROR},
		{2027, "Malformed packet", PROBE_PROTOCOL_ERROR},
		{1, "", PROBE_PROTOCOL_ERROR},
		{65535, "", PROBE_PROTOCOL_ERROR},
		{4294967295u, "", PROBE_PROTOCOL_ERROR},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum probe_outcome outcome = client_error_outcome(cases[i].code, cases[i].message);

		if (outcome != cases[i].expected)
			fail_msg("%u %s: %s", cases[i].code, cases[i].message,
				 probe_outcome_name(outcome));
	}
}

/* The errno counts for a failed connect alone: elsewhere a server writes what stands in brackets.
 */
static void a_server_cannot_choose_its_outcome(void **state) {
	(void)state;
	assert_int_equal(client_error_outcome(1045, "Access denied (111)"), PROBE_ACCESS_DENIED);
	assert_int_equal(client_error_outcome(1064, "syntax (0)"), PROBE_PROTOCOL_ERROR);
}

static void nothing_but_zero_is_ok(void **state) {
	(void)state;
	for (unsigned int code = 1; code < 10000; code++) {
		enum probe_outcome outcome = client_error_outcome(code, "(0)");

		assert_true(outcome > PROBE_OK && outcome < PROBE_OUTCOME_COUNT);
	}
}

static void disconnects(void **state) {
	static const unsigned int gone[] = {2006, 2013, 2055, 1053, 1927, 4031};
	static const unsigned int still_there[] = {0, 1040, 1045, 1047, 1064, 1193, 2002, 2003};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
		assert_true(client_error_is_disconnect(gone[i]));
	for (size_t i = 0; i < ARRAY_SIZE(still_there); i++)
		assert_false(client_error_is_disconnect(still_there[i]));
}

static void plugins_that_are_refused(void **state) {
	(void)state;
	assert_true(client_error_is_of_plugin(5010, "plugin '\xff' couldn't be"));
	assert_true(client_error_is_of_plugin(2061, "Authentication requires secure connection."));
	assert_false(client_error_is_of_plugin(2061, "Authentication plugin error"));
	assert_false(client_error_is_of_plugin(1045, "requires secure connection"));
}

static void limits_of_the_account(void **state) {
	(void)state;

	assert_true(client_error_is_of_account(1203));
	assert_true(client_error_is_of_account(1226));
	assert_false(client_error_is_of_account(1040));
	assert_false(client_error_is_of_account(0));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes),
		cmocka_unit_test(a_server_cannot_choose_its_outcome),
		cmocka_unit_test(nothing_but_zero_is_ok),
		cmocka_unit_test(disconnects),
		cmocka_unit_test(plugins_that_are_refused),
		cmocka_unit_test(limits_of_the_account),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
