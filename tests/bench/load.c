/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_load: asks for checks as balancers do, and prints how many there were and how long each
 * took. One thread; a caller asks again as soon as it has its answer. Latency runs from before the
 * connect (or, on a kept connection, the request) to the last byte of the answer; with --to-end to
 * the end of the connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define CALLERS_MAX 1024
#define HEAD_SIZE 1024
#define REQUEST_SIZE 256

struct load {
	struct sockaddr_in target;
	bool keep, to_end;
	unsigned int callers, sources;
	int64_t duration, timeout;
	char request[REQUEST_SIZE];
	size_t request_length;
};

struct caller {
	int fd; /* -1: not connected */
	bool is_busy;
	int64_t began;
	size_t received, expected; /* bytes of the answer; 0 expected: its head is not whole */
	char head[HEAD_SIZE + 1];
};

static struct load load = {.callers = 1, .duration = NSEC_PER_SEC, .timeout = 2 * NSEC_PER_SEC};
static struct caller callers[CALLERS_MAX];
static int epoll_fd;

static _Noreturn void die(const char *what) {
	perror(what);
	exit(1);
}

/* --- what is counted ------------------------------------------------------------------------ */

/* Powers of two, each divided into as many steps: within 1.6 %. */
#define STEP_BITS 6
#define STEPS (1 << STEP_BITS)
#define BUCKETS ((64 - STEP_BITS) * STEPS)

static struct {
	uint64_t answers, not_ok, failed;
	int64_t longest;
	uint64_t buckets[BUCKETS];
} tally;

static size_t bucket_of(uint64_t nanoseconds) {
	int shift = 63 - __builtin_clzll(nanoseconds | STEPS) - STEP_BITS;

	return (size_t)(shift * STEPS) + (size_t)(nanoseconds >> shift);
}

static uint64_t bucket_start(size_t bucket) {
	size_t shift = bucket < STEPS ? 0 : bucket / STEPS - 1;

	return (uint64_t)(bucket - shift * STEPS) << shift;
}

static void count_answer(int64_t took, bool ok) {
	tally.answers++;
	tally.not_ok += !ok;
	tally.buckets[bucket_of((uint64_t)took)]++;
	if (took > tally.longest)
		tally.longest = took;
}

static void print_tally(int64_t lasted) {
	printf("seconds %.9f\nanswers %" PRIu64 "\nnot_ok %" PRIu64 "\nfailed %" PRIu64
	       "\nlongest %" PRId64 "\n",
	       (double)lasted / NSEC_PER_SEC, tally.answers, tally.not_ok, tally.failed,
	       tally.longest);
	for (size_t i = 0; i < BUCKETS; i++)
		if (tally.buckets[i])
			printf("bucket %" PRIu64 " %" PRIu64 "\n", bucket_start(i),
			       tally.buckets[i]);
}

/* --- one caller ----------------------------------------------------------------------------- */

/* With RST, as HAProxy (2.6) closes its checks: nothing is left in TIME_WAIT. */
static void hang_up(struct caller *caller) {
	const struct linger at_once = {.l_onoff = 1};

	if (caller->fd < 0)
		return;
	setsockopt(caller->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(caller->fd);
	caller->fd = -1;
}

static void fail(struct caller *caller) {
	tally.failed++;
	caller->is_busy = false;
	hang_up(caller);
}

static void watch(struct caller *caller, int operation, uint32_t events) {
	struct epoll_event event = {.events = events, .data.ptr = caller};

	if (epoll_ctl(epoll_fd, operation, caller->fd, &event) < 0)
		die("epoll_ctl");
}

/* The next of 127.64.0.1 and on. */
static void bind_source(int fd) {
	static uint32_t turn;
	const int on = 1;
	const struct sockaddr_in source = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f400001u + turn++ % load.sources),
	};

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&source, sizeof(source)) < 0)
		die("bind");
}

/* False when that takes a while, or failed: the socket then becomes writable. */
static bool connect_now(struct caller *caller) {
	const int on = 1;

	caller->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (caller->fd < 0)
		die("socket");
	setsockopt(caller->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (load.sources > 0)
		bind_source(caller->fd);
	return connect(caller->fd, (const struct sockaddr *)&load.target, sizeof(load.target)) == 0;
}

static bool send_request(struct caller *caller) {
	return send(caller->fd, load.request, load.request_length, MSG_NOSIGNAL) ==
	       (ssize_t)load.request_length;
}

static void begin(struct caller *caller) {
	bool connected = true;

	caller->began = clock_now();
	caller->is_busy = true;
	caller->received = caller->expected = 0;
	if (caller->fd < 0) {
		connected = connect_now(caller);
		watch(caller, EPOLL_CTL_ADD, connected ? EPOLLIN : EPOLLOUT);
	}
	if (connected && !send_request(caller))
		fail(caller);
}

static void find_expected(struct caller *caller) {
	const char *end, *length;

	caller->head[caller->received < HEAD_SIZE ? caller->received : HEAD_SIZE] = '\0';
	end = strstr(caller->head, "\r\n\r\n");
	length = end ? strcasestr(caller->head, "\r\nContent-Length: ") : NULL;
	if (length)
		caller->expected =
			(size_t)(end + 4 - caller->head) + strtoul(length + 18, NULL, 10);
}

static bool is_whole(const struct caller *caller) {
	return caller->expected && caller->received >= caller->expected;
}

/* False when the connection has ended. */
static bool receive(struct caller *caller) {
	static char bytes[65536];
	ssize_t got = recv(caller->fd, bytes, sizeof(bytes), 0);

	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	if (caller->received < HEAD_SIZE) {
		size_t room = HEAD_SIZE - caller->received;

		memcpy(caller->head + caller->received, bytes,
		       (size_t)got < room ? (size_t)got : room);
	}
	caller->received += (size_t)got;
	if (!caller->expected)
		find_expected(caller);
	return true;
}

static void go_on(struct caller *caller, uint32_t events) {
	bool is_open;

	if (!caller->is_busy) { /* its kept connection was closed meanwhile */
		hang_up(caller);
		return;
	}
	if (events & EPOLLOUT) {
		watch(caller, EPOLL_CTL_MOD, EPOLLIN);
		if (!send_request(caller))
			fail(caller);
		return;
	}
	is_open = receive(caller);
	if (!is_open && !is_whole(caller))
		fail(caller);
	if (!is_whole(caller) || (load.to_end && is_open))
		return;
	count_answer(clock_now() - caller->began, strncmp(caller->head + 8, " 200", 4) == 0);
	caller->is_busy = false;
	if (!load.keep)
		hang_up(caller);
}

/* --- all of them ---------------------------------------------------------------------------- */

static void fail_late_ones(int64_t now) {
	for (unsigned int i = 0; i < load.callers; i++)
		if (callers[i].is_busy && now - callers[i].began >= load.timeout)
			fail(&callers[i]);
}

/* Returns how many have asked and wait. */
static unsigned int begin_idle_ones(int64_t now, int64_t end) {
	unsigned int busy = 0;

	for (unsigned int i = 0; i < load.callers; i++) {
		if (!callers[i].is_busy && now < end)
			begin(&callers[i]);
		busy += callers[i].is_busy;
	}
	return busy;
}

/* Asks until `end`, and sees to its end what is under way then. */
static void run(int64_t end) {
	struct epoll_event events[CALLERS_MAX];
	int64_t now = clock_now();

	while (begin_idle_ones(now, end) > 0 || now < end) {
		int count = epoll_wait(epoll_fd, events, CALLERS_MAX, 20);

		for (int i = 0; i < count; i++) {
			struct caller *caller = events[i].data.ptr;

			go_on(caller, events[i].events);
			if (!caller->is_busy && clock_now() < end)
				begin(caller);
		}
		now = clock_now();
		fail_late_ones(now);
	}
}

/* --- the command line ----------------------------------------------------------------------- */

static _Noreturn void usage(void) {
	fputs("usage: bench_load [--keep] [--callers N] [--sources N] [--seconds S] [--timeout S]\n"
	      "                  [--to-end] [--path PATH] ADDRESS PORT\n",
	      stderr);
	exit(2);
}

static const char *parse_options(int argc, char **argv) {
	const char *path = "/";
	static const struct option options[] = {
		{"keep", no_argument, NULL, 'k'},
		{"callers", required_argument, NULL, 'c'},
		{"sources", required_argument, NULL, 'i'},
		{"seconds", required_argument, NULL, 's'},
		{"timeout", required_argument, NULL, 't'},
		{"path", required_argument, NULL, 'p'},
		{"to-end", no_argument, NULL, 'e'},
		{NULL, 0, NULL, 0},
	};

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'k')
			load.keep = true;
		else if (c == 'c')
			load.callers = (unsigned int)atoi(optarg);
		else if (c == 'i')
			load.sources = (unsigned int)atoi(optarg);
		else if (c == 's')
			load.duration = (int64_t)(atof(optarg) * NSEC_PER_SEC);
		else if (c == 't')
			load.timeout = (int64_t)(atof(optarg) * NSEC_PER_SEC);
		else if (c == 'e')
			load.to_end = true;
		else if (c == 'p')
			path = optarg;
		else
			usage();
	}
	return path;
}

static void parse(int argc, char **argv) {
	const char *path = parse_options(argc, argv);
	int length;

	load.target.sin_family = AF_INET;
	if (argc - optind != 2 || load.callers < 1 || load.callers > CALLERS_MAX ||
	    inet_pton(AF_INET, argv[optind], &load.target.sin_addr) != 1)
		usage();
	load.target.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
	/* What HAProxy's `option httpchk` sends, and what an HTTP/1.1 caller must. */
	length = snprintf(load.request, sizeof(load.request),
			  load.keep ? "GET %s HTTP/1.1\r\nHost: node\r\n\r\n"
				    : "OPTIONS %s HTTP/1.0\r\n\r\n",
			  path);
	if (length >= (int)sizeof(load.request))
		usage();
	load.request_length = (size_t)length;
}

int main(int argc, char **argv) {
	int64_t began;

	parse(argc, argv);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	for (unsigned int i = 0; i < load.callers; i++)
		callers[i].fd = -1;
	began = clock_now();
	run(began + load.duration);
	print_tally(clock_now() - began);
	return 0;
}
