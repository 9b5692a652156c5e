/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moments as text: UTC with milliseconds, "2026-01-31T23:59:59.123Z".
 */
#ifndef CLUSTERCHECKD_BASE_STAMP_H
#define CLUSTERCHECKD_BASE_STAMP_H

#include <stdint.h>

#define STAMP_SIZE 32

/* `wall` is in nanoseconds since the epoch; `stamp` holds STAMP_SIZE bytes. */
void stamp_format(char *stamp, int64_t wall);

/* 0, or -EINVAL for anything that stamp_format() does not write. */
int stamp_parse(const char *stamp, int64_t *wall);

#endif
