/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threshold ranges as the Monitoring Plugins Development Guidelines write them: [@]START:END. Pure.
 *
 *   10      alert below 0 or above 10      ~:10    alert above 10
 *   10:     alert below 10                 10:20   alert outside 10 to 20
 *   @10:20  alert inside 10 to 20, both ends included
 */
#ifndef CLUSTERCHECKD_CONFIG_RANGE_H
#define CLUSTERCHECKD_CONFIG_RANGE_H

#include <stdbool.h>

#define RANGE_TEXT_SIZE 64

/* Zero-initialised it is unset, and never alerts. */
struct range {
	bool is_set;
	bool inside;	   /* alert inside instead of outside */
	double start, end; /* either may be infinite */
	char text[RANGE_TEXT_SIZE];
};

/* 0, or -EINVAL and an unset range. */
int range_parse(struct range *range, const char *text);

bool range_alerts(const struct range *range, double value);

#endif
