/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/stamp.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

void stamp_format(char *stamp, int64_t wall) {
	time_t seconds = (time_t)(wall / NSEC_PER_SEC);
	struct tm utc;
	size_t length;

	gmtime_r(&seconds, &utc);
	length = strftime(stamp, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(stamp + length, STAMP_SIZE - length, ".%03uZ",
		 (unsigned int)(wall / NSEC_PER_MSEC % 1000) % 1000u);
}
