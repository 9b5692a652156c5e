/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/operate.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/commands.h"
#include "serve/control.h"
#include "view/maintenance.h"
#include "view/waiting.h"

#define LOOK_MS 100

static enum maintenance mode_of(enum operator_command command) {
	switch (command) {
	case OPERATOR_DRAIN:
		return MAINTENANCE_DRAINING;
	case OPERATOR_DISABLE:
		return MAINTENANCE_DISABLED;
	default:
		return MAINTENANCE_NONE;
	}
}

/* Whoever is behind sudo, rather than root. */
static void name_operator(char *name, size_t size) {
	const char *before_sudo = getuid() == 0 ? getenv("SUDO_USER") : NULL;
	const struct passwd *account = before_sudo ? NULL : getpwuid(getuid());

	if (before_sudo && before_sudo[0])
		text_copy(name, size, before_sudo);
	else if (account)
		text_copy(name, size, account->pw_name);
	else
		snprintf(name, size, "uid %u", (unsigned int)getuid());
}

static struct wish make_wish(const struct operator_options *options) {
	struct wish wish = {
		.mode = mode_of(options->command),
		.duration = options->duration,
		.own_only = options->as != NULL,
	};

	if (options->as)
		text_copy(wish.by, sizeof(wish.by), options->as);
	else
		name_operator(wish.by, sizeof(wish.by));
	text_copy(wish.reason, sizeof(wish.reason), options->reason ? options->reason : "");
	return wish;
}

/* --- telling -------------------------------------------------------------------------------- */

static const char *error_in(const json_t *root) {
	const char *error = json_string_value(json_object_get(root, "error"));

	return error ? error : "the daemon answered something else";
}

static void print_order(const struct order *order, FILE *out) {
	char storage[768];
	struct text line;

	text_init(&line, storage, sizeof(storage));
	order_describe(order, clock_now(), &line);
	fprintf(out, "%s\n", line.length > 0 ? storage : "enabled");
}

/* The order in the daemon's document, as far as a line about it needs. */
static void print_answered(const json_t *root, FILE *out) {
	const json_t *order = json_object_get(root, "maintenance");
	const char *mode = json_string_value(json_object_get(order, "mode"));
	const char *by = json_string_value(json_object_get(order, "by"));
	const char *file = json_string_value(json_object_get(order, "file"));
	const char *until = json_string_value(json_object_get(order, "until"));

	if (!mode || strcmp(mode, "none") == 0)
		fputs("enabled\n", out);
	else if (by)
		fprintf(out, "%s by %s%s%s\n", mode, by, until ? " until " : "",
			until ? until : "");
	else
		fprintf(out, "%s because of %s\n", mode, file ? file : "a file");
}

static bool is_mode(const json_t *root, enum maintenance wanted) {
	const json_t *order = json_object_get(root, "maintenance");
	const char *mode = json_string_value(json_object_get(order, "mode"));

	return mode && strcmp(mode, maintenance_name(wanted)) == 0;
}

/* --- without a daemon ----------------------------------------------------------------------- */

static void print_standing(const struct operator_options *options, const struct order *order,
			   FILE *out) {
	AUTO_FREE char *json = options->json ? maintenance_order_json(order, clock_now()) : NULL;

	if (json)
		fprintf(out, "%s\n", json);
	else
		print_order(order, out);
}

static void tell_written(const struct wish *wish, const struct config *config) {
	if (wish->mode == MAINTENANCE_NONE)
		fprintf(stderr, "no daemon answers: no order stands in %s any more\n",
			config->maintenance_file);
	else
		fprintf(stderr,
			"no daemon answers: it stands in %s, for a daemon that starts and for "
			"clustercheck\n",
			config->maintenance_file);
}

static enum operate_result write_down(const struct operator_options *options,
				      const struct config *config, const struct wish *wish,
				      FILE *out) {
	const struct maintenance_files files = maintenance_files_of(config);
	struct steward *steward = steward_create(NULL, &files);
	char storage[640] = "out of memory";
	struct order order = {0};
	struct text error;
	int r = -ENOMEM;

	text_init(&error, storage, sizeof(storage));
	if (steward)
		r = steward_order(steward, wish, &error);
	if (steward)
		steward_current(steward, &order);
	steward_destroy(steward);
	if (r < 0) {
		fprintf(stderr, "%s%s\n", r == -EBUSY ? "left alone: the node is " : "", storage);
		if (r == -EBUSY && options->json)
			print_standing(options, &order, out);
		return r == -EBUSY ? OPERATE_DONE : OPERATE_FAILED;
	}
	tell_written(wish, config);
	print_standing(options, &order, out);
	if (order.mode != wish->mode)
		return OPERATE_FAILED;
	return options->wait ? OPERATE_NO_DAEMON : OPERATE_DONE;
}

/* --- waiting -------------------------------------------------------------------------------- */

/* On a terminal the lines of the last look are overwritten. */
static void show_progress(const char *lines, unsigned int *shown) {
	if (!isatty(STDERR_FILENO))
		return;
	if (*shown > 0)
		fprintf(stderr, "\033[%uA\033[J", *shown);
	*shown = 0;
	for (const char *at = lines; *at; at++)
		*shown += *at == '\n';
	fputs(lines, stderr);
}

static enum waiting_state look(struct waiting *waiting, const char *socket, char **document,
			       struct text *what) {
	const char *path =
		waiting->idle || waiting->no_sessions ? COMMAND_PATH "?sessions=yes" : COMMAND_PATH;
	/* The document is no older than this; what it tells happened before its end. */
	int64_t asked = clock_now();
	enum waiting_state state;
	char *fresh = NULL;
	int r = control_get(socket, path, &fresh);

	if (r < 0) {
		text_format(what, "  the daemon does not answer: %s\n", strerror(-r));
		return WAITING_GOES_ON;
	}
	free(*document);
	*document = fresh;
	state = waiting_judge(waiting, fresh, asked, what);
	if (waiting->told_at == asked)
		waiting->told_at = clock_now();
	return state;
}

static void print_end(const struct operator_options *options, enum waiting_state state,
		      const char *what, const char *document, int64_t waited, FILE *out) {
	char storage[64];
	struct text took;

	text_init(&took, storage, sizeof(storage));
	text_append_duration(&took, waited);
	if (options->json && document)
		fprintf(out, "%s\n", document);
	if (state == WAITING_DONE && !options->json)
		fprintf(out, "%s, after %s\n", what, storage);
	else if (state == WAITING_IN_VAIN)
		fprintf(stderr, "%s\n", what);
	else if (state == WAITING_GOES_ON)
		fprintf(stderr, "not done within %s; the order stands, and this is lacking:\n%s",
			storage, what);
}

static enum operate_result wait_for_all(const struct operator_options *options,
					enum maintenance mode, const char *socket, FILE *out) {
	struct waiting waiting = {
		.mode = mode,
		.polls = options->polls,
		.begin = clock_now(),
		.idle = options->idle,
		.no_sessions = options->no_sessions,
	};
	AUTO_FREE char *document = NULL;
	enum waiting_state state;
	unsigned int shown = 0;
	char storage[8192];
	struct text what;

	for (;;) {
		text_init(&what, storage, sizeof(storage));
		state = look(&waiting, socket, &document, &what);
		if (state != WAITING_GOES_ON || clock_now() - waiting.begin >= options->timeout)
			break;
		show_progress(storage, &shown);
		poll(NULL, 0, LOOK_MS);
	}
	show_progress("", &shown);
	print_end(options, state, storage, document, clock_now() - waiting.begin, out);
	return state == WAITING_DONE ? OPERATE_DONE : OPERATE_FAILED;
}

/* --- with a daemon -------------------------------------------------------------------------- */

static enum maintenance mode_in(const char *document) {
	json_t *root = document ? json_loads(document, 0, NULL) : NULL;
	enum maintenance mode = MAINTENANCE_NONE;

	if (is_mode(root, MAINTENANCE_DRAINING))
		mode = MAINTENANCE_DRAINING;
	else if (is_mode(root, MAINTENANCE_DISABLED))
		mode = MAINTENANCE_DISABLED;
	json_decref(root);
	return mode;
}

/* Whoever wants the node out is content with somebody else's order, once that is understood. */
static enum operate_result leave_standing(const struct operator_options *options,
					  const char *socket, FILE *out) {
	AUTO_FREE char *document = NULL;
	enum maintenance mode;

	control_get(socket, COMMAND_PATH, &document);
	mode = mode_in(document);
	if (options->wait && options->command != OPERATOR_ENABLE && mode != MAINTENANCE_NONE)
		return wait_for_all(options, mode, socket, out);
	if (options->json && document)
		fprintf(out, "%s\n", document);
	return OPERATE_DONE;
}

static enum operate_result take_answer(const struct operator_options *options, const char *socket,
				       unsigned int status, const char *answer, FILE *out) {
	json_t *root = json_loads(answer, 0, NULL);
	enum operate_result result = OPERATE_FAILED;

	if (status == 409) {
		fprintf(stderr, "left alone: the node is %s\n", error_in(root));
		result = leave_standing(options, socket, out);
	} else if (status != 200) {
		fprintf(stderr, "refused: %s\n", error_in(root));
	} else {
		if (!options->json)
			print_answered(root, out);
		else if (!options->wait)
			fprintf(out, "%s\n", answer);
		fflush(out);
		result = is_mode(root, mode_of(options->command)) ? OPERATE_DONE : OPERATE_FAILED;
		if (options->wait && result == OPERATE_DONE)
			result = wait_for_all(options, mode_of(options->command), socket, out);
	}
	json_decref(root);
	return result;
}

static void complain(const char *socket, int error) {
	bool is_refused = error == -EACCES || error == -EPERM;
	char storage[512];
	struct text why;

	text_init(&why, storage, sizeof(storage));
	control_describe_failure(socket, error, &why);
	fprintf(stderr, "%s%s\n", storage,
		is_refused ? "" : "; if the order has reached it, it may still count");
}

enum operate_result operate(const struct operator_options *options, const struct config *config,
			    const char *socket, FILE *out) {
	const struct wish wish = make_wish(options);
	AUTO_FREE char *command = wish_format(&wish);
	AUTO_FREE char *answer = NULL;
	unsigned int status;
	int r = -ENOENT;

	if (!command) {
		fprintf(stderr, "no order: its name or reason is not UTF-8, or memory is short\n");
		return OPERATE_FAILED;
	}
	if (socket[0])
		r = control_post(socket, COMMAND_PATH, command, &status, &answer);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return write_down(options, config, &wish, out);
	if (r < 0) {
		complain(socket, r);
		return OPERATE_FAILED;
	}
	return take_answer(options, socket, status, answer, out);
}
