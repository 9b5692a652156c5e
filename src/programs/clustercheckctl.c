/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clustercheckctl: the operator's command.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "config/operator.h"
#include "node/client.h"
#include "serve/control.h"
#include "serve/doctor.h"
#include "serve/inquiry.h"
#include "serve/notify_send.h"
#include "serve/operate.h"
#include "view/explain.h"
#include "view/findings.h"
#include "view/grants.h"
#include "view/haproxy.h"
#include "view/screen.h"

#define EXIT_WARNINGS 1
#define EXIT_PROBLEMS 2
#define EXIT_USAGE 2
#define EXIT_NO_DAEMON 3

struct request {
	struct operator_options options;
	bool colour;
	struct config config; /* loaded, unless the command does without */
};

/* --- configuration -------------------------------------------------------------------------- */

static int load(struct request *request, struct text *error) {
	const char *file =
		request->options.config_file ? request->options.config_file : CONFIG_DEFAULT_FILE;
	const struct config_sources sources = {
		.file = file,
		.file_required = request->options.config_file || config_file_exists(file),
		.environment = environ,
	};

	return config_load(&request->config, &sources, error);
}

static int load_or_complain(struct request *request) {
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (load(request, &error) == 0)
		return 0;
	fprintf(stderr, "%s\n", storage);
	return -EINVAL;
}

static const char *control_socket(const struct request *request) {
	return request->options.socket ? request->options.socket : request->config.control.socket;
}

static int run_check_config(struct request *request) {
	if (load_or_complain(request) < 0)
		return EXIT_FAILURE;
	printf("%s: ok\n", request->config.file[0]
				   ? request->config.file
				   : "no file, built-in configuration and environment");
	return EXIT_SUCCESS;
}

static int run_grants(struct request *request) {
	const char *user = request->options.user;

	if (!user && load_or_complain(request) < 0)
		return EXIT_FAILURE;
	if (!user)
		user = request->config.mysql.user;
	if (!user[0]) {
		fprintf(stderr, "[mysql] user is empty: name one with --user\n");
		return EXIT_USAGE;
	}
	grants_print(user, request->options.host ? request->options.host : "localhost", stdout);
	return EXIT_SUCCESS;
}

/* --- status --------------------------------------------------------------------------------- */

static int show_status(const struct request *request, const char *socket) {
	AUTO_FREE char *body = NULL;
	int r = control_get(socket, "/status", &body);
	char storage[512];
	struct text why;

	if (r < 0) {
		text_init(&why, storage, sizeof(storage));
		control_describe_failure(socket, r, &why);
		fprintf(stderr, "%s\n", storage);
		return EXIT_NO_DAEMON;
	}
	if (request->options.json)
		return puts(body) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (screen_print(body, request->colour, stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "the daemon on %s answered something else\n", socket);
	return EXIT_FAILURE;
}

/* Once a second until Ctrl-C; a daemon that is away is waited for. */
static int watch_status(const struct request *request, const char *socket) {
	const struct timespec pause = {.tv_sec = 1};
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	do {
		/* Home, and what stood there is cleared. */
		if (isatty(STDOUT_FILENO) && !request->options.json)
			fputs("\033[H\033[2J", stdout);
		show_status(request, socket);
		if (fflush(stdout) < 0)
			return EXIT_FAILURE;
	} while (sigtimedwait(&ends, NULL, &pause) < 0);
	return EXIT_SUCCESS;
}

static int run_status(struct request *request) {
	const char *socket;

	if (!request->options.socket && load_or_complain(request) < 0)
		return EXIT_FAILURE;
	socket = control_socket(request);
	if (!socket[0]) {
		fprintf(stderr, "[control] socket is empty: there is no way to ask the daemon\n");
		return EXIT_FAILURE;
	}
	return request->options.watch ? watch_status(request, socket)
				      : show_status(request, socket);
}

/* --- explain -------------------------------------------------------------------------------- */

static int run_explain(struct request *request) {
	const char *path = request->options.endpoint ? request->options.endpoint : "/";
	const struct endpoint *endpoint;
	struct inquiry inquiry;

	if (load_or_complain(request) < 0)
		return EXIT_FAILURE;
	endpoint = endpoint_find(&request->config.endpoints, path);
	if (!endpoint) {
		fprintf(stderr, "no endpoint %s is configured\n", path);
		return EXIT_USAGE;
	}
	inquire(&inquiry, &request->config, control_socket(request));
	explain_print_source(control_socket(request), inquiry.daemon_error, &inquiry.facts,
			     inquiry.now, stdout);
	if (inquiry.facts.order.origin == ORDER_LEGACY)
		printf("%s exists: ask who made it and why, then remove it\n",
		       inquiry.facts.order.file);
	explain_print(path, &inquiry.facts, &endpoint->policy, inquiry.now, request->colour,
		      stdout);
	if (inquiry.status)
		explain_print_difference(inquiry.status, endpoint, &inquiry.facts, inquiry.now,
					 stdout);
	inquiry_finish(&inquiry);
	return EXIT_SUCCESS;
}

/* --- doctor and haproxy --------------------------------------------------------------------- */

static int run_doctor(struct request *request) {
	static const int statuses[] = {
		[FINDING_WARNING] = EXIT_WARNINGS, [FINDING_PROBLEM] = EXIT_PROBLEMS};
	AUTO_FREE struct findings *findings = calloc(1, sizeof(*findings));
	char storage[512];
	struct text error;

	if (!findings)
		return EXIT_PROBLEMS;
	text_init(&error, storage, sizeof(storage));
	if (load(request, &error) < 0)
		finding_remedy(finding_add(findings, FINDING_PROBLEM, "%s", storage),
			       "correct the configuration, then ask the doctor again");
	else
		doctor_examine(&request->config, control_socket(request), findings);
	findings_print(findings, request->colour, stdout);
	return statuses[findings->worst];
}

static int run_haproxy(struct request *request) {
	struct inquiry inquiry;

	if (load_or_complain(request) < 0)
		return EXIT_FAILURE;
	inquire(&inquiry, &request->config, control_socket(request));
	haproxy_print(&request->config, fact_text(&inquiry.facts, FACT_INCOMING_ADDRESSES), stdout);
	inquiry_finish(&inquiry);
	return EXIT_SUCCESS;
}

static int run_notify(struct request *request) {
	notify_send(request->options.words, request->options.socket);
	return EXIT_SUCCESS;
}

/* --- orders --------------------------------------------------------------------------------- */

static int run_order(struct request *request) {
	static const int statuses[] = {[OPERATE_DONE] = EXIT_SUCCESS,
				       [OPERATE_FAILED] = EXIT_FAILURE,
				       [OPERATE_NO_DAEMON] = EXIT_NO_DAEMON};

	if (load_or_complain(request) < 0)
		return EXIT_FAILURE;
	return statuses[operate(&request->options, &request->config, control_socket(request),
				stdout)];
}

/* --- the command line ----------------------------------------------------------------------- */

static const struct {
	int (*run)(struct request *request);
	bool asks_server;
} commands[OPERATOR_COMMAND_COUNT] = {
	[OPERATOR_STATUS] = {run_status},
	[OPERATOR_EXPLAIN] = {run_explain, .asks_server = true},
	[OPERATOR_DRAIN] = {run_order},
	[OPERATOR_DISABLE] = {run_order},
	[OPERATOR_ENABLE] = {run_order},
	[OPERATOR_DOCTOR] = {run_doctor, .asks_server = true},
	[OPERATOR_CHECK_CONFIG] = {run_check_config},
	[OPERATOR_GRANTS] = {run_grants},
	[OPERATOR_NOTIFY] = {run_notify},
	[OPERATOR_HAPROXY] = {run_haproxy, .asks_server = true},
};

static int run(struct request *request) {
	enum operator_command command = request->options.command;
	int status;

	if (!commands[command].asks_server)
		return commands[command].run(request);
	if (client_library_init() < 0)
		return EXIT_FAILURE;
	status = commands[command].run(request);
	client_library_finish();
	return status;
}

/* https://no-color.org: any value but the empty one. */
static bool wants_colour(void) {
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct operator_options *options, int argc, char **argv) {
	char storage[256];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (operator_options_parse(options, argc, argv, &error) < 0) {
		fprintf(stderr, "clustercheckctl: %s\n", storage);
		return EXIT_USAGE;
	}
	if (options->help)
		operator_options_print(stdout);
	else if (options->version)
		printf("clustercheckctl " VERSION " (%s)\n", client_library_version());
	return options->help || options->version ? EXIT_SUCCESS : -1;
}

int main(int argc, char **argv) {
	AUTO_FREE struct request *request = calloc(1, sizeof(*request));
	int status;

	(void)memory_keep_private(); /* a wish: the work goes on without it */
	if (!request)
		return EXIT_FAILURE;
	status = parse(&request->options, argc, argv);
	if (status >= 0)
		return status;
	log_init("clustercheckctl");
	request->colour = wants_colour();
	status = run(request);
	explicit_bzero(request, sizeof(*request));
	return status;
}
