/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One HTTP exchange over a socket that somebody else accepted: over real TCP, with callers of every
 * kind. Whatever they do, it ends soon, and without a reset.
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/inetd.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/*
 * Generous, for a busy machine: what is measured is that there is a bound at all, and that a wait
 * of a second (for the rest of a request, or for the caller's end) does not happen without need.
 */
#define SOON (3 * NSEC_PER_SEC)
#define AT_ONCE (700 * NSEC_PER_MSEC)

static int server = -1, client = -1;

static int connect_both(void **state) {
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	AUTO_CLOSE int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(address);
	int one = 1;

	(void)state;
	client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &length) < 0 ||
	    connect(client, (struct sockaddr *)&address, length) < 0)
		return -1;
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return server < 0 ? -1 : 0;
}

static void close_one(int *fd) {
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int close_both(void **state) {
	(void)state;
	close_one(&server);
	close_one(&client);
	return 0;
}

static void say(const char *bytes, size_t length) {
	assert_int_equal(send(client, bytes, length, MSG_NOSIGNAL), length);
}

/* Reads to the end of the stream; fails on a reset, also on one that came after the answer. */
static void expect_answer(const char *expected) {
	char answer[512];
	size_t length = 0;
	int reset = 0;
	socklen_t size = sizeof(reset);
	ssize_t n;

	while ((n = recv(client, answer + length, sizeof(answer) - 1 - length, 0)) > 0)
		length += (size_t)n;
	if (n < 0)
		fail_msg("after %zu bytes: %s", length, strerror(errno));
	answer[length] = '\0';
	assert_string_equal(answer, expected);
	assert_int_equal(getsockopt(client, SOL_SOCKET, SO_ERROR, &reset, &size), 0);
	if (reset)
		fail_msg("after the answer: %s", strerror(reset));
}

static bool read_request(int64_t *took) {
	int64_t begin = clock_now();
	bool head = inetd_read_request(server);

	*took = clock_now() - begin;
	return head;
}

/* --- what is a caller's socket -------------------------------------------------------------- */

static void tcp_is_a_socket(void **state) {
	(void)state;
	assert_true(inetd_is_socket(server));
	assert_true(inetd_is_socket(client));
}

static void a_unix_socket_somebody_listened_on_is_one(void **state) {
	AUTO_CLOSE int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	AUTO_CLOSE int accepted = -1;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address);

	(void)state;
	/* an address of the family alone: the kernel chooses an abstract name (unix(7), autobind)
	 */
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(connect(caller, (struct sockaddr *)&address, length), 0);
	accepted = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(inetd_is_socket(accepted));
}

static void other_descriptors_are_none(void **state) {
	int pair[2], ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_false(inetd_is_socket(pair[0]));
	assert_false(inetd_is_socket(ends[0]));
	assert_false(inetd_is_socket(ends[1]));
	assert_false(inetd_is_socket(null));
	close(null);
	assert_false(inetd_is_socket(null));
	assert_false(inetd_is_socket(-1));
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(ends[i]);
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static void requests(void **state) {
	static const struct {
		const char *request;
		bool head;
	} cases[] = {
		{"HEAD / HTTP/1.0\r\n\r\n", true},
		{"HEAD /ro HTTP/1.1\r\nHost: db1\r\nConnection: close\r\n\r\n", true},
		{"HEAD / HTTP/1.0\n\n", true},
		{"HEAD / HTTP/1.0\r\n\n", true},
		{"GET / HTTP/1.0\r\n\r\n", false},
		{"OPTIONS / HTTP/1.0\r\n\r\n", false},
		{"head / HTTP/1.0\r\n\r\n", false},
		{"HEADER / HTTP/1.0\r\n\r\n", false},
		{" HEAD / HTTP/1.0\r\n\r\n", false},
		{"GET /HEAD HTTP/1.0\r\nX: HEAD \r\n\r\n", false},
		{"\r\n\r\n", false},
		{"\n\n", false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t took;

		close_both(state);
		assert_int_equal(connect_both(state), 0);
		say(cases[i].request, strlen(cases[i].request));
		if (read_request(&took) != cases[i].head)
			fail_msg("%s", cases[i].request);
		/* complete at its empty line: nothing more is waited for */
		assert_true(took < AT_ONCE);
	}
}

static void a_request_ends_with_the_stream(void **state) {
	int64_t took;

	(void)state;
	say("HEAD / HTTP/1.0\r\n", 17);
	shutdown(client, SHUT_WR);
	assert_true(read_request(&took));
	assert_true(took < AT_ONCE);
}

static void a_caller_that_leaves_is_not_waited_for(void **state) {
	int64_t took;

	(void)state;
	close_one(&client);
	assert_false(read_request(&took));
	assert_true(took < AT_ONCE);
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
}

static void a_silent_caller_gets_its_answer(void **state) {
	int64_t took;

	(void)state;
	assert_false(read_request(&took));
	assert_true(took >= 200 * NSEC_PER_MSEC);
	assert_true(took < SOON);
}

static void an_unfinished_request_is_waited_for_a_while(void **state) {
	int64_t took;

	(void)state;
	say("HEAD / HTTP/1.0\r\nX: y\r\n", 23);
	assert_true(read_request(&took));
	assert_true(took >= 500 * NSEC_PER_MSEC);
	assert_true(took < SOON);
}

static void *say_bytewise(void *context) {
	const char *bytes = context;

	for (; *bytes; bytes++)
		send(client, bytes, 1, MSG_NOSIGNAL);
	return NULL;
}

static void a_request_may_come_byte_by_byte(void **state) {
	static char request[] = "HEAD / HTTP/1.1\r\nHost: a\r\nUser-Agent: slow\r\n\r\n";
	pthread_t caller;
	int64_t took;

	(void)state;
	assert_int_equal(pthread_create(&caller, NULL, say_bytewise, request), 0);
	assert_true(read_request(&took));
	pthread_join(caller, NULL);
	assert_true(took < SOON);
}

/* One byte whenever the server has taken the last one, for as long as it listens. */
static void *trickle(void *context) {
	(void)context;
	while (send(client, "x", 1, MSG_NOSIGNAL) == 1) {
		const struct timespec pace = {.tv_nsec = 20 * NSEC_PER_MSEC};

		nanosleep(&pace, NULL);
	}
	return NULL;
}

/* Each byte proves that the caller lives, and buys no time. */
static void a_trickle_does_not_hold_us(void **state) {
	pthread_t caller;
	int64_t took;

	(void)state;
	assert_int_equal(pthread_create(&caller, NULL, trickle, NULL), 0);
	assert_false(read_request(&took));
	close_one(&server);
	pthread_join(caller, NULL);
	assert_true(took < SOON);
}

/* --- answers -------------------------------------------------------------------------------- */

static void the_answer_comes_whole_and_ends(void **state) {
	static const char request[] = "GET / HTTP/1.0\r\n\r\n";
	int64_t took, begin;

	(void)state;
	say(request, strlen(request));
	assert_false(read_request(&took));
	shutdown(client, SHUT_WR);
	begin = clock_now();
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	assert_true(clock_now() - begin < AT_ONCE);
	close_one(&server);
	expect_answer(ANSWER);
}

/* Closing with unread bytes would reset the connection, and the caller could lose the answer. */
static void an_oversized_request_is_drained(void **state) {
	char request[40000];
	int64_t took, begin;

	(void)state;
	memset(request, 'x', sizeof(request));
	memcpy(request, "GET / HTTP/1.0\r\n", 16);
	say(request, sizeof(request));
	assert_false(read_request(&took));
	assert_true(took < AT_ONCE); /* enough is enough, without a wait */
	begin = clock_now();
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	assert_true(clock_now() - begin < SOON);
	close_one(&server);
	expect_answer(ANSWER);
}

static void a_body_nobody_wants_is_drained(void **state) {
	static const char request[] = "POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n";
	int64_t took;

	(void)state;
	say(request, strlen(request));
	assert_false(read_request(&took));
	say("a=b&c=", 6);
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	close_one(&server);
	expect_answer(ANSWER);
}

static void a_caller_that_never_closes_is_left(void **state) {
	int64_t begin = clock_now();

	(void)state;
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	assert_true(clock_now() - begin < SOON);
	/* it has the answer and its end all the same */
	expect_answer(ANSWER);
}

static void *flood(void *context) {
	char bytes[4096];

	(void)context;
	memset(bytes, 'x', sizeof(bytes));
	while (send(client, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static void a_caller_that_never_stops_is_left(void **state) {
	int64_t begin, took;
	pthread_t caller;

	(void)state;
	assert_int_equal(pthread_create(&caller, NULL, flood, NULL), 0);
	begin = clock_now();
	assert_false(read_request(&took));
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	begin = clock_now() - begin;
	close_one(&server);
	pthread_join(caller, NULL);
	assert_true(begin < SOON);
}

/* More than the buffers of both ends hold. */
static void a_caller_that_never_reads_is_left(void **state) {
	const size_t length = 32u * 1024 * 1024;
	AUTO_FREE char *answer = calloc(1, length);
	int64_t begin;

	(void)state;
	assert_non_null(answer);
	begin = clock_now();
	inetd_send_answer(server, answer, length);
	assert_true(clock_now() - begin < SOON);
}

/* SIGPIPE would end the command, and its exit status be lost. */
static void a_caller_that_resets_does_no_harm(void **state) {
	const struct linger at_once = {.l_onoff = 1};
	int64_t begin = clock_now();

	(void)state;
	setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close_one(&client);
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	inetd_send_answer(server, ANSWER, strlen(ANSWER));
	assert_true(clock_now() - begin < SOON);
}

#define connected_test(function) cmocka_unit_test_setup_teardown(function, connect_both, close_both)

int main(void) {
	const struct CMUnitTest tests[] = {
		connected_test(tcp_is_a_socket),
		cmocka_unit_test(a_unix_socket_somebody_listened_on_is_one),
		cmocka_unit_test(other_descriptors_are_none),
		connected_test(requests),
		connected_test(a_request_ends_with_the_stream),
		connected_test(a_caller_that_leaves_is_not_waited_for),
		connected_test(a_silent_caller_gets_its_answer),
		connected_test(an_unfinished_request_is_waited_for_a_while),
		connected_test(a_request_may_come_byte_by_byte),
		connected_test(a_trickle_does_not_hold_us),
		connected_test(the_answer_comes_whole_and_ends),
		connected_test(an_oversized_request_is_drained),
		connected_test(a_body_nobody_wants_is_drained),
		connected_test(a_caller_that_never_closes_is_left),
		connected_test(a_caller_that_never_stops_is_left),
		connected_test(a_caller_that_never_reads_is_left),
		connected_test(a_caller_that_resets_does_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
