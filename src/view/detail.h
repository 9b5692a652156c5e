/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words behind a reason, for people: what was ordered, what the probe or the server's own file
 * said, else what the reason means.
 */
#ifndef CLUSTERCHECKD_VIEW_DETAIL_H
#define CLUSTERCHECKD_VIEW_DETAIL_H

#include "base/text.h"
#include "node/verdict.h"

void detail_write(struct text *out, enum reason reason, const struct facts *facts, int64_t now);

#endif
