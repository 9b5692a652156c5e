/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maintenance: what an operator has ordered, as it stands in files. Any thread; no allocation.
 */
#ifndef CLUSTERCHECKD_NODE_MAINTENANCE_H
#define CLUSTERCHECKD_NODE_MAINTENANCE_H

#include "node/facts.h"

/*
 * The legacy file disables the node by existing. An empty path never does. Where the answer cannot
 * be known (its directory may not be searched, say), the node counts as disabled.
 */
enum maintenance maintenance_read(const char *legacy_file);

#endif
