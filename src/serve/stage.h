/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every door has behind it.
 */
#ifndef CLUSTERCHECKD_SERVE_STAGE_H
#define CLUSTERCHECKD_SERVE_STAGE_H

#include "node/audience.h"
#include "node/prober.h"
#include "node/snapshot.h"
#include "node/steward.h"

/* All of it stays its owner's and must outlive the doors. */
struct stage {
	struct publication *publication;
	struct audience *audience;
	struct steward *steward;
	struct prober *prober;
	int64_t started; /* clock_now() */
};

#endif
