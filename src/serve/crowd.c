/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/crowd.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"

#define LOG_INTERVAL (60 * NSEC_PER_SEC)

struct crowd_member {
	TAILQ_ENTRY(crowd_member) entry;
	int fd;
	bool is_shed; /* no longer in the list; its door is about to notice the end */
};

struct crowd {
	const char *name;
	size_t limit;
	size_t count;
	size_t shed; /* since the last line in the log */
	int64_t logged;
	TAILQ_HEAD(crowd_list, crowd_member) members; /* rested longest first */
};

struct crowd *crowd_create(const char *name, size_t limit) {
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (!crowd)
		return NULL;
	crowd->name = name;
	crowd->limit = limit;
	crowd->logged = clock_now() - LOG_INTERVAL;
	TAILQ_INIT(&crowd->members);
	return crowd;
}

void crowd_destroy(struct crowd *crowd) {
	free(crowd);
}

static void report(struct crowd *crowd) {
	int64_t now = clock_now();

	crowd->shed++;
	if (now - crowd->logged < LOG_INTERVAL)
		return;
	log_warning("%s: all %zu connections are taken; closing those that rested longest (%zu "
		    "since the last such line)",
		    crowd->name, crowd->limit, crowd->shed);
	crowd->logged = now;
	crowd->shed = 0;
}

static void remove_member(struct crowd *crowd, struct crowd_member *member) {
	TAILQ_REMOVE(&crowd->members, member, entry);
	crowd->count--;
}

/* MHD 0.9.75 hears of its own socket's end from epoll (EPOLLHUP), in whatever state it is. */
static void shed(struct crowd *crowd, struct crowd_member *member) {
	remove_member(crowd, member);
	member->is_shed = true;
	shutdown(member->fd, SHUT_RDWR);
	report(crowd);
}

struct crowd_member *crowd_join(struct crowd *crowd, int fd) {
	struct crowd_member *member = calloc(1, sizeof(*member));

	if (!member)
		return NULL;
	member->fd = fd;
	if (crowd->count == crowd->limit)
		shed(crowd, TAILQ_FIRST(&crowd->members));
	TAILQ_INSERT_TAIL(&crowd->members, member, entry);
	crowd->count++;
	return member;
}

void crowd_stir(struct crowd *crowd, struct crowd_member *member) {
	if (!member || member->is_shed)
		return;
	TAILQ_REMOVE(&crowd->members, member, entry);
	TAILQ_INSERT_TAIL(&crowd->members, member, entry);
}

void crowd_leave(struct crowd *crowd, struct crowd_member *member) {
	if (member && !member->is_shed)
		remove_member(crowd, member);
	free(member);
}
