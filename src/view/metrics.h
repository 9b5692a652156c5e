/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report in the Prometheus text format 0.0.4.
 */
#ifndef CLUSTERCHECKD_VIEW_METRICS_H
#define CLUSTERCHECKD_VIEW_METRICS_H

#include "base/text.h"
#include "node/report.h"

/* Room for every series there can be: reasons by endpoints twice, answers, and the rest. */
#define METRICS_SIZE (256 * 1024)

/* `client` is the name and version of the MySQL client library. */
void metrics_write(struct text *out, const struct report *report, const char *client);

#endif
