/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/screen.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static const char *member(const json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static double number(const json_t *object, const char *name) {
	return json_number_value(json_object_get(object, name));
}

/* Names come from servers and callers: nothing in them may steer a terminal. */
static void print_clean(const char *text, FILE *stream) {
	while (*text) {
		size_t shown = text_shown(text);

		if (shown)
			fwrite(text, 1, shown, stream);
		else
			fputc('?', stream);
		text += shown ? shown : 1;
	}
}

static void print_ms(double ms, FILE *stream) {
	char storage[32];
	struct text text;

	text_init(&text, storage, sizeof(storage));
	text_append_duration(&text, clock_from_ms(ms));
	fputs(storage, stream);
}

static void print_names(const json_t *node, FILE *stream) {
	if (member(node, "name")[0]) {
		fputs("node ", stream);
		print_clean(member(node, "name"), stream);
		fputs(" of cluster ", stream);
		print_clean(member(node, "cluster_name"), stream);
		fputs(", ", stream);
	}
	if (json_is_integer(json_object_get(node, "index")))
		fprintf(stream, "member %.0f of %.0f, ", number(node, "index") + 1,
			number(node, "size"));
	if (member(node, "server_version")[0]) {
		fprintf(stream, "%s ", member(node, "flavour"));
		print_clean(member(node, "server_version"), stream);
	} else {
		fputs("a server that has told nothing of itself yet", stream);
	}
	fputc('\n', stream);
}

static void print_error(const char *what, const char *error, FILE *stream) {
	if (!error[0])
		return;
	fprintf(stream, "  %s: ", what);
	print_clean(error, stream);
	fputc('\n', stream);
}

static void print_probe(const json_t *root, FILE *stream) {
	const json_t *probe = json_object_get(root, "probe");

	if (json_object_get(root, "age_ms")) {
		fprintf(stream, "probe %s ", member(probe, "outcome"));
		print_ms(number(root, "age_ms"), stream);
		fprintf(stream, " ago, took %.1f ms\n", number(probe, "duration_ms"));
	}
	print_error("probe", member(probe, "error"), stream);
	print_error("fresh login", member(json_object_get(probe, "login"), "error"), stream);
}

static void print_part(const char *before, const char *text, FILE *stream) {
	if (!text[0])
		return;
	fputs(before, stream);
	print_clean(text, stream);
}

static void print_order(const json_t *order, FILE *stream) {
	const char *mode = member(order, "mode");

	if (!mode[0] || strcmp(mode, "none") == 0)
		return;
	fputs("ordered: ", stream);
	print_clean(mode, stream);
	print_part(" by ", member(order, "by"), stream);
	print_part(" since ", member(order, "since"), stream);
	print_part(" until ", member(order, "until"), stream);
	print_part(": ", member(order, "reason"), stream);
	fprintf(stream, " (%s ", member(order, "origin"));
	print_clean(member(order, "file"), stream);
	fputs(")\n", stream);
}

/* "state transfer: JOINING, 42 %, Receiving SST, told 12.0 s ago" */
static void print_transfer(const json_t *transfer, FILE *stream) {
	if (!transfer)
		return;
	fputs("status file: ", stream);
	print_clean(member(transfer, "error"), stream);
	if (!member(transfer, "error")[0]) {
		bool receiving = json_is_true(json_object_get(transfer, "receiving"));

		print_clean(receiving ? "receiving state transfer" : member(transfer, "state"),
			    stream);
		if (json_object_get(transfer, "progress"))
			fprintf(stream, ", %.0f %%", 100 * number(transfer, "progress"));
		fputs(" (", stream);
		print_clean(member(transfer, "comment"), stream);
		fputc(')', stream);
	}
	fputs(", told ", stream);
	print_ms(number(transfer, "age_ms"), stream);
	fputs(" ago\n", stream);
}

static void print_endpoints(const json_t *endpoints, bool colour, FILE *stream) {
	const char *path;
	json_t *judged;

	json_object_foreach ((json_t *)endpoints, path, judged) {
		bool available = json_is_true(json_object_get(judged, "available"));

		fprintf(stream, "  %-14s %s%3.0f %-20s%s since %s  %s\n", path,
			colour ? (available ? "\033[32m" : "\033[31m") : "",
			number(judged, "http_status"), member(judged, "reason"),
			colour ? "\033[0m" : "", member(judged, "since"), member(judged, "help"));
	}
}

static void print_facts(const json_t *facts, FILE *stream) {
	const char *name;
	json_t *fact;

	json_object_foreach ((json_t *)facts, name, fact) {
		const json_t *value = json_object_get(fact, "value");

		fprintf(stream, "  %-32s ", name);
		if (json_is_boolean(value))
			fputs(json_is_true(value) ? "ON" : "OFF", stream);
		else if (json_is_integer(value))
			fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		else if (json_is_real(value))
			fprintf(stream, "%.3f", json_real_value(value));
		else if (json_is_string(value))
			print_clean(json_string_value(value), stream);
		fprintf(stream, "%s%s\n", member(fact, "unit")[0] ? " " : "", member(fact, "unit"));
	}
}

static void print_history(const json_t *history, FILE *stream) {
	const size_t shown = 12;
	json_t *change;
	size_t i;

	json_array_foreach ((json_t *)history, i, change) {
		if (i == shown)
			break;
		fprintf(stream, "  %s  %s: %s → %s", member(change, "time"),
			member(change, "endpoint"), member(change, "old"), member(change, "new"));
		fputs(" (", stream);
		print_clean(member(change, "what"), stream);
		fputs("), after ", stream);
		print_ms(number(change, "held_ms"), stream);
		fputc('\n', stream);
	}
}

static void print_pollers(const json_t *pollers, FILE *stream) {
	json_t *poller;
	size_t i;

	json_array_foreach ((json_t *)pollers, i, poller) {
		const json_t *haproxy = json_object_get(poller, "haproxy");

		fprintf(stream, "  %-16s %-5s %-12s ", member(poller, "address"),
			member(poller, "via"), member(poller, "endpoint"));
		if (json_object_get(poller, "last_status"))
			fprintf(stream, "%.0f, ", number(poller, "last_status"));
		print_ms(number(poller, "age_ms"), stream);
		fputs(" ago", stream);
		if (json_object_get(poller, "period_ms")) {
			fputs(", every ", stream);
			print_ms(number(poller, "period_ms"), stream);
		}
		if (haproxy) {
			fputs(", sees ", stream);
			print_clean(member(haproxy, "name"), stream);
			fputs(" as ", stream);
			print_clean(member(haproxy, "state"), stream);
		}
		fputc('\n', stream);
	}
}

int screen_print(const char *json, bool colour, FILE *stream) {
	json_t *root = json_loads(json, 0, NULL);

	if (!json_is_object(json_object_get(root, "node")) ||
	    !json_is_object(json_object_get(root, "probe"))) {
		json_decref(root);
		return -EINVAL;
	}
	print_names(json_object_get(root, "node"), stream);
	print_probe(root, stream);
	print_order(json_object_get(root, "maintenance"), stream);
	print_transfer(json_object_get(root, "transfer"), stream);
	fputs("\nendpoints\n", stream);
	print_endpoints(json_object_get(root, "endpoints"), colour, stream);
	fputs("\nfacts\n", stream);
	print_facts(json_object_get(root, "facts"), stream);
	fputs("\nlast changes\n", stream);
	print_history(json_object_get(root, "history"), stream);
	fputs("\npollers\n", stream);
	print_pollers(json_object_get(root, "pollers"), stream);
	json_decref(root);
	return 0;
}
