/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nagios ranges: each value is inside or outside, and "@" turns one into the other. */
#include "fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/range.h"

static void require_opposites(const struct range *range, const struct range *other) {
	const double values[] = {range->start, range->end, 0,
				 -1,	       1e9,	   nextafter(range->end, INFINITY)};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		require(range_alerts(range, values[i]) != range_alerts(other, values[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	AUTO_FREE char *text = fuzz_string(data, size);
	char turned[RANGE_TEXT_SIZE + 1];
	struct range range, other;

	if (range_parse(&range, text) < 0) {
		require(!range.is_set && !range_alerts(&range, 1e9));
		return 0;
	}
	require(strcmp(range.text, text) == 0);
	require(range.start <= range.end);
	if (!isinf(range.end))
		require(range_alerts(&range, nextafter(range.end, INFINITY)) == !range.inside);
	snprintf(turned, sizeof(turned), "%s%s", range.inside ? "" : "@", text + range.inside);
	if (range_parse(&other, turned) == 0)
		require_opposites(&range, &other);
	else
		require(strlen(turned) == RANGE_TEXT_SIZE);
	return 0;
}
