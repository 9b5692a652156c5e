/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings as lines for people: level, what was found, what to do about it.
 */
#ifndef CLUSTERCHECKD_VIEW_FINDINGS_H
#define CLUSTERCHECKD_VIEW_FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "node/finding.h"

void findings_print(const struct findings *findings, bool colour, FILE *stream);

#endif
