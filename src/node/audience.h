/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audience: who asks, under which path, how often, and what they were told. Balancers are known
 * by their address and the path they poll; those that send HAProxy's state also by what it calls
 * the server and itself, so that two backends of one host are two.
 *
 * Any thread; one short lock of its own, never held across I/O. What does not fit pushes out one of
 * an address that has brought many; else a caller who has not been asking for long: rather one of
 * the same address, and of several the one not heard of for longest. Where callers stand beside
 * each other nobody can work out who does not know the seed.
 */
#ifndef CLUSTERCHECKD_NODE_AUDIENCE_H
#define CLUSTERCHECKD_NODE_AUDIENCE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "config/policy.h"

#define POLLER_STATE_SIZE 160

enum poller_kind { POLLER_HTTP, POLLER_AGENT };

struct poller {
	struct in6_addr address; /* IPv4 in its mapped form; all zero: the control socket */
	enum poller_kind kind;
	char path[ENDPOINT_PATH_SIZE];
	uint64_t answers;
	int64_t last;	     /* clock_now() of the last answer */
	uint64_t streak;     /* answers since it came, or came back after a long silence */
	int64_t began;	     /* clock_now() of the first of those */
	int64_t period;	     /* nanoseconds between those, smoothed; 0: only one so far */
	unsigned int status; /* HTTP status of the last answer; 0 for an agent's */
	char state[POLLER_STATE_SIZE]; /* the last X-Haproxy-Server-State, or empty */
	/* The last answer was a verdict: under which order, which, and how often in a row. */
	bool is_verdict, available;
	uint64_t epoch, told;
};

/* An answer that was given. */
struct answer {
	enum poller_kind kind;
	const struct sockaddr *peer; /* NULL or a Unix address: the control socket */
	const char *path;
	const char *state;   /* X-Haproxy-Server-State, or NULL */
	unsigned int status; /* HTTP's; 0 for an agent's */
	bool is_verdict, available;
	uint64_t epoch; /* of the snapshot that it was made from */
};

/* How many answers with one status were given under one path. */
struct answer_count {
	char path[ENDPOINT_PATH_SIZE];
	enum poller_kind kind;
	unsigned int status;
	uint64_t count;
};

#define ANSWER_COUNT_MAX 96

struct audience;

/* `seed`: NULL for one that nobody can guess; another is for tests. NULL when out of memory. */
struct audience *audience_create(const uint64_t *seed);
void audience_destroy(struct audience *audience);

/* Notes an answer that has been sent. */
void audience_note(struct audience *audience, const struct answer *answer);

/* Copies the pollers heard of last, newest first; `total` receives how many are known. */
size_t audience_pollers(struct audience *audience, struct poller *pollers, size_t max,
			size_t *total);

/* What balancers are to be told: since clock_now(), under that order, that the node may be used. */
struct message {
	int64_t since;
	uint64_t epoch;
	bool available;
};

/* How many answers in a row, the last one included, told the poller just that; 0 without a message.
 */
uint64_t poller_told(const struct poller *poller, const struct message *message);

/*
 * Copies the balancers likewise, those told least first, and of equals the newest. So when all that
 * fit have been told, the others have. A balancer is who has asked for a verdict at least three
 * times (once, of those who came in the audience's first minute: they may have asked an earlier
 * daemon) and at least once a minute, was still asking at `message->since`, and has not been silent
 * for so long that it must be taken for gone: ten of its periods (three after a single one)
 * and, of one that had been asking for half a minute, a whole minute (HAProxy's downinter may be
 * long), of others ten seconds (a script that asked until it liked the answer keeps nobody waiting
 * for ever).
 */
size_t audience_balancers(struct audience *audience, const struct message *message,
			  struct poller *pollers, size_t max, size_t *total);

/* Copies all counts (at most ANSWER_COUNT_MAX). */
size_t audience_counts(struct audience *audience, struct answer_count *counts);

#endif
