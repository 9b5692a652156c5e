/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/plugin.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define DEFAULT_TIMEOUT (10 * NSEC_PER_SEC)

enum kind {
	KIND_TEXT,	    /* const char * */
	KIND_OPTIONAL_TEXT, /* "" without a value */
	KIND_URL,	    /* struct plugin_url */
	KIND_RANGE,	    /* struct range */
	KIND_CHOICE,	    /* struct nagios_choice */
	KIND_COUNT,	    /* uint64_t */
	KIND_SECONDS,	    /* int64_t nanoseconds */
	KIND_FLAG,	    /* bool */
	KIND_MORE	    /* int: how often */
};

struct argument {
	char letter; /* 0: none */
	const char *name;
	const char *value; /* what the help text calls it; NULL: there is none */
	enum kind kind;
	size_t offset; /* in struct plugin_options */
	const char *help;
};

#define AT(member) offsetof(struct plugin_options, member)

static const struct argument arguments[] = {
	{'H', "host", "ADDRESS", KIND_TEXT, AT(host), "the database, over TCP"},
	{'P', "port", "PORT", KIND_COUNT, AT(port), "its port (3306)"},
	{'s', "socket", "PATH", KIND_TEXT, AT(socket), "the database, over its Unix socket"},
	{'u', "user", "USER", KIND_TEXT, AT(user), "account to log in with"},
	{'d', "defaults-file", "FILE", KIND_TEXT, AT(defaults_file),
	 "my.cnf whose [client] group has account and password"},
	{0, "password-file", "FILE", KIND_TEXT, AT(password_file),
	 "file whose first line is the password"},
	{0, "config", "FILE", KIND_TEXT, AT(config_file),
	 "read this clustercheckd.ini, and not the usual one"},
	{0, "url", "URL", KIND_URL, AT(url), "ask the daemon at http://HOST:PORT/ENDPOINT; no TLS"},
	{0, "control", "[SOCKET]", KIND_OPTIONAL_TEXT, AT(control),
	 "ask the daemon on this host over its control socket"},
	{0, "endpoint", "/NAME", KIND_TEXT, AT(endpoint), "judge as this endpoint does (/)"},
	{'w', "warning", "RANGE", KIND_RANGE, AT(limits.size.warning), "cluster size"},
	{'c', "critical", "RANGE", KIND_RANGE, AT(limits.size.critical), "cluster size"},
	{0, "recv-queue-warning", "RANGE", KIND_RANGE, AT(limits.recv_queue.warning),
	 "receive queue, in write-sets"},
	{0, "recv-queue-critical", "RANGE", KIND_RANGE, AT(limits.recv_queue.critical),
	 "receive queue, in write-sets"},
	{0, "flow-control-warning", "RANGE", KIND_RANGE, AT(limits.flow_control.warning),
	 "time paused by flow control, in percent"},
	{0, "flow-control-critical", "RANGE", KIND_RANGE, AT(limits.flow_control.critical),
	 "time paused by flow control, in percent"},
	{0, "donor", "STATE", KIND_CHOICE, AT(limits.donor),
	 "a donor or desynced node is ok, warning or critical"},
	{0, "read-only", "STATE", KIND_CHOICE, AT(limits.read_only),
	 "a read-only node is ok, warning or critical"},
	{0, "expected-size", "N", KIND_COUNT, AT(limits.expected_size),
	 "warning with fewer members"},
	{0, "missing-peers", "FILE", KIND_TEXT, AT(peers_file),
	 "warning when a node listed there is no member"},
	{'t', "timeout", "SECONDS", KIND_SECONDS, AT(timeout), "limit of the whole run (10)"},
	{'v', "verbose", NULL, KIND_MORE, AT(verbosity),
	 "long output: facts; -vv: the probe too; -vvv: all"},
	{'V', "version", NULL, KIND_FLAG, AT(version), "print the version"},
	{'h', "help", NULL, KIND_FLAG, AT(help), "this text"},
};

/* --- values --------------------------------------------------------------------------------- */

static int parse_url(struct plugin_url *url, const char *text) {
	int end = 0;

	*url = (struct plugin_url){.port = "80"};
	if (sscanf(text, "http://[%255[0-9a-fA-F:.]]%n", url->host, &end) != 1 || end == 0)
		if (sscanf(text, "http://%255[^]/:?#@[]%n", url->host, &end) != 1)
			return -EINVAL;
	text += end;
	if (text[0] == ':') {
		if (sscanf(text, ":%5[0-9]%n", url->port, &end) != 1)
			return -EINVAL;
		text += end;
	}
	if ((text[0] && text[0] != '/') || strtoul(url->port, NULL, 10) > 65535)
		return -EINVAL;
	return text_copy(url->path, sizeof(url->path), text) ? 0 : -EINVAL;
}

static int parse_choice(struct nagios_choice *choice, const char *value) {
	static const char *const words[] = {"ok", "warning", "critical"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcasecmp(words[i], value) != 0)
			continue;
		*choice = (struct nagios_choice){.is_set = true, .state = (enum nagios_state)i};
		return 0;
	}
	return -EINVAL;
}

static int parse_count(uint64_t *count, const char *value) {
	if (!value[0] || value[strspn(value, "0123456789")] || strlen(value) > 5)
		return -EINVAL;
	*count = strtoull(value, NULL, 10);
	return *count > 0 && *count <= 65535 ? 0 : -EINVAL;
}

static int parse_seconds(int64_t *nanoseconds, const char *value) {
	double seconds;
	char *end;

	if (!value[0] || value[strspn(value, "0123456789.")])
		return -EINVAL;
	seconds = strtod(value, &end);
	if (*end || seconds < 0.1 || seconds > 3600)
		return -EINVAL;
	*nanoseconds = (int64_t)(seconds * (double)NSEC_PER_SEC);
	return 0;
}

static int parse_value(enum kind kind, void *target, const char *value) {
	switch (kind) {
	case KIND_TEXT:
	case KIND_OPTIONAL_TEXT:
		*(const char **)target = value ? value : "";
		return 0;
	case KIND_URL:
		return parse_url(target, value);
	case KIND_RANGE:
		return range_parse(target, value);
	case KIND_CHOICE:
		return parse_choice(target, value);
	case KIND_COUNT:
		return parse_count(target, value);
	case KIND_SECONDS:
		return parse_seconds(target, value);
	case KIND_FLAG:
		*(bool *)target = true;
		return 0;
	case KIND_MORE:
		++*(int *)target;
		return 0;
	}
	return -EINVAL;
}

/* Other kinds take anything. */
static const char *const expectations[] = {
	[KIND_URL] = "http://HOST:PORT/ENDPOINT",
	[KIND_RANGE] = "a range like 10, 10:, ~:10, 10:20 or @10:20",
	[KIND_CHOICE] = "ok, warning or critical",
	[KIND_COUNT] = "a whole number from 1 to 65535",
	[KIND_SECONDS] = "seconds from 0.1 to 3600",
};

/* --- the command line ----------------------------------------------------------------------- */

/* getopt's tables; a long option returns its index here plus 256. */
static void make_tables(struct option *long_options, struct text *letters) {
	text_append(letters, "+:");
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		const struct argument *it = &arguments[i];
		int has_value = it->value ? required_argument : no_argument;

		if (it->kind == KIND_OPTIONAL_TEXT)
			has_value = optional_argument;
		long_options[i] = (struct option){it->name, has_value, NULL, 256 + (int)i};
		if (it->letter)
			text_format(letters, "%c%s", it->letter, it->value ? ":" : "");
	}
}

static const struct argument *find(int c) {
	if (c >= 256)
		return &arguments[c - 256];
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++)
		if (arguments[i].letter && arguments[i].letter == c)
			return &arguments[i];
	return NULL;
}

static int refuse(char **argv, int c, struct text *error) {
	const char *word = argv[optind - 1];

	if (c == ':')
		text_format(error, "%.60s needs a value", word);
	else if (optopt == 'p')
		text_append(error, "a password on the command line is seen by everyone: use "
				   "--password-file or --defaults-file");
	else
		text_format(error, "unknown option %.60s; check_galera --help lists them", word);
	return -EINVAL;
}

static int take(struct plugin_options *options, const struct argument *it, char **argv,
		struct text *error) {
	const char *value = optarg;

	/* getopt_long(3) itself finds an optional value behind "=" only. */
	if (it->kind == KIND_OPTIONAL_TEXT && !value && argv[optind] && argv[optind][0] != '-')
		value = argv[optind++];
	if (parse_value(it->kind, (char *)options + it->offset, value) == 0)
		return 0;
	text_format(error, "--%s: expected %s, not \"%.60s\"", it->name, expectations[it->kind],
		    value);
	return -EINVAL;
}

static int check_together(const struct plugin_options *options, struct text *error) {
	bool names_database = options->host || options->socket || options->user || options->port ||
			      options->defaults_file || options->password_file;

	if (options->url.host[0] && options->control)
		text_append(error, "--url, --control: expected only one of them");
	else if (options->host && options->socket)
		text_append(error, "--host, --socket: expected only one of them");
	else if ((options->url.host[0] || options->control) && names_database)
		text_append(error, "with --url or --control no database is asked: expected no "
				   "-H, -P, -s, -u, -d or --password-file");
	else
		return 0;
	return -EINVAL;
}

int plugin_options_parse(struct plugin_options *options, int argc, char **argv,
			 struct text *error) {
	struct option long_options[ARRAY_SIZE(arguments) + 1] = {0};
	char storage[2 * ARRAY_SIZE(arguments) + 3];
	struct text letters;
	int c;

	*options = (struct plugin_options){.timeout = DEFAULT_TIMEOUT};
	text_init(&letters, storage, sizeof(storage));
	make_tables(long_options, &letters);
	optind = 0; /* from the beginning, whoever has used it before */
	opterr = 0;
	while ((c = getopt_long(argc, argv, storage, long_options, NULL)) != -1) {
		if (!find(c))
			return refuse(argv, c, error);
		if (take(options, find(c), argv, error) < 0)
			return -EINVAL;
	}
	if (optind == argc)
		return check_together(options, error);
	text_format(error, "unexpected argument %.60s", argv[optind]);
	return -EINVAL;
}

void plugin_options_print(FILE *stream) {
	fputs("Usage: check_galera [-H ADDRESS [-P PORT] | -s PATH] [-u USER] [-d FILE] "
	      "[OPTION]...\n"
	      "       check_galera --url http://HOST:PORT/ENDPOINT [OPTION]...\n"
	      "       check_galera --control [SOCKET] [OPTION]...\n\n"
	      "Checks one Galera node: through its database, or through its clustercheckd.\n\n",
	      stream);
	for (size_t i = 0; i < ARRAY_SIZE(arguments); i++) {
		const struct argument *it = &arguments[i];
		char letter[] = {it->letter ? '-' : ' ', it->letter ? it->letter : ' ',
				 it->letter ? ',' : ' ', '\0'};

		fprintf(stream, "  %s --%-21s %-8s  %s\n", letter, it->name,
			it->value ? it->value : "", it->help);
	}
	fputs("\nA RANGE is [@]START:END: 10 alerts below 0 and above 10, 10: below 10, ~:10 "
	      "above\n"
	      "10, @3:4 from 3 to 4. A password is never an argument, where everyone could see "
	      "it.\n"
	      "Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. See check_galera(1).\n",
	      stream);
}
