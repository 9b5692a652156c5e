/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clustercheckctl: the operator's command.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "node/client.h"
#include "serve/control.h"
#include "serve/doctor.h"
#include "serve/inquiry.h"
#include "view/explain.h"
#include "view/findings.h"
#include "view/grants.h"
#include "view/haproxy.h"
#include "view/screen.h"

#define EXIT_WARNINGS 1
#define EXIT_PROBLEMS 2
#define EXIT_USAGE 2
#define EXIT_NO_DAEMON 3

/* Switches without a letter: those of single commands. */
enum { SWITCH_JSON = 256, SWITCH_WATCH, SWITCH_USER, SWITCH_HOST };
#define OWN(id) (1u << ((id)-256))

struct request {
	const char *config_file; /* NULL: the default one, where it exists */
	const char *socket;	 /* NULL: the configured one */
	bool json, watch;
	const char *user, *host;
	const char *endpoint; /* NULL: none was named */
	bool colour;
	unsigned int own;     /* switches of single commands that were given */
	struct config config; /* loaded, unless the command does without */
};

/* --- configuration -------------------------------------------------------------------------- */

static int load(struct request *request, struct text *error) {
	const char *file = request->config_file ? request->config_file : CONFIG_DEFAULT_FILE;
	const struct config_sources sources = {
		.file = file,
		.file_required = request->config_file || config_file_exists(file),
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
	return request->socket ? request->socket : request->config.control.socket;
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
	const char *user = request->user;

	if (!user && load_or_complain(request) < 0)
		return EXIT_FAILURE;
	if (!user)
		user = request->config.mysql.user;
	if (!user[0]) {
		fprintf(stderr, "[mysql] user is empty: name one with --user\n");
		return EXIT_USAGE;
	}
	grants_print(user, request->host ? request->host : "localhost", stdout);
	return EXIT_SUCCESS;
}

/* --- status --------------------------------------------------------------------------------- */

static int show_status(const struct request *request, const char *socket) {
	AUTO_FREE char *body = NULL;
	int r = control_get(socket, "/status", &body);

	if (r < 0) {
		fprintf(stderr, "no daemon answers on %s: %s\n", socket, strerror(-r));
		return EXIT_NO_DAEMON;
	}
	if (request->json)
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
		if (isatty(STDOUT_FILENO) && !request->json)
			fputs("\033[H\033[2J", stdout);
		show_status(request, socket);
		if (fflush(stdout) < 0)
			return EXIT_FAILURE;
	} while (sigtimedwait(&ends, NULL, &pause) < 0);
	return EXIT_SUCCESS;
}

static int run_status(struct request *request) {
	const char *socket;

	if (!request->socket && load_or_complain(request) < 0)
		return EXIT_FAILURE;
	socket = control_socket(request);
	if (!socket[0]) {
		fprintf(stderr, "[control] socket is empty: there is no way to ask the daemon\n");
		return EXIT_FAILURE;
	}
	return request->watch ? watch_status(request, socket) : show_status(request, socket);
}

/* --- explain -------------------------------------------------------------------------------- */

static int run_explain(struct request *request) {
	const char *path = request->endpoint ? request->endpoint : "/";
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
	if (inquiry.facts.maintenance == MAINTENANCE_DISABLED)
		printf("%s exists: ask who made it and why, then remove it\n",
		       request->config.legacy_file);
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

/* --- the command line ----------------------------------------------------------------------- */

static const struct command {
	const char *name;
	const char *arguments;
	const char *help;
	int (*run)(struct request *request);
	unsigned int own; /* switches that others do not take */
	bool takes_endpoint;
	bool asks_server;
} commands[] = {
	{"status", "[--json] [--watch]",
	 "verdict per endpoint and why, the facts behind, last changes, who polls", run_status,
	 .own = OWN(SWITCH_JSON) | OWN(SWITCH_WATCH)},
	{"explain", "[ENDPOINT]",
	 "every rule of the verdict, the values it looked at, and which one decides", run_explain,
	 .takes_endpoint = true, .asks_server = true},
	{"doctor", "", "look for what is wrong or will be, and say what to do about it", run_doctor,
	 .asks_server = true},
	{"check-config", "", "check the configuration; names file, line and key of an error",
	 run_check_config},
	{"grants", "[--user USER] [--host HOST]", "SQL that makes the daemon's account", run_grants,
	 .own = OWN(SWITCH_USER) | OWN(SWITCH_HOST)},
	{"haproxy", "", "a stanza for HAProxy, ready to paste", run_haproxy, .asks_server = true},
};

static const struct {
	const char *name;
	int id; /* the letter, where there is one */
	const char *argument;
	const char *help;
} switches[] = {
	{"config", 'c', "FILE", "read FILE instead of " CONFIG_DEFAULT_FILE},
	{"socket", 's', "PATH", "control socket of the daemon, instead of the configured one"},
	{"json", SWITCH_JSON, NULL, "status: as JSON"},
	{"watch", SWITCH_WATCH, NULL, "status: again every second, until Ctrl-C"},
	{"user", SWITCH_USER, "USER", "grants: for this account, instead of the configured one"},
	{"host", SWITCH_HOST, "HOST", "grants: from this host, instead of localhost"},
	{"help", 'h', NULL, "this text"},
	{"version", 'V', NULL, "version and libraries"},
};

static void print_help(void) {
	printf("Usage: clustercheckctl [OPTION]... COMMAND\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %s%s%s\n      %s\n", commands[i].name,
		       commands[i].arguments[0] ? " " : "", commands[i].arguments,
		       commands[i].help);
	fputc('\n', stdout);
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		bool has_letter = switches[i].id < 256;

		printf("  %c%c%c --%s%s%-*s %s\n", has_letter ? '-' : ' ',
		       has_letter ? switches[i].id : ' ', has_letter ? ',' : ' ', switches[i].name,
		       switches[i].argument ? " " : "",
		       14 - (int)strlen(switches[i].name) - (switches[i].argument ? 1 : 0),
		       switches[i].argument ? switches[i].argument : "", switches[i].help);
	}
	printf("\nExit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answers; of doctor: 0 "
	       "all good,\n1 warnings, 2 problems.\n");
}

static void make_long_options(struct option *options) {
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		options[i] = (struct option){
			.name = switches[i].name,
			.has_arg = switches[i].argument ? required_argument : no_argument,
			.val = switches[i].id,
		};
}

static void take_switch(struct request *request, int id) {
	if (id >= SWITCH_JSON)
		request->own |= OWN(id);
	switch (id) {
	case 'c':
		request->config_file = optarg;
		break;
	case 's':
		request->socket = optarg;
		break;
	case SWITCH_JSON:
		request->json = true;
		break;
	case SWITCH_WATCH:
		request->watch = true;
		break;
	case SWITCH_USER:
		request->user = optarg;
		break;
	case SWITCH_HOST:
		request->host = optarg;
		break;
	default:
		break;
	}
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct request *request, int argc, char **argv) {
	struct option long_options[ARRAY_SIZE(switches) + 1] = {0};
	int id;

	make_long_options(long_options);
	while ((id = getopt_long(argc, argv, "c:s:hV", long_options, NULL)) != -1) {
		switch (id) {
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("clustercheckctl " VERSION " (%s)\n", client_library_version());
			return EXIT_SUCCESS;
		case '?':
			return EXIT_USAGE;
		default:
			take_switch(request, id);
		}
	}
	return -1;
}

static const struct command *find_command(const char *name) {
	for (size_t i = 0; name && i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	if (name)
		fprintf(stderr, "unknown command: %s; clustercheckctl --help lists them\n", name);
	else
		fprintf(stderr, "expected a command; clustercheckctl --help lists them\n");
	return NULL;
}

static bool take_arguments(struct request *request, const struct command *command,
			   char **argument) {
	if (*argument && command->takes_endpoint)
		request->endpoint = *argument++;
	if (*argument) {
		fprintf(stderr, "unexpected argument: %s\n", *argument);
		return false;
	}
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		if (switches[i].id >= SWITCH_JSON &&
		    OWN(switches[i].id) & request->own & ~command->own) {
			fprintf(stderr, "%s does not take --%s\n", command->name, switches[i].name);
			return false;
		}
	}
	return true;
}

static int run(const struct command *command, struct request *request) {
	int status;

	if (!command->asks_server)
		return command->run(request);
	if (client_library_init() < 0)
		return EXIT_FAILURE;
	status = command->run(request);
	client_library_finish();
	return status;
}

/* https://no-color.org: any value but the empty one. */
static bool wants_colour(void) {
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]);
}

int main(int argc, char **argv) {
	AUTO_FREE struct request *request = calloc(1, sizeof(*request));
	const struct command *command;
	int status;

	if (!request)
		return EXIT_FAILURE;
	status = parse(request, argc, argv);
	if (status >= 0)
		return status;
	command = find_command(argv[optind]);
	if (!command || !take_arguments(request, command, argv + optind + 1))
		return EXIT_USAGE;
	request->colour = wants_colour();
	status = run(command, request);
	explicit_bzero(request, sizeof(*request));
	return status;
}
