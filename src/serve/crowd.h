/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connections of one door, ordered by their last sign of life: accepted, or a whole request.
 * One more than the limit, and the one that has rested longest is shut down. So callers that hold
 * connections, drip bytes or read nothing push each other out and never keep a balancer waiting,
 * from whatever addresses they come and whichever it shares with them; only one who makes `limit`
 * connections between two signs of life of another pushes that one out.
 *
 * All functions are the door's thread's, from within libmicrohttpd's callbacks.
 */
#ifndef CLUSTERCHECKD_SERVE_CROWD_H
#define CLUSTERCHECKD_SERVE_CROWD_H

#include <stddef.h>

struct crowd;
struct crowd_member;

/* NULL when out of memory. `name` is for the log and must outlive the crowd. */
struct crowd *crowd_create(const char *name, size_t limit);

/* Everybody has left. NULL is fine. */
void crowd_destroy(struct crowd *crowd);

/* `fd` stays the caller's, open until the member leaves. NULL: no memory to remember it. */
struct crowd_member *crowd_join(struct crowd *crowd, int fd);

/* A sign of life. NULL is fine, also below. */
void crowd_stir(struct crowd *crowd, struct crowd_member *member);

void crowd_leave(struct crowd *crowd, struct crowd_member *member);

#endif
