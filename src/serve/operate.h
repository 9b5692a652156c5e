/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operator's side of an order: gives it to the daemon, or writes it down where there is none,
 * and waits until it is understood.
 */
#ifndef CLUSTERCHECKD_SERVE_OPERATE_H
#define CLUSTERCHECKD_SERVE_OPERATE_H

#include <stdio.h>

#include "config/config.h"
#include "config/operator.h"

enum operate_result {
	OPERATE_DONE,
	OPERATE_FAILED,	   /* or not everybody was told in time: the order stands all the same */
	OPERATE_NO_DAEMON, /* to wait for */
};

/*
 * Prints what became of it on `out`; complaints, and on a terminal the progress, on standard error.
 * `socket` may be empty: there is no daemon then.
 */
enum operate_result operate(const struct operator_options *options, const struct config *config,
			    const char *socket, FILE *out);

#endif
