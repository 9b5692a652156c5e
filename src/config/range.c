/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/range.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* A decimal number and nothing else: strtod() alone takes "inf", "nan", "0x1" and blanks too. */
static int parse_number(const char *text, double *number) {
	char *end;

	if (text[0] == '\0' || text[strspn(text, "0123456789.+-")] != '\0')
		return -EINVAL;
	*number = strtod(text, &end);
	return *end == '\0' && isfinite(*number) ? 0 : -EINVAL;
}

static int parse_start(const char *text, double *start) {
	*start = 0;
	if (strcmp(text, "~") == 0)
		*start = -INFINITY;
	else if (text[0])
		return parse_number(text, start);
	return 0;
}

static int parse_end(const char *text, double *end) {
	*end = INFINITY;
	return text[0] ? parse_number(text, end) : 0;
}

/* `text` is a copy, without the "@". */
static int parse_ends(struct range *range, char *text) {
	char *colon = strchr(text, ':');

	if (!colon)
		return parse_number(text, &range->end);
	*colon = '\0';
	if (!text[0] && !colon[1])
		return -EINVAL;
	if (parse_start(text, &range->start) < 0 || parse_end(colon + 1, &range->end) < 0)
		return -EINVAL;
	return 0;
}

int range_parse(struct range *range, const char *text) {
	char copy[RANGE_TEXT_SIZE];

	*range = (struct range){.inside = text[0] == '@'};
	if (!text_copy(range->text, sizeof(range->text), text) ||
	    !text_copy(copy, sizeof(copy), text + range->inside) || parse_ends(range, copy) < 0 ||
	    range->start > range->end) {
		*range = (struct range){0};
		return -EINVAL;
	}
	range->is_set = true;
	return 0;
}

bool range_alerts(const struct range *range, double value) {
	bool is_inside = value >= range->start && value <= range->end;

	return range->is_set && is_inside == range->inside;
}
