/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/commands.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/document.h"
#include "base/log.h"
#include "view/maintenance.h"

#define LONGEST_MS (INT64_C(366) * 24 * 3600 * 1000)

/* --- wishes --------------------------------------------------------------------------------- */

char *wish_format(const struct wish *wish) {
	json_t *root;

	document_begin();
	root = json_pack("{s:s, s:s, s:s, s:I, s:b}", "mode", maintenance_name(wish->mode), "by",
			 wish->by, "reason", wish->reason, "for_ms",
			 (json_int_t)(wish->duration / NSEC_PER_MSEC), "own_only", wish->own_only);
	return document_dump(root, JSON_COMPACT);
}

static int find_mode(const char *name, enum maintenance *mode) {
	for (int i = 0; i <= MAINTENANCE_DISABLED; i++) {
		if (strcmp(maintenance_name((enum maintenance)i), name) == 0) {
			*mode = (enum maintenance)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_members(struct wish *wish, json_t *root) {
	const char *mode, *by, *reason;
	json_int_t for_ms;
	int own_only;

	if (json_unpack(root, "{s:s, s:s, s:s, s:I, s:b!}", "mode", &mode, "by", &by, "reason",
			&reason, "for_ms", &for_ms, "own_only", &own_only) < 0)
		return -EINVAL;
	/* What goes into the file must be one that is understood when it is read again. */
	if (!by[0] || !text_is_shown(by) || !text_is_shown(reason) || for_ms < 0 ||
	    for_ms > LONGEST_MS)
		return -EINVAL;
	wish->duration = for_ms * NSEC_PER_MSEC;
	wish->own_only = own_only;
	if (!text_copy(wish->by, sizeof(wish->by), by) ||
	    !text_copy(wish->reason, sizeof(wish->reason), reason))
		return -EINVAL;
	return find_mode(mode, &wish->mode);
}

int wish_parse(struct wish *wish, const char *json, struct text *error) {
	json_t *root;
	int r;

	memset(wish, 0, sizeof(*wish));
	document_begin();
	root = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	r = take_members(wish, root);
	json_decref(root);
	if (document_failed()) {
		text_append(error, strerror(ENOMEM));
		return -ENOMEM;
	}
	if (r < 0)
		text_format(error,
			    "expected mode (none, draining, disabled), by (at most %d bytes), "
			    "reason (at most %d), for_ms (at most a year) and own_only",
			    ORDER_BY_SIZE - 1, ORDER_REASON_SIZE - 1);
	return r;
}

/* --- answers -------------------------------------------------------------------------------- */

char *command_report(const struct stage *stage, bool census) {
	struct maintenance_report *report = calloc(1, sizeof(*report));
	char *json;

	if (!report)
		return NULL;
	if (census)
		prober_want_census(stage->prober);
	publication_copy(stage->publication, &report->snapshot, NULL);
	report->now = clock_now();
	report->message = (struct message){
		.since = report->snapshot.epoch_since,
		.epoch = report->snapshot.epoch,
		.available =
			order_mode(&report->snapshot.facts.order, report->now) == MAINTENANCE_NONE,
	};
	report->balancer_count =
		audience_balancers(stage->audience, &report->message, report->balancers,
				   MAINTENANCE_BALANCERS, &report->balancer_total);
	report->started = stage->started;
	json = maintenance_json(report);
	free(report);
	return json;
}

static char *refusal(const char *why) {
	document_begin();
	return document_dump(json_pack("{s:s}", "error", why), JSON_COMPACT);
}

static void log_wish(const struct wish *wish) {
	static const char *const verbs[] = {
		[MAINTENANCE_NONE] = "enable",
		[MAINTENANCE_DRAINING] = "drain",
		[MAINTENANCE_DISABLED] = "disable",
	};

	log_info("%s ordered by %s%s%s", verbs[wish->mode], wish->by, wish->reason[0] ? ": " : "",
		 wish->reason);
}

unsigned int command_order(const struct stage *stage, const char *wish_text, char **answer) {
	char storage[640];
	struct wish wish;
	struct text error;
	int r;

	text_init(&error, storage, sizeof(storage));
	r = wish_parse(&wish, wish_text, &error);
	if (r < 0) {
		*answer = refusal(storage);
		return r == -ENOMEM ? 500 : 400;
	}
	r = steward_order(stage->steward, &wish, &error);
	if (r < 0) {
		*answer = refusal(storage);
		return r == -EBUSY ? 409 : 500;
	}
	log_wish(&wish);
	prober_wake(stage->prober);
	*answer = command_report(stage, false);
	return 200;
}
