/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/announce.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"

static void announce(const struct change *change) {
	char message[640], held[32];
	struct text line, milliseconds;
	const struct log_field fields[] = {
		{"CLUSTERCHECK_ENDPOINT", change->path},
		{"CLUSTERCHECK_OLD", reason_name(change->from)},
		{"CLUSTERCHECK_REASON", reason_name(change->to)},
		{"CLUSTERCHECK_CHANGED", change->what},
		{"CLUSTERCHECK_HELD_MS", held},
	};

	text_init(&line, message, sizeof(message));
	change_describe(change, &line);
	text_init(&milliseconds, held, sizeof(held));
	text_format(&milliseconds, "%" PRId64, change->held / NSEC_PER_MSEC);
	log_event(LOG_LEVEL_INFO, fields, ARRAY_SIZE(fields), message);
}

void announce_changes(const struct change *changes, size_t count) {
	for (size_t i = 0; i < count; i++)
		announce(&changes[i]);
}
