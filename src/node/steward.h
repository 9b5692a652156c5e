/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The steward of the operators' orders: takes them, keeps them in the maintenance file, sees what
 * others write there, ends them in time, and publishes what stands.
 *
 * Any thread; a lock of its own keeps reading or writing and publishing together, so that an order
 * just given is never overwritten by an older reading. It is held across file I/O, and nobody who
 * answers a balancer takes it. Other processes that write to the file are kept away meanwhile, as
 * far as they can be: for one that cannot be waited out it goes on without.
 */
#ifndef CLUSTERCHECKD_NODE_STEWARD_H
#define CLUSTERCHECKD_NODE_STEWARD_H

#include "node/maintenance.h"
#include "node/snapshot.h"

struct steward;

/* What an operator asks for. */
struct wish {
	enum maintenance mode; /* MAINTENANCE_NONE: enable */
	char by[ORDER_BY_SIZE];
	char reason[ORDER_REASON_SIZE];
	int64_t duration; /* nanoseconds; 0: until somebody says `enable` */
	/* Leave an order of somebody else alone: -EBUSY. One's own ends even below a legacy file.
	 */
	bool own_only;
};

/*
 * The publication (NULL: none, there is no daemon) must outlive it. NULL when out of memory.
 * Nothing is read before the first refresh.
 */
struct steward *steward_create(struct publication *publication,
			       const struct maintenance_files *files);
void steward_destroy(struct steward *steward);

/* Other files, read at once. */
void steward_configure(struct steward *steward, const struct maintenance_files *files);

/* Reads the files again, and publishes when the order has changed or its time is over. */
void steward_refresh(struct steward *steward);

/* The same for one who must not wait: does nothing while somebody else is at it. */
void steward_look(struct steward *steward);

/*
 * Fulfils a wish: once this returns 0, the order is on the disk and every answer obeys it. -EBUSY
 * where somebody else's stands, -ENOTSUP without a maintenance file, or another -errno; with a line
 * in `error`, and what stood there stands.
 */
int steward_order(struct steward *steward, const struct wish *wish, struct text *error);

/* The order that stands; none when its time is over. */
void steward_current(struct steward *steward, struct order *order);

#endif
