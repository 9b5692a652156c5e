/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An order: what an operator wants of the node whatever it says itself, who gave it, why, since
 * when and until when. Plain values; kept in a file as JSON, which is read strictly.
 */
#ifndef CLUSTERCHECKD_NODE_ORDER_H
#define CLUSTERCHECKD_NODE_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "config/limits.h"

enum maintenance { MAINTENANCE_NONE, MAINTENANCE_DRAINING, MAINTENANCE_DISABLED };

/* Where an order stands. */
enum order_origin {
	ORDER_NOWHERE,
	ORDER_GIVEN,   /* in the maintenance file: by clustercheckctl */
	ORDER_LEGACY,  /* the legacy file exists */
	ORDER_DAMAGED, /* a file that cannot be read or understood: taken for "disable" */
};

#define ORDER_FILE_SIZE CONFIG_PATH_SIZE

/* The largest file that is looked at. */
#define ORDER_TEXT_SIZE 4096

struct order {
	enum maintenance mode;
	enum order_origin origin;
	char file[ORDER_FILE_SIZE]; /* that says so; empty for MAINTENANCE_NONE */
	char by[ORDER_BY_SIZE];	    /* who gave it: a user's name, or "systemd" */
	/* Why, in the operator's words; of a damaged file, what is wrong with it. */
	char reason[ORDER_REASON_SIZE];
	int64_t since; /* UTC nanoseconds; 0: not known */
	int64_t until; /* UTC nanoseconds; 0: until somebody says `enable` */
	int64_t ends;  /* clock_now() when it ends by itself; 0: never */
};

/*
 * Fills mode, by, reason, since and until from a file's bytes; the origin is ORDER_GIVEN. 0, or
 * -EINVAL with what was expected in `error`, or -ENOMEM, which says nothing of the bytes.
 */
int order_parse(struct order *order, const char *bytes, size_t length, struct text *error);

/* The file's bytes, which the caller frees; NULL when out of memory. */
char *order_format(const struct order *order);

/*
 * Fixes when an order with `until` ends on the clock that nobody sets: once, when it is first seen,
 * so that a step of the wall clock afterwards neither ends nor prolongs it.
 */
void order_reckon(struct order *order, int64_t now, int64_t wall);

/* The mode at a moment (clock_now()): an order that has ended is none. */
enum maintenance order_mode(const struct order *order, int64_t now);

/* Whether two stand for the same order, whenever they were read. */
bool order_equals(const struct order *a, const struct order *b);

/*
 * For people: `disabled since 2026-11-24T16:20:00.000Z by alice, for another 29 min: new kernel`.
 * Empty for none.
 */
void order_describe(const struct order *order, int64_t now, struct text *out);

/* "none", "draining", "disabled"; "nowhere", "given", "legacy-file", "damaged". */
const char *maintenance_name(enum maintenance mode);
const char *order_origin_name(enum order_origin origin);

#endif
