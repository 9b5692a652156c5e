/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A report as the renderers' golden files show it: a donor after a healthy time, two balancers, and
 * names as hostile as a server or a caller may send them.
 */
#ifndef CLUSTERCHECKD_TESTS_SAMPLE_REPORT_H
#define CLUSTERCHECKD_TESTS_SAMPLE_REPORT_H

#include "node/report.h"

/* The caller frees it with report_destroy(). */
struct report *sample_report_create(void);

#endif
