/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of check_galera, as values. One table is parsed by and printed as the help text.
 */
#ifndef CLUSTERCHECKD_CONFIG_PLUGIN_H
#define CLUSTERCHECKD_CONFIG_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"
#include "config/policy.h"
#include "config/range.h"

/* What a monitoring plugin says; the values are its exit status. */
enum nagios_state { NAGIOS_OK, NAGIOS_WARNING, NAGIOS_CRITICAL, NAGIOS_UNKNOWN };

struct nagios_limit {
	struct range warning, critical;
};

/* What a condition counts for; unset: WARNING where the verdict is about it, else nothing. */
struct nagios_choice {
	bool is_set;
	enum nagios_state state;
};

/* Zero-initialised it limits nothing. */
struct nagios_limits {
	struct nagios_limit size;	  /* members */
	struct nagios_limit recv_queue;	  /* write-sets */
	struct nagios_limit flow_control; /* percent */
	struct nagios_choice donor, read_only;
	uint64_t expected_size; /* members; 0: unknown */
};

/* "http://host:port/path", taken apart; a host without brackets, a path with its slash or empty. */
struct plugin_url {
	char host[256]; /* empty: not given */
	char port[6];
	char path[ENDPOINT_PATH_SIZE];
};

/* Texts point into the arguments; NULL: not given. */
struct plugin_options {
	const char *host, *socket, *user, *defaults_file, *password_file;
	const char *config_file, *endpoint;
	const char *control; /* "" stands for the configured socket */
	struct plugin_url url;
	const char *peers_file;
	uint64_t port;	 /* 0: not given */
	int64_t timeout; /* nanoseconds for the whole run */
	struct nagios_limits limits;
	int verbosity;
	bool help, version;
};

/* 0, or -EINVAL and a line in `error`. Uses getopt_long(3): one thread at a time. */
int plugin_options_parse(struct plugin_options *options, int argc, char **argv, struct text *error);

void plugin_options_print(FILE *stream);

#endif
