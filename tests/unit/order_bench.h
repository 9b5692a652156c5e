/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bench for tests of orders: the files in a directory of their own, a publication, and a steward
 * over both.
 */
#ifndef CLUSTERCHECKD_TESTS_ORDER_BENCH_H
#define CLUSTERCHECKD_TESTS_ORDER_BENCH_H

#include <stdbool.h>

#include "node/steward.h"

extern struct maintenance_files files;
extern char directory[];
extern struct publication *publication;
extern struct steward *steward;
extern char told[640]; /* by the last order */

/* A test's set-up and tear-down. */
int bench_begin(void **state);
int bench_end(void **state);

struct snapshot published(void);
enum maintenance mode(void);
int give_wish(const struct wish *wish);
int give(enum maintenance wanted, const char *by, bool own_only);

#endif
