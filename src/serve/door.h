/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One door of the HTTP server: a listening socket, and a thread that lets callers in and has
 * libmicrohttpd answer them. A door does not change once it is started, because its thread reads it
 * without a lock: other settings take a new door on a duplicate of the socket. All functions are
 * the main thread's.
 *
 * A door that is full sheds (crowd.h): holding connections keeps nobody out.
 */
#ifndef CLUSTERCHECKD_SERVE_DOOR_H
#define CLUSTERCHECKD_SERVE_DOOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "config/config.h"
#include "serve/peer.h"
#include "serve/stage.h"

struct MHD_Daemon;
struct crowd;
struct replies;

enum door_stage {
	DOOR_OPEN,
	DOOR_RETIRED, /* takes nobody in, but goes on with who is in */
	DOOR_ENDS,
};

struct door {
	char name[128]; /* its address: the identity across reloads */
	bool is_control;
	gid_t group; /* with is_control: whose members may connect too, or PEER_NO_GROUP */
	int fd;
	struct http_settings settings;
	struct replies *replies;
	struct audience *audience; /* the stage's */
	pthread_t thread;
	bool runs;
	int64_t retired; /* clock_now(); 0: no */
	int wake_fd;
	_Atomic enum door_stage stage;
	_Atomic unsigned int callers; /* that are in */

	/* its thread's own */
	struct MHD_Daemon *daemon;
	int epoll_fd;
	struct crowd *crowd;
	bool is_short;			 /* of descriptors, when it last let callers in */
	unsigned int rounds_for_nothing; /* in a row: no socket was ready, nothing was asked */
};

/* Takes over `fd`. NULL when out of memory; `fd` is closed then. */
struct door *door_create(const char *name, int fd, bool is_control);

/* Accepts no more, and ends once what was accepted is answered or takes too long. NULL is fine. */
void door_destroy(struct door *door);

/* Accepts no more, but goes on with what was accepted: for a door that has a successor. */
void door_retire(struct door *door);

/* True once a retired door has nothing left to answer, or has had a few seconds for it. */
bool door_is_over(const struct door *door);

/* 0, or -errno with a line in `error`. */
int door_start(struct door *door, const struct stage *stage, const struct http_settings *settings,
	       struct text *error);

/* True when the running door needs no successor for these settings. */
bool door_is_current(const struct door *door, const struct http_settings *settings);

#endif
