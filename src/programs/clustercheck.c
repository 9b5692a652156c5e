/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clustercheck: the one-shot command, in place of the script of the same name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/stamp.h"
#include "config/config.h"
#include "config/legacy.h"
#include "node/client.h"
#include "node/maintenance.h"
#include "node/probe.h"
#include "node/verdict.h"
#include "serve/inetd.h"
#include "view/answer.h"
#include "view/detail.h"
#include "view/status.h"

#define EXIT_USAGE 2

struct request {
	const char *config_file;
	const char *endpoint;
	bool quiet, json, help, version;
	bool over_socket;
	const char *const *positional;
	size_t positional_count;
};

struct check {
	struct config config;
	struct legacy legacy;
	struct endpoint endpoint;
	struct facts facts;
	struct verdict verdict;
};

static void print_help(void) {
	printf("Usage: clustercheck [OPTION]... [USER [PASSWORD [AVAILABLE_WHEN_DONOR [LOG_FILE\n"
	       "                    [AVAILABLE_WHEN_READONLY [DEFAULTS_EXTRA_FILE]]]]]]\n"
	       "       clustercheck [OPTION]... - [AVAILABLE_WHEN_DONOR [LOG_FILE\n"
	       "                    [AVAILABLE_WHEN_READONLY [DEFAULTS_EXTRA_FILE]]]]\n\n"
	       "Probes the local Galera node once and answers in HTTP: 200 and exit status 0 when\n"
	       "it may take traffic, 503 and 1 when not. The second form takes user and password\n"
	       "from the option file.\n\n"
	       "      --config FILE      read FILE instead of %s\n"
	       "      --endpoint /NAME   judge as this endpoint of the configuration does\n"
	       "      --json             print the verdict with its reason and facts as JSON\n"
	       "      --quiet            print nothing\n"
	       "  -V, --version          print the version\n"
	       "  -h, --help             this text\n\n"
	       "Options stand before the first positional argument. Defaults: clustercheckuser,\n"
	       "the original's password, 0, /dev/null, 1, /etc/my.cnf. Environment, also from\n"
	       "/etc/sysconfig/clustercheck and /etc/default/clustercheck: MYSQL_USERNAME\n"
	       "MYSQL_PASSWORD MYSQL_HOST MYSQL_PORT AVAILABLE_WHEN_DONOR\n"
	       "AVAILABLE_WHEN_READONLY ERR_FILE DEFAULTS_EXTRA_FILE.\n",
	       CONFIG_DEFAULT_FILE);
}

/* --- arguments ------------------------------------------------------------------------------ */

static int take_value(const char **target, const char *const **argument, struct text *error) {
	const char *name = **argument;
	const char *value = *++*argument;

	if (!value) {
		text_format(error, "%s needs a value", name);
		return -EINVAL;
	}
	*target = value;
	return 0;
}

/* Options end at the first argument that is none, so a password may look like one. */
static int parse_arguments(struct request *request, const char *const *argument,
			   struct text *error) {
	for (argument++; *argument && (*argument)[0] == '-' && (*argument)[1]; argument++) {
		int r = 0;

		if (strcmp(*argument, "--") == 0) {
			argument++;
			break;
		}
		if (strcmp(*argument, "--config") == 0)
			r = take_value(&request->config_file, &argument, error);
		else if (strcmp(*argument, "--endpoint") == 0)
			r = take_value(&request->endpoint, &argument, error);
		else if (strcmp(*argument, "--quiet") == 0)
			request->quiet = true;
		else if (strcmp(*argument, "--json") == 0)
			request->json = true;
		else if (strcmp(*argument, "--version") == 0 || strcmp(*argument, "-V") == 0)
			request->version = true;
		else if (strcmp(*argument, "--help") == 0 || strcmp(*argument, "-h") == 0)
			request->help = true;
		else if (strncmp(*argument, "--", 2) == 0)
			text_format(error, "unknown option %.60s; clustercheck --help lists them",
				    *argument);
		else
			break; /* a user name like the "-clustercheckuser" of an old release */
		if (r < 0 || error->length > 0)
			return -EINVAL;
	}
	request->positional = argument;
	while (argument[request->positional_count])
		request->positional_count++;
	return 0;
}

/* --- configuration -------------------------------------------------------------------------- */

static void read_sysconfig(struct legacy *legacy) {
	static const char *const paths[] = {SYSCONFDIR "/sysconfig/clustercheck",
					    SYSCONFDIR "/default/clustercheck"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		AUTO_FILE FILE *stream = fopen(paths[i], "re");

		if (stream)
			legacy_read_stream(legacy, stream);
	}
}

static int load(struct check *check, const struct request *request, struct text *error) {
	const struct config_sources sources = {
		.file = request->config_file ? request->config_file : CONFIG_DEFAULT_FILE,
		.file_required = request->config_file != NULL,
		.environment = environ,
	};
	const struct endpoint *endpoint;

	if (config_load(&check->config, &sources, error) < 0)
		return -EINVAL;
	read_sysconfig(&check->legacy);
	legacy_read_environment(&check->legacy, environ);
	legacy_read_arguments(&check->legacy, request->positional_count, request->positional);
	if (legacy_apply(&check->legacy, &check->config, error) < 0)
		return -EINVAL;
	endpoint = endpoint_find(&check->config.endpoints,
				 request->endpoint ? request->endpoint : "/");
	if (!endpoint) {
		text_format(error, "no endpoint %.60s is configured", request->endpoint);
		return -EINVAL;
	}
	check->endpoint = *endpoint;
	return 0;
}

/* --- probing -------------------------------------------------------------------------------- */

/* The share lost to flow control takes two readings, a tenth of a second apart. */
static void probe_again(struct probe *probe, struct facts *facts) {
	const struct timespec apart = {.tv_nsec = 110 * NSEC_PER_MSEC};

	nanosleep(&apart, NULL);
	probe_round(probe, facts);
}

static void probe_node(struct check *check) {
	struct probe *probe = NULL;

	if (client_library_init() == 0)
		probe = probe_create(&check->config.mysql, -1);
	if (!probe)
		return; /* never probed is never available */
	probe_round(probe, &check->facts);
	check->facts.transfer =
		transfer_look(check->config.notify.status_file, clock_now(), clock_wall());
	if (check->facts.probe.outcome == PROBE_OK && check->endpoint.policy.max_flow_control > 0)
		probe_again(probe, &check->facts);
	probe_destroy(probe);
	client_library_finish();
}

static void judge(struct check *check) {
	const struct maintenance_files files = maintenance_files_of(&check->config);

	maintenance_look(&files, &check->facts.order);
	if (order_mode(&check->facts.order, clock_now()) == MAINTENANCE_NONE)
		probe_node(check);
	check->verdict = verdict(&check->facts, &check->endpoint.policy, clock_now());
}

/* --- answering ------------------------------------------------------------------------------ */

static void answer(const struct check *check, const struct request *request) {
	bool head = request->over_socket && inetd_read_request(STDIN_FILENO);
	char storage[ANSWER_SIZE];
	struct text message;

	text_init(&message, storage, sizeof(storage));
	answer_message(&message, check->endpoint.policy.dialect, &check->verdict, head);
	if (request->over_socket) {
		inetd_send_answer(STDIN_FILENO, storage, message.length);
	} else if (!request->quiet) {
		fwrite(storage, 1, message.length, stdout);
		fflush(stdout);
	}
}

static void print_json(const struct check *check) {
	char *json = status_verdict_json(check->endpoint.path, &check->facts,
					 &check->endpoint.policy, clock_now());

	if (json)
		puts(json);
	free(json);
}

/* Where it cannot be written, the verdict stands all the same. */
static void write_err_file(const char *path, const char *line) {
	AUTO_CLOSE int fd = -1;
	char stamp[STAMP_SIZE];

	if (!path || strcmp(path, "/dev/null") == 0)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0640);
	if (fd < 0)
		return;
	stamp_format(stamp, clock_wall());
	dprintf(fd, "%s clustercheck: %s\n", stamp, line);
}

/* Over a socket of xinetd's, standard error is the caller's connection: then to the system's log.
 */
static void complain(const struct legacy *legacy, bool fault, const char *line) {
	write_err_file(legacy_err_file(legacy), line);
	if (!inetd_is_socket(STDERR_FILENO)) {
		if (fault || isatty(STDERR_FILENO))
			fprintf(stderr, "clustercheck: %s\n", line);
	} else if (fault) {
		openlog("clustercheck", LOG_PID, LOG_DAEMON);
		syslog(LOG_ERR, "%s", line);
	}
}

static void explain(const struct check *check) {
	char storage[768];
	struct text line;

	if (check->verdict.available)
		return;
	text_init(&line, storage, sizeof(storage));
	text_format(&line, "%s: ", reason_name(check->verdict.reason));
	detail_write(&line, check->verdict.reason, &check->facts, clock_now());
	/* Whoever plays the server may have written it. */
	text_flatten(&line, 0, '?');
	complain(&check->legacy, false, storage);
}

/* The file is tested before any configuration, so that it works with a broken one. */
static bool is_disabled(struct check *check) {
	const struct maintenance_files files = {.legacy_file = CONFIG_LEGACY_FILE};

	maintenance_look(&files, &check->facts.order);
	return check->facts.order.mode != MAINTENANCE_NONE;
}

static int run(struct check *check, const struct request *request, struct text *error) {
	bool disabled = is_disabled(check);
	bool broken = error->length > 0 || load(check, request, error) < 0;

	/* The endpoint's dialect and policy are the built-in ones as far as nothing was loaded. */
	if (disabled || broken) {
		check->endpoint.policy.dialect = check->config.policy.dialect;
		check->verdict = verdict(&check->facts, &check->endpoint.policy, clock_now());
	} else {
		judge(check);
	}
	if (broken && !disabled)
		complain(&check->legacy, true, error->bytes);
	if (broken && !disabled && !request->over_socket)
		return EXIT_USAGE;
	if (request->json && !request->over_socket && !request->quiet)
		print_json(check);
	else
		answer(check, request);
	if (broken && !disabled)
		return EXIT_USAGE;
	explain(check);
	return check->verdict.available ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
	struct request request = {.over_socket = inetd_is_socket(STDIN_FILENO)};
	AUTO_FREE struct check *check = calloc(1, sizeof(*check));
	char storage[512];
	struct text error;
	int r;

	(void)memory_keep_private(); /* a wish: the work goes on without it */
	(void)argc;
	text_init(&error, storage, sizeof(storage));
	if (!check)
		return EXIT_FAILURE;
	parse_arguments(&request, (const char *const *)argv, &error);
	if (request.help && error.length == 0) {
		print_help();
		return EXIT_SUCCESS;
	}
	if (request.version && error.length == 0) {
		printf("clustercheck " VERSION " (%s)\n", client_library_version());
		return EXIT_SUCCESS;
	}
	r = run(check, &request, &error);
	explicit_bzero(check, sizeof(*check));
	return r;
}
