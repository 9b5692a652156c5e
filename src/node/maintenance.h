/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files in which operators' orders stand: the maintenance file, which clustercheckctl writes,
 * and the legacy file, which disables the node by existing. Any thread; no lock but the one
 * that keeps processes apart (see steward.h).
 */
#ifndef CLUSTERCHECKD_NODE_MAINTENANCE_H
#define CLUSTERCHECKD_NODE_MAINTENANCE_H

#include "base/text.h"
#include "config/config.h"
#include "node/order.h"

/* An empty path: none. */
struct maintenance_files {
	char file[ORDER_FILE_SIZE];
	char legacy_file[ORDER_FILE_SIZE];
};

struct maintenance_files maintenance_files_of(const struct config *config);

/*
 * The order that stands at this moment; the legacy file comes first. What cannot be read or
 * understood disables the node, and says which file and why. See order_reckon() for its end.
 *
 * 0, or -EAGAIN when it cannot be told for want of descriptors or memory: whoever knows what stood
 * there before may go by that; `order` is then filled as for a file that cannot be read.
 */
int maintenance_read(const struct maintenance_files *files, struct order *order);

/* The same for somebody who looks but once: with its end, and no difference for want of anything.
 */
void maintenance_look(const struct maintenance_files *files, struct order *order);

/* Whether the legacy file exists, as far as anybody can tell that it does not. */
bool maintenance_is_legacy(const char *legacy_file);

/*
 * Puts an order into the file, or takes the file away; whatever happens meanwhile, the old or the
 * new one is there, whole, and it is on the disk before this returns. Everybody may read it: the
 * one-shot command runs as nobody. 0, or -errno with a line in `error`.
 */
int maintenance_write(const char *file, const struct order *order, struct text *error);
int maintenance_remove(const char *file, struct text *error);

/*
 * Keeps other processes that ask for the same away from the file until the descriptor returned is
 * closed. Waits `patience` (nanoseconds) at most: -EWOULDBLOCK when somebody has it all the time;
 * anybody who may open the directory can, so that nobody must depend on it. Another -errno where
 * directories cannot be locked. It is on the directory: the file itself comes and goes.
 */
int maintenance_lock(const char *file, int64_t patience);

#endif
