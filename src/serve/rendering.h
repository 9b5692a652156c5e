/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text that is rendered when asked for, but no more than a few times in a moment: a flood of
 * requests for it gets the last one again, up to 50 ms old, and takes no time from the verdicts.
 * One thread's own.
 */
#ifndef CLUSTERCHECKD_SERVE_RENDERING_H
#define CLUSTERCHECKD_SERVE_RENDERING_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed to begin with. */
struct rendering {
	char *text; /* NULL: none, or the last attempt failed */
	int64_t moment;
	unsigned int count; /* of renderings in this moment */
};

void rendering_finish(struct rendering *rendering);

/* True when a new text is to be made now and given to rendering_set(). */
bool rendering_is_due(struct rendering *rendering, int64_t now);

/* Takes over `text`, which may be NULL. */
void rendering_set(struct rendering *rendering, char *text);

#endif
