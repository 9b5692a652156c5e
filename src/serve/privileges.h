/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process may do: no new privileges and no core dump whoever runs it, and with
 * [process] user= nothing that root may. Before any other thread exists and before anything but the
 * configuration has been opened: what the daemon cannot reach as that user shows at its start, not
 * at a later reload.
 */
#ifndef CLUSTERCHECKD_SERVE_PRIVILEGES_H
#define CLUSTERCHECKD_SERVE_PRIVILEGES_H

#include "base/text.h"
#include "config/config.h"

/*
 * Becomes the configured user for good, and makes sure that there is no way back. 0, or -errno with
 * a line in `error`; the process must then end.
 */
int privileges_drop(const struct config *config, struct text *error);

#endif
