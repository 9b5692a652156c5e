/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of clustercheckctl, as values. One table of commands and one of switches are
 * parsed by and printed as the help text.
 */
#ifndef CLUSTERCHECKD_CONFIG_OPERATOR_H
#define CLUSTERCHECKD_CONFIG_OPERATOR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

enum operator_command {
	OPERATOR_STATUS,
	OPERATOR_EXPLAIN,
	OPERATOR_DRAIN,
	OPERATOR_DISABLE,
	OPERATOR_ENABLE,
	OPERATOR_DOCTOR,
	OPERATOR_CHECK_CONFIG,
	OPERATOR_GRANTS,
	OPERATOR_NOTIFY,
	OPERATOR_HAPROXY,
	OPERATOR_COMMAND_COUNT
};

/* Texts point into the arguments; NULL: not given. */
struct operator_options {
	enum operator_command command;
	const char *config_file, *socket;
	bool json, watch, help, version;
	const char *user, *host; /* grants */
	const char *endpoint;	 /* explain */
	char *const *words;	 /* notify: the server's, up to NULL, not looked at here */
	/* drain, disable, enable */
	const char *reason, *as;
	int64_t duration; /* nanoseconds; 0: without end */
	int64_t timeout;  /* nanoseconds, of waiting */
	uint64_t polls;
	bool wait, idle, no_sessions;
};

/* 0, or -EINVAL and a line in `error`. Uses getopt_long(3): one thread at a time. */
int operator_options_parse(struct operator_options *options, int argc, char **argv,
			   struct text *error);

void operator_options_print(FILE *stream);

#endif
