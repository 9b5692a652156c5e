/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes changes of verdicts into the log, a line each, with journal fields
 * (CLUSTERCHECK_ENDPOINT, _OLD, _REASON, _CHANGED, _HELD_MS) where there is a journal. Any thread,
 * outside every lock.
 */
#ifndef CLUSTERCHECKD_NODE_ANNOUNCE_H
#define CLUSTERCHECKD_NODE_ANNOUNCE_H

#include "node/history.h"

void announce_changes(const struct change *changes, size_t count);

#endif
