/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clustercheckctl: the operator's command.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "node/client.h"
#include "serve/control.h"
#include "view/grants.h"
#include "view/screen.h"

#define EXIT_USAGE 2
#define EXIT_NO_DAEMON 3

struct options {
	const char *config_file; /* NULL: the default one, where it exists */
	const char *socket;	 /* NULL: the configured one */
	bool json;
	const char *user, *host;
};

struct command {
	const char *name;
	const char *help;
	int (*run)(const struct options *options);
};

static int load(struct config *config, const struct options *options) {
	const char *file = options->config_file ? options->config_file : CONFIG_DEFAULT_FILE;
	const struct config_sources sources = {
		.file = file,
		.file_required = options->config_file || config_file_exists(file),
		.environment = environ,
	};
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (config_load(config, &sources, &error) == 0)
		return 0;
	fprintf(stderr, "%s\n", storage);
	return -EINVAL;
}

static int run_check_config(const struct options *options) {
	AUTO_FREE struct config *config = calloc(1, sizeof(*config));

	if (!config || load(config, options) < 0)
		return EXIT_FAILURE;
	printf("%s: ok\n",
	       config->file[0] ? config->file : "no file, built-in configuration and environment");
	return EXIT_SUCCESS;
}

static int run_grants(const struct options *options) {
	AUTO_FREE struct config *config = calloc(1, sizeof(*config));
	const char *user = options->user;

	if (!config || (!user && load(config, options) < 0))
		return EXIT_FAILURE;
	if (!user)
		user = config->mysql.user;
	if (!user[0]) {
		fprintf(stderr, "[mysql] user is empty: name one with --user\n");
		return EXIT_USAGE;
	}
	grants_print(user, options->host ? options->host : "localhost", stdout);
	return EXIT_SUCCESS;
}

static int show_status(const char *socket, bool json) {
	AUTO_FREE char *body = NULL;
	int r = control_get(socket, "/status", &body);

	if (r < 0) {
		fprintf(stderr, "no daemon answers on %s: %s\n", socket, strerror(-r));
		return EXIT_NO_DAEMON;
	}
	if (json)
		return puts(body) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (screen_print(body, false, stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "the daemon on %s answered something else\n", socket);
	return EXIT_FAILURE;
}

static int run_status(const struct options *options) {
	AUTO_FREE struct config *config = calloc(1, sizeof(*config));

	if (options->socket)
		return show_status(options->socket, options->json);
	if (!config || load(config, options) < 0)
		return EXIT_FAILURE;
	if (!config->control.socket[0]) {
		fprintf(stderr, "[control] socket is empty: there is no way to ask the daemon\n");
		return EXIT_FAILURE;
	}
	return show_status(config->control.socket, options->json);
}

static const struct command commands[] = {
	{"status", "verdict per endpoint and why, the facts behind, last changes [--json]",
	 run_status},
	{"check-config", "check the configuration; 0: good, 1: not, with file, line and key",
	 run_check_config},
	{"grants", "SQL that makes the daemon's account [--user USER] [--host HOST]", run_grants},
};

static void print_help(void) {
	printf("Usage: clustercheckctl [OPTION]... COMMAND\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-14s %s\n", commands[i].name, commands[i].help);
	printf("\n  -c, --config FILE   read FILE instead of %s\n"
	       "  -s, --socket PATH   control socket of the daemon, instead of the configured one\n"
	       "  -h, --help          this text\n"
	       "  -V, --version       version and libraries\n\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage, 3 no daemon answers.\n",
	       CONFIG_DEFAULT_FILE);
}

/* Returns an exit status, or -1 to go on. */
static int parse(struct options *options, int argc, char **argv) {
	enum { JSON = 256, USER, HOST };
	static const struct option long_options[] = {
		{"config", required_argument, NULL, 'c'}, {"socket", required_argument, NULL, 's'},
		{"json", no_argument, NULL, JSON},	  {"user", required_argument, NULL, USER},
		{"host", required_argument, NULL, HOST},  {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},	  {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:s:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			options->config_file = optarg;
			break;
		case 's':
			options->socket = optarg;
			break;
		case JSON:
			options->json = true;
			break;
		case USER:
			options->user = optarg;
			break;
		case HOST:
			options->host = optarg;
			break;
		case 'h':
			print_help();
			return EXIT_SUCCESS;
		case 'V':
			printf("clustercheckctl " VERSION " (%s)\n", client_library_version());
			return EXIT_SUCCESS;
		default:
			return EXIT_USAGE;
		}
	}
	return -1;
}

int main(int argc, char **argv) {
	struct options options = {0};
	int status = parse(&options, argc, argv);

	if (status >= 0)
		return status;
	for (size_t i = 0; optind + 1 == argc && i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, argv[optind]) == 0)
			return commands[i].run(&options);
	if (optind >= argc)
		fprintf(stderr, "expected a command; clustercheckctl --help lists them\n");
	else if (optind + 1 < argc)
		fprintf(stderr, "unexpected argument: %s\n", argv[optind + 1]);
	else
		fprintf(stderr, "unknown command: %s; clustercheckctl --help lists them\n",
			argv[optind]);
	return EXIT_USAGE;
}
