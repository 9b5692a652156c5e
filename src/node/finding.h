/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Findings: what an examination has to say, each with its level and what to do about it. Plain
 * values; what no longer fits is counted and not kept.
 */
#ifndef CLUSTERCHECKD_NODE_FINDING_H
#define CLUSTERCHECKD_NODE_FINDING_H

#include <stddef.h>

enum finding_level { FINDING_OK, FINDING_NOTE, FINDING_WARNING, FINDING_PROBLEM };

#define FINDING_MAX 96

struct finding {
	enum finding_level level;
	char what[384];	  /* one line for people; never holds a secret */
	char remedy[256]; /* empty: there is nothing to do */
};

struct findings {
	enum finding_level worst;
	size_t count;
	size_t lost; /* that found no room */
	struct finding items[FINDING_MAX + 1];
};

/* Returns the finding, so that finding_remedy() can follow. */
struct finding *finding_add(struct findings *findings, enum finding_level level, const char *format,
			    ...) __attribute__((format(printf, 3, 4)));

void finding_remedy(struct finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
