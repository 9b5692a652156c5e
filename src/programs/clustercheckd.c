/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clustercheckd: the daemon.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "config/config.h"
#include "config/option.h"
#include "node/client.h"
#include "serve/daemon.h"
#include "serve/privileges.h"
#include "serve/service.h"

#define ARGUMENT_MAX 64
#define EXIT_USAGE 2

enum action { ACTION_RUN, ACTION_CHECK, ACTION_DUMP, ACTION_HELP, ACTION_VERSION, ACTION_USAGE };

struct command_line {
	enum action action;
	struct config_sources sources;
	const char *arguments[ARGUMENT_MAX];
};

static void print_keys(void) {
	const char *section = "";

	for (size_t i = 0; i < option_count(); i++) {
		const struct config_option *option = option_at(i);

		if (strcmp(section, option->section) != 0)
			printf("\n[%s%s]\n", option->section,
			       option_is_of_endpoint(option) ? " /NAME" : "");
		section = option->section;
		printf("  %s=%s\n      %s\n", option->key, option->fallback, option->help);
	}
	printf("\n[endpoint /NAME] takes the keys of [policy] besides its own.\n");
}

static void print_help(void) {
	printf("Usage: clustercheckd [-c FILE] [-o SECTION.KEY=VALUE]...\n\n"
	       "Tells load balancers over HTTP whether the local Galera node may take traffic.\n\n"
	       "  -c, --config FILE     read FILE instead of %s\n"
	       "  -o, --option S.K=V    set a configuration key, over file and environment\n"
	       "      --check-config    only check the configuration\n"
	       "      --dump-config     print every key, its value and where that came from\n"
	       "  -h, --help            this text\n"
	       "  -V, --version         version and libraries\n\n"
	       "Keys, with their defaults; each also as CLUSTERCHECKD_SECTION_KEY in the "
	       "environment:\n",
	       CONFIG_DEFAULT_FILE);
	print_keys();
}

static enum action add_argument(struct command_line *line, const char *argument) {
	if (line->sources.argument_count == ARGUMENT_MAX) {
		fprintf(stderr, "clustercheckd: expected at most %d -o\n", ARGUMENT_MAX);
		return ACTION_USAGE;
	}
	line->arguments[line->sources.argument_count++] = argument;
	return line->action;
}

static void parse_command_line(struct command_line *line, int argc, char **argv) {
	enum { CHECK_CONFIG = 256, DUMP_CONFIG };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"option", required_argument, NULL, 'o'},
		{"check-config", no_argument, NULL, CHECK_CONFIG},
		{"dump-config", no_argument, NULL, DUMP_CONFIG},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int c;

	line->sources = (struct config_sources){
		.file = CONFIG_DEFAULT_FILE, .environment = environ, .arguments = line->arguments};
	while (line->action != ACTION_USAGE &&
	       (c = getopt_long(argc, argv, "c:o:hV", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			line->sources.file = optarg;
			line->sources.file_required = true;
			break;
		case 'o':
			line->action = add_argument(line, optarg);
			break;
		case CHECK_CONFIG:
			line->action = ACTION_CHECK;
			break;
		case DUMP_CONFIG:
			line->action = ACTION_DUMP;
			break;
		case 'h':
			line->action = ACTION_HELP;
			break;
		case 'V':
			line->action = ACTION_VERSION;
			break;
		default:
			line->action = ACTION_USAGE;
		}
	}
	if (line->action != ACTION_USAGE && optind < argc) {
		fprintf(stderr, "clustercheckd: unexpected argument: %s\n", argv[optind]);
		line->action = ACTION_USAGE;
	}
	if (config_file_exists(line->sources.file))
		line->sources.file_required = true;
}

static int run(struct config *config, const struct config_sources *sources) {
	struct daemon *daemon = NULL;
	char storage[512];
	struct text error;
	bool started, released;
	int r, status;

	text_init(&error, storage, sizeof(storage));
	log_set_level(config->log_level);
	service_use_journal();
	log_info("clustercheckd " VERSION ", %s", client_library_version());
	r = privileges_drop(config, &error);
	if (r == 0)
		r = daemon_create(&daemon, config, sources, &error);
	explicit_bzero(config, sizeof(*config)); /* the daemon has its own */
	started = r == 0;
	if (started)
		r = daemon_run(daemon);
	status = r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	released = daemon_destroy(daemon);
	/* Last, where somebody looks. */
	if (r < 0)
		log_error("%s: %s", started ? "stopped" : "cannot start",
			  started ? strerror(-r) : storage);
	if (!released)
		_exit(status);
	return status;
}

static int load_and_act(const struct command_line *line) {
	AUTO_FREE struct config *config = calloc(1, sizeof(*config));
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	if (!config)
		return EXIT_FAILURE;
	if (config_load(config, &line->sources, &error) < 0) {
		log_error("configuration: %s", storage);
		return EXIT_FAILURE;
	}
	if (line->action == ACTION_RUN)
		return run(config, &line->sources);
	if (line->action == ACTION_DUMP)
		config_dump(config, stdout);
	else
		printf("%s: ok\n", config->file[0] ? config->file : "built-in configuration");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
	struct command_line line = {.action = ACTION_RUN};

	log_init("clustercheckd");
	parse_command_line(&line, argc, argv);
	switch (line.action) {
	case ACTION_HELP:
		print_help();
		return EXIT_SUCCESS;
	case ACTION_VERSION:
		printf("clustercheckd " VERSION " (%s)\n", client_library_version());
		return EXIT_SUCCESS;
	case ACTION_USAGE:
		fprintf(stderr, "clustercheckd --help shows what there is\n");
		return EXIT_USAGE;
	default:
		return load_and_act(&line);
	}
}
