/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/rendering.h"

#include <stdlib.h>

#include "base/clock.h"

#define MOMENT (50 * NSEC_PER_MSEC)
#define RENDERINGS 8 /* in a moment: about a millisecond */

void rendering_finish(struct rendering *rendering) {
	rendering_set(rendering, NULL);
}

bool rendering_is_due(struct rendering *rendering, int64_t now) {
	if (now - rendering->moment >= MOMENT) {
		rendering->moment = now;
		rendering->count = 0;
	}
	return rendering->count++ < RENDERINGS;
}

void rendering_set(struct rendering *rendering, char *text) {
	free(rendering->text);
	rendering->text = text;
}
