/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/order.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/document.h"
#include "base/stamp.h"

#define FORMAT_VERSION 1

/* The words of the file are those of the command line. */
static const struct {
	const char *word;
	enum maintenance mode;
} words[] = {
	{"drain", MAINTENANCE_DRAINING},
	{"disable", MAINTENANCE_DISABLED},
};

/* --- reading -------------------------------------------------------------------------------- */

static int refuse(struct text *error, const char *expected) {
	text_format(error, "expected %s", expected);
	return -EINVAL;
}

static int read_mode(struct order *order, const json_t *root, struct text *error) {
	const char *word = json_string_value(json_object_get(root, "order"));

	for (size_t i = 0; word && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word) == 0) {
			order->mode = words[i].mode;
			return 0;
		}
	}
	return refuse(error, "\"order\" to be \"drain\" or \"disable\"");
}

static int read_text(char *target, size_t size, const json_t *root, const char *name,
		     struct text *error) {
	const json_t *value = json_object_get(root, name);

	if (!value)
		return 0;
	/* They end on terminals and in log lines. */
	if (json_is_string(value) && text_is_shown(json_string_value(value)) &&
	    text_copy(target, size, json_string_value(value)))
		return 0;
	text_format(error, "expected \"%s\" to be one line of at most %zu bytes", name, size - 1);
	return -EINVAL;
}

static int read_stamp(int64_t *wall, const json_t *root, const char *name, struct text *error) {
	const json_t *value = json_object_get(root, name);

	if (!value)
		return 0;
	if (json_is_string(value) && stamp_parse(json_string_value(value), wall) == 0 && *wall > 0)
		return 0;
	text_format(error, "expected \"%s\" to be a time like 2026-01-31T23:59:59.123Z", name);
	return -EINVAL;
}

static int read_root(struct order *order, const json_t *root, struct text *error) {
	static const char *const names[] = {"version", "order", "by", "reason", "since", "until"};
	size_t known = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		known += json_object_get(root, names[i]) != NULL;
	if (!json_is_object(root) || known != json_object_size(root))
		return refuse(error, "an object of version, order, by, reason, since and until");
	if (json_integer_value(json_object_get(root, "version")) != FORMAT_VERSION)
		return refuse(error, "\"version\" to be 1");
	if (read_mode(order, root, error) < 0 ||
	    read_text(order->by, sizeof(order->by), root, "by", error) < 0 ||
	    read_text(order->reason, sizeof(order->reason), root, "reason", error) < 0 ||
	    read_stamp(&order->since, root, "since", error) < 0)
		return -EINVAL;
	return read_stamp(&order->until, root, "until", error);
}

int order_parse(struct order *order, const char *bytes, size_t length, struct text *error) {
	json_error_t where;
	json_t *root;
	int r;

	*order = (struct order){.origin = ORDER_GIVEN};
	document_begin();
	root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &where);
	if (document_failed()) {
		json_decref(root);
		text_append(error, strerror(ENOMEM));
		return -ENOMEM;
	}
	if (!root) {
		/* jansson (2.14) repeats what stands near the fault. */
		text_format(error, "no JSON: line %d: %s", where.line, where.text);
		text_flatten(error, 0, '?');
		return -EINVAL;
	}
	r = read_root(order, root, error);
	json_decref(root);
	return r;
}

/* --- writing -------------------------------------------------------------------------------- */

static void set_stamp(json_t *root, const char *name, int64_t wall) {
	char stamp[STAMP_SIZE];

	if (!wall)
		return;
	stamp_format(stamp, wall);
	json_object_set_new(root, name, json_string(stamp));
}

char *order_format(const struct order *order) {
	json_t *root;

	document_begin();
	root = json_pack("{s:i}", "version", FORMAT_VERSION);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].mode == order->mode)
			json_object_set_new(root, "order", json_string(words[i].word));
	json_object_set_new(root, "by", json_string(order->by));
	json_object_set_new(root, "reason", json_string(order->reason));
	set_stamp(root, "since", order->since);
	set_stamp(root, "until", order->until);
	return document_dump(root, JSON_INDENT(2));
}

/* --- what it means -------------------------------------------------------------------------- */

void order_reckon(struct order *order, int64_t now, int64_t wall) {
	int64_t ends = now + (order->until - wall);

	/* 0 stands for never. */
	order->ends = !order->until ? 0 : ends > 0 ? ends : 1;
}

enum maintenance order_mode(const struct order *order, int64_t now) {
	return order->ends && now >= order->ends ? MAINTENANCE_NONE : order->mode;
}

bool order_equals(const struct order *a, const struct order *b) {
	return a->mode == b->mode && a->origin == b->origin && a->since == b->since &&
	       a->until == b->until && strcmp(a->by, b->by) == 0 &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->file, b->file) == 0;
}

const char *maintenance_name(enum maintenance mode) {
	static const char *const names[] = {
		[MAINTENANCE_NONE] = "none",
		[MAINTENANCE_DRAINING] = "draining",
		[MAINTENANCE_DISABLED] = "disabled",
	};

	return names[mode];
}

const char *order_origin_name(enum order_origin origin) {
	static const char *const names[] = {
		[ORDER_NOWHERE] = "nowhere",
		[ORDER_GIVEN] = "given",
		[ORDER_LEGACY] = "legacy-file",
		[ORDER_DAMAGED] = "damaged",
	};

	return names[origin];
}

static void describe_given(const struct order *order, int64_t now, struct text *out) {
	char stamp[STAMP_SIZE];

	if (order->since) {
		stamp_format(stamp, order->since);
		text_format(out, " since %s", stamp);
	}
	if (order->by[0])
		text_format(out, " by %s", order->by);
	if (order->ends > now) {
		text_append(out, ", for another ");
		text_append_duration(out, order->ends - now);
	}
	if (order->reason[0])
		text_format(out, ": %s", order->reason);
}

void order_describe(const struct order *order, int64_t now, struct text *out) {
	enum maintenance mode = order_mode(order, now);

	if (mode == MAINTENANCE_NONE)
		return;
	text_append(out, maintenance_name(mode));
	switch (order->origin) {
	case ORDER_GIVEN:
		describe_given(order, now, out);
		return;
	case ORDER_LEGACY:
		text_format(out, " while %s exists", order->file);
		return;
	case ORDER_DAMAGED:
		text_format(out, " because of a damaged file: %s: %s", order->file, order->reason);
		return;
	case ORDER_NOWHERE:
		break;
	}
}
