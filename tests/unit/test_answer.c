/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The answers of the original command, byte for byte, in every dialect.
 */
#include "unit.h"

#include <string.h>

#include "base/cleanup.h"
#include "view/answer.h"

#define HEAD_OF(status, length)          \
	"HTTP/1.1 " status "\r\n"        \
	"Content-Type: text/plain\r\n"   \
	"Connection: close\r\n"          \
	"Content-Length: " length "\r\n" \
	"\r\n"

#define OK "200 OK"
#define UNAVAILABLE "503 Service Unavailable"

/* The lengths are written out: they count the body's CRLF. */
static const struct {
	enum dialect dialect;
	enum sentence sentence;
	size_t length;
	const char *head, *body;
} contract[] = {
	{DIALECT_PERCONA, SENTENCE_SYNCED, 40, HEAD_OF(OK, "40"),
	 "Percona XtraDB Cluster Node is synced.\r\n"},
	{DIALECT_PERCONA, SENTENCE_NOT_SYNCED, 44, HEAD_OF(UNAVAILABLE, "44"),
	 "Percona XtraDB Cluster Node is not synced.\r\n"},
	{DIALECT_PERCONA, SENTENCE_READ_ONLY, 43, HEAD_OF(UNAVAILABLE, "43"),
	 "Percona XtraDB Cluster Node is read-only.\r\n"},
	{DIALECT_PERCONA, SENTENCE_DISABLED, 51, HEAD_OF(UNAVAILABLE, "51"),
	 "Percona XtraDB Cluster Node is manually disabled.\r\n"},

	{DIALECT_PXC, SENTENCE_SYNCED, 40, HEAD_OF(OK, "40"),
	 "Percona XtraDB Cluster Node is synced.\r\n"},
	{DIALECT_PXC, SENTENCE_NOT_SYNCED, 57, HEAD_OF(UNAVAILABLE, "57"),
	 "Percona XtraDB Cluster Node is not synced or non-PRIM. \r\n"},
	{DIALECT_PXC, SENTENCE_READ_ONLY, 43, HEAD_OF(UNAVAILABLE, "43"),
	 "Percona XtraDB Cluster Node is read-only.\r\n"},
	{DIALECT_PXC, SENTENCE_DISABLED, 51, HEAD_OF(UNAVAILABLE, "51"),
	 "Percona XtraDB Cluster Node is manually disabled.\r\n"},

	{DIALECT_GALERA, SENTENCE_SYNCED, 32, HEAD_OF(OK, "32"),
	 "Galera cluster node is synced.\r\n"},
	{DIALECT_GALERA, SENTENCE_NOT_SYNCED, 36, HEAD_OF(UNAVAILABLE, "36"),
	 "Galera cluster node is not synced.\r\n"},
	{DIALECT_GALERA, SENTENCE_READ_ONLY, 35, HEAD_OF(UNAVAILABLE, "35"),
	 "Galera cluster node is read-only.\r\n"},
	{DIALECT_GALERA, SENTENCE_DISABLED, 43, HEAD_OF(UNAVAILABLE, "43"),
	 "Galera cluster node is manually disabled.\r\n"},
};

static void check_message(size_t index, int http_status, bool head) {
	const struct verdict judged = {
		.available = contract[index].sentence == SENTENCE_SYNCED,
		.http_status = http_status,
		.sentence = contract[index].sentence,
	};
	char storage[ANSWER_SIZE], expected[ANSWER_SIZE];
	struct text out;

	strcpy(expected, contract[index].head);
	if (!head)
		strcat(expected, contract[index].body);
	text_init(&out, storage, sizeof(storage));
	answer_message(&out, contract[index].dialect, &judged, head);
	assert_string_equal(storage, expected);
	assert_int_equal(out.length, strlen(expected));
	assert_false(out.truncated);
}

static void bodies_and_their_lengths(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++) {
		const char *body = answer_body(contract[i].dialect, contract[i].sentence);

		assert_string_equal(body, contract[i].body);
		assert_int_equal(strlen(body), contract[i].length);
	}
}

static void messages(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++)
		check_message(i, contract[i].sentence == SENTENCE_SYNCED ? 200 : 503, false);
}

/* The length of the body that GET would have sent. */
static void messages_to_head(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++)
		check_message(i, contract[i].sentence == SENTENCE_SYNCED ? 200 : 503, true);
}

/* draining and maintenance are 404 from the daemon alone. */
static void every_no_is_a_503_here(void **state) {
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(contract); i++)
		if (contract[i].sentence != SENTENCE_SYNCED)
			check_message(i, 404, false);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_and_their_lengths),
		cmocka_unit_test(messages),
		cmocka_unit_test(messages_to_head),
		cmocka_unit_test(every_no_is_a_503_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
