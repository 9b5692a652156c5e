/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator's commands find and print, without a server: findings, privileges, passwords in
 * arguments, listeners, and the stanza for HAProxy.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/doctor.h"
#include "printed.h"
#include "serve/listeners.h"
#include "view/findings.h"
#include "view/grants.h"
#include "view/haproxy.h"

/* --- privileges and passwords --------------------------------------------------------------- */

static void privileges_beyond_need_are_named(void **state) {
	static const struct {
		const char *row, *excess;
	} cases[] = {
		{"GRANT USAGE ON *.* TO `c`@`localhost` IDENTIFIED BY PASSWORD '*AB'", ""},
		{"GRANT PROCESS ON *.* TO `c`@`localhost`", ""},
		{"GRANT USAGE, PROCESS ON *.* TO `c`@`localhost`", ""},
		{"GRANT ALL PRIVILEGES ON *.* TO `c`@`%` WITH GRANT OPTION",
		 "ALL PRIVILEGES, GRANT OPTION"},
		{"GRANT PROCESS, SUPER ON *.* TO `c`@`%`", "SUPER"},
		{"GRANT SELECT (a, b), INSERT ON `shop`.`t` TO `c`@`%`",
		 "SELECT (a, b) on `shop`.`t`, INSERT on `shop`.`t`"},
		{"GRANT BACKUP_ADMIN,CLONE_ADMIN ON *.* TO `c`@`%`", "BACKUP_ADMIN, CLONE_ADMIN"},
		{"GRANT `admin`@`%` TO `c`@`%`", "role `admin`@`%`"},
		{"GRANT PROXY ON ''@'%' TO 'c'@'localhost'", "PROXY on ''@'%'"},
		{"SET DEFAULT ROLE `x` FOR `c`@`%`", ""},
		{"", ""},
	};
	char storage[256];
	struct text excess;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_init(&excess, storage, sizeof(storage));
		grants_excess(cases[i].row, &excess);
		assert_string_equal(storage, cases[i].excess);
	}
}

static bool shows_password(const char *line) {
	char copy[256], *rest = copy, *word;
	const char *words[16];
	size_t count = 0;

	text_copy(copy, sizeof(copy), line);
	while ((word = strsep(&rest, " ")))
		words[count++] = strcmp(word, "''") == 0 ? "" : word;
	return arguments_show_password(words, count);
}

static void passwords_in_arguments_are_seen(void **state) {
	(void)state;
	assert_true(shows_password("/usr/bin/clustercheck user secret"));
	assert_true(shows_password("/bin/bash /usr/bin/clustercheck user secret 0"));
	assert_true(shows_password("clustercheck --config f --quiet user secret"));
	assert_true(shows_password("clustercheckd -o mysql.password=x"));
	assert_true(shows_password("clustercheckd --option=mysql.password=x"));
	assert_true(shows_password("clustercheckd -omysql.password=x"));
	assert_false(shows_password("clustercheckd -o mysql.password="));
	assert_false(shows_password("clustercheckd -o mysql.password_file=/x"));
	assert_false(shows_password("clustercheck"));
	assert_false(shows_password("clustercheck user"));
	assert_false(shows_password("clustercheck user ''"));
	assert_false(shows_password("clustercheck - 0 /dev/null"));
	assert_false(shows_password("clustercheck --config file"));
	assert_false(shows_password("vi clustercheck.c /usr/bin/clustercheck"));
	assert_false(shows_password("mariadbd --user mysql"));
}

static void grants_quote_what_they_are_given(void **state) {
	AUTO_FREE char *text = NULL;
	struct printed printed;

	(void)state;
	grants_print("o'neill\\", "%", printed_begin(&printed));
	text = printed_finish(&printed);
	assert_non_null(strstr(text, "GRANT PROCESS ON *.* TO 'o''neill\\\\'@'%';"));
}

/* --- findings ------------------------------------------------------------------------------- */

static void findings_are_lines(void **state) {
	AUTO_FREE struct findings *findings = calloc(1, sizeof(*findings));
	AUTO_FREE char *text = NULL;
	struct printed printed;

	(void)state;
	finding_add(findings, FINDING_OK, "fine");
	finding_remedy(finding_add(findings, FINDING_PROBLEM, "a\nb\033[31m"), "do %s", "c");
	finding_add(findings, FINDING_WARNING, "hm");
	assert_int_equal(findings->worst, FINDING_PROBLEM);
	findings_print(findings, false, printed_begin(&printed));
	text = printed_finish(&printed);
	assert_string_equal(text, "ok       fine\n"
				  "problem  a?b?[31m → do c\n"
				  "warning  hm\n");
}

static void findings_without_room_are_counted(void **state) {
	AUTO_FREE struct findings *findings = calloc(1, sizeof(*findings));
	AUTO_FREE char *text = NULL;
	struct printed printed;

	(void)state;
	for (size_t i = 0; i < FINDING_MAX; i++)
		finding_add(findings, FINDING_OK, "%zu", i);
	finding_remedy(finding_add(findings, FINDING_PROBLEM, "late"), "too late");
	assert_int_equal(findings->count, FINDING_MAX);
	assert_int_equal(findings->worst, FINDING_PROBLEM);
	findings_print(findings, false, printed_begin(&printed));
	text = printed_finish(&printed);
	assert_non_null(strstr(text, "\n1 more findings\n"));
	assert_null(strstr(text, "late"));
}

/* --- listeners ------------------------------------------------------------------------------ */

static void listening_sockets_are_parsed(void **state) {
	static const char v4[] =
		"   1: 0100007F:23F0 00000000:0000 0A 00000000:00000000 00:00000000 "
		"00000000   998        0 4711 1 0000000000000000 100 0 0 10 0";
	static const char v6[] = "   0: 00000000000000000000000000000000:23F0 "
				 "00000000000000000000000000000000:0000 0A 00000000:00000000 "
				 "00:00000000 00000000     0        0 42 1 0 100 0 0 10 0";
	static const char open[] = "   2: 0100007F:23F0 0100007F:8888 01 00000000:00000000 "
				   "00:00000000 00000000   998        0 4712 1 0 100 0 0 10 0";
	struct listen_list here, elsewhere;
	struct listener listener;

	(void)state;
	assert_int_equal(listen_list_parse(&here, "127.0.0.1:9200,*:9200,[::1]:9200"), 0);
	assert_int_equal(listen_list_parse(&elsewhere, "127.0.0.2:9200,127.0.0.1:9201"), 0);
	assert_false(listener_parse("  sl  local_address rem_address   st", &listener));
	assert_false(listener_parse(open, &listener));
	assert_true(listener_parse(v4, &listener));
	assert_int_equal(listener.port, 9200);
	assert_int_equal(listener.uid, 998);
	assert_int_equal(listener.inode, 4711);
	assert_true(listener_holds(&listener, &here.items[0]));
	assert_true(listener_holds(&listener, &here.items[1]));
	assert_false(listener_holds(&listener, &here.items[2]));
	assert_false(listener_holds(&listener, &elsewhere.items[0]));
	assert_false(listener_holds(&listener, &elsewhere.items[1]));
	assert_true(listener_parse(v6, &listener));
	assert_true(listener_holds(&listener, &here.items[0]));
}

/* --- the stanza for HAProxy ----------------------------------------------------------------- */

static char *stanza(const char *members, const char *const *arguments, size_t count) {
	AUTO_FREE struct config *config = calloc(1, sizeof(*config));
	const struct config_sources sources = {.arguments = arguments, .argument_count = count};
	struct printed printed;
	char storage[256];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (config_load(config, &sources, &error) < 0)
		fail_msg("%s", storage);
	haproxy_print(config, members, printed_begin(&printed));
	return printed_finish(&printed);
}

static void members_become_servers_in_order(void **state) {
	AUTO_FREE char *text = stanza("10.0.0.3:3306,,10.0.0.1:3306,AUTO,[fe80::1]:3307", NULL, 0);

	(void)state;
	assert_non_null(strstr(text, "server node1 10.0.0.1:3306 check\n"));
	assert_non_null(strstr(text, "server node2 10.0.0.3:3306 check backup\n"));
	assert_non_null(strstr(text, "server node3 [fe80::1]:3307 check backup\n"));
	assert_non_null(strstr(text, "# 2 members without a usable address"));
	assert_non_null(strstr(text, "default-server port 9200 inter"));
	assert_null(strstr(text, "AUTO"));
	assert_null(strstr(text, "agent-"));
	assert_null(strstr(text, "placeholder"));
}

static void nothing_but_addresses_gets_into_the_stanza(void **state) {
	AUTO_FREE char *text =
		stanza("10.0.0.1:3306\nglobal,a b:3306,10.0.0.2:0,:3306,x:33a", NULL, 0);

	(void)state;
	assert_null(strstr(text, "\nglobal"));
	assert_null(strstr(text, "a b"));
	assert_non_null(strstr(text, "placeholder"));
	assert_non_null(strstr(text, "server node3 192.0.2.3:3306 check backup"));
}

static void a_list_that_was_cut_loses_its_last(void **state) {
	struct facts facts = {0};
	char list[FACT_TEXT_SIZE + 64] = "";
	AUTO_FREE char *text = NULL;

	(void)state;
	/* 64 bytes each: the 16th is cut by one, its comma */
	for (int i = 0; i < 17; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "host-%d%050d:3306,",
			 100 + i, 0);
	facts_set(&facts, FACT_INCOMING_ADDRESSES, list);
	text = stanza(fact_text(&facts, FACT_INCOMING_ADDRESSES), NULL, 0);
	assert_non_null(strstr(text, "# 1 members without a usable address"));
	assert_non_null(strstr(text, "host-114"));
	assert_null(strstr(text, "host-115"));
}

static void settings_show_in_the_stanza(void **state) {
	static const char *const arguments[] = {
		"http.listen=127.0.0.1:1,*:9300",  "agent.listen=*:9301",
		"endpoint /rw.agent=*:9302",	   "http.allow=10.0.0.0/8",
		"http.tls_cert=/etc/ssl/cert.pem", "http.tls_key=/etc/ssl/key.pem"};
	AUTO_FREE char *text = stanza(NULL, arguments, ARRAY_SIZE(arguments));
	const char *ro = strstr(text, "backend galera_ro\n    mode");

	(void)state;
	assert_non_null(strstr(text, "default-server port 9300 "));
	assert_non_null(strstr(text, "check-ssl"));
	assert_non_null(strstr(text, "[http] allow must hold"));
	/* only an agent of the endpoint's own: that of "/" judges otherwise */
	assert_non_null(strstr(text, "agent-check agent-port 9302 agent-inter 1s weight 100"));
	assert_null(strstr(text, "9301"));
	assert_non_null(ro);
	assert_null(strstr(ro, "agent-check"));
}

static void planned_work_cuts_no_session(void **state) {
	AUTO_FREE char *text = stanza(NULL, NULL, 0);
	const char *ro = strstr(text, "backend galera_ro\n    mode");

	(void)state;
	assert_non_null(ro);
	assert_true(strstr(text, "    option redispatch\n    retries 3\n") < ro);
	assert_non_null(strstr(ro, "    option redispatch\n    retries 3\n"));
	assert_non_null(strstr(ro, "    http-check disable-on-404\n"));
	assert_null(strstr(text, "shutdown-backup-sessions"));
	assert_non_null(strstr(text, "rise 2 on-marked-down shutdown-sessions\n"));
	assert_null(strstr(ro, "shutdown-sessions"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(privileges_beyond_need_are_named),
		cmocka_unit_test(passwords_in_arguments_are_seen),
		cmocka_unit_test(grants_quote_what_they_are_given),
		cmocka_unit_test(findings_are_lines),
		cmocka_unit_test(findings_without_room_are_counted),
		cmocka_unit_test(listening_sockets_are_parsed),
		cmocka_unit_test(members_become_servers_in_order),
		cmocka_unit_test(nothing_but_addresses_gets_into_the_stanza),
		cmocka_unit_test(a_list_that_was_cut_loses_its_last),
		cmocka_unit_test(settings_show_in_the_stanza),
		cmocka_unit_test(planned_work_cuts_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
