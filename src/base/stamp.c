/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/stamp.h"

#include <errno.h>
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

int stamp_parse(const char *stamp, int64_t *wall) {
	char again[STAMP_SIZE];
	struct tm utc = {0};
	int milliseconds;

	if (sscanf(stamp, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &utc.tm_year, &utc.tm_mon, &utc.tm_mday,
		   &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &milliseconds) != 7 ||
	    utc.tm_year < 1970 || utc.tm_year > 2261 || utc.tm_mon > 12 || utc.tm_mday > 31 ||
	    utc.tm_hour > 23 || utc.tm_min > 59 || utc.tm_sec > 59)
		return -EINVAL;
	utc.tm_year -= 1900;
	utc.tm_mon -= 1;
	*wall = timegm(&utc) * NSEC_PER_SEC + milliseconds * NSEC_PER_MSEC;
	/* No 30th of February, no blank or sign in the place of a digit. */
	stamp_format(again, *wall);
	return strcmp(again, stamp) == 0 ? 0 : -EINVAL;
}
