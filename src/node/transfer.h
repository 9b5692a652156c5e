/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state transfer as the server's wsrep_status_file tells it: the only window into a node that
 * receives one, since it accepts no connection meanwhile.
 */
#ifndef CLUSTERCHECKD_NODE_TRANSFER_H
#define CLUSTERCHECKD_NODE_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/text.h"

/* What the file says. Plain values. */
struct transfer {
	bool receiving; /* a state transfer is under way, as far as can be known */
	bool known;	/* there is a file, and it was understood */
	char state[32]; /* the server's words: "JOINING", "Receiving SST" */
	char comment[64];
	bool has_progress; /* only some servers tell it, and not for each method */
	double progress;   /* 0 to 1 */
	int64_t written;   /* clock_now() when the server wrote the file; 0 when not known */
	char error[128];   /* why there is a file but no word of it, for people; else empty */
};

/*
 * Reads the document that the server writes: {"status":{"state":"JOINING","comment":"Receiving
 * SST", "progress":{"from":1,"to":3,"total":1000,"done":420}}}. Fills state, comment, progress and
 * `known`, and lets all else be. -EINVAL for anything else, such as the half of one; -ENOMEM.
 */
int transfer_parse(struct transfer *transfer, const char *json, size_t length);

/* "receiving state transfer, 42 % (Receiving SST), told 12 s ago" */
void transfer_describe(const struct transfer *transfer, int64_t now, struct text *out);

/* The file, as far as it is known. */
struct transfer_file {
	char path[256];
	struct stat seen; /* of the version that was read */
	struct transfer transfer;
};

/* An empty path is no file at all. */
void transfer_file_init(struct transfer_file *file, const char *path);

/*
 * Looks at the file and returns what it says; a file that has not changed costs a stat(2). Times
 * are clock_now() and clock_wall(). Belongs to one thread at a time; the result stays the file's.
 *
 * Whether a file that says "JOINING" still tells the truth: the server (MariaDB 10.11) writes it
 * when a transfer begins and, with rsync, not again before it ends, and a server that crashes
 * leaves it behind. So one that has not been written for 15 seconds counts only while a program of
 * its owner's account listens on a TCP port, as a joiner does for its group and for the donor, and
 * none counts for longer than a day.
 */
const struct transfer *transfer_file_look(struct transfer_file *file, int64_t now, int64_t wall);

/* One look, for a program that takes no second one. */
struct transfer transfer_look(const char *path, int64_t now, int64_t wall);

#endif
