/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/flow.h"

#include <string.h>

#include "base/clock.h"

#define CLOSEST (100 * NSEC_PER_MSEC)
#define WINDOW (10 * NSEC_PER_SEC)

static const struct flow_reading *reading(const struct flow_window *window, size_t index) {
	return &window->readings[index % FLOW_READINGS];
}

static double share_since(const struct flow_reading *before, double ns, int64_t now) {
	double share = (ns - before->ns) / (double)(now - before->at);

	return share < 1 ? share : 1;
}

/* The oldest reading within the window; there is at least one. */
static const struct flow_reading *oldest(const struct flow_window *window, int64_t now) {
	size_t index = window->count > FLOW_READINGS ? window->count - FLOW_READINGS : 0;

	while (index + 1 < window->count && now - reading(window, index)->at > WINDOW)
		index++;
	return reading(window, index);
}

static void keep(struct flow_window *window, double ns, int64_t now) {
	window->readings[window->count++ % FLOW_READINGS] = (struct flow_reading){now, ns};
}

void flow_window_reset(struct flow_window *window) {
	memset(window, 0, sizeof(*window));
}

void flow_window_add(struct flow_window *window, double ns, int64_t now) {
	const struct flow_reading *before;

	if (window->count == 0) {
		keep(window, ns, now);
		return;
	}
	before = reading(window, window->count - 1);
	if (now - before->at < CLOSEST)
		return;
	if (ns < before->ns) {
		/* FLUSH STATUS set the counter back: what is known stands until the next reading.
		 */
		window->count = 0;
	} else {
		window->last = share_since(before, ns, now);
		window->recent = share_since(oldest(window, now), ns, now);
		window->known = true;
	}
	keep(window, ns, now);
}
