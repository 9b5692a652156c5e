/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/operator.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/option.h"

#define DEFAULT_TIMEOUT (60 * NSEC_PER_SEC)
#define DEFAULT_POLLS 3
#define LONGEST_ORDER (366 * 24 * 3600 * NSEC_PER_SEC)
#define LONGEST_WAIT (24 * 3600 * NSEC_PER_SEC)

/* Switches without a letter: those of single commands. */
enum {
	SWITCH_JSON = 256,
	SWITCH_WATCH,
	SWITCH_USER,
	SWITCH_HOST,
	SWITCH_REASON,
	SWITCH_FOR,
	SWITCH_WAIT,
	SWITCH_TIMEOUT,
	SWITCH_POLLS,
	SWITCH_IDLE,
	SWITCH_NO_SESSIONS,
	SWITCH_AS
};
#define OWN(id) (1u << ((id)-256))

#define WAITING                                                                          \
	(OWN(SWITCH_JSON) | OWN(SWITCH_WAIT) | OWN(SWITCH_TIMEOUT) | OWN(SWITCH_POLLS) | \
	 OWN(SWITCH_AS))
#define ORDERING                                                             \
	(WAITING | OWN(SWITCH_REASON) | OWN(SWITCH_FOR) | OWN(SWITCH_IDLE) | \
	 OWN(SWITCH_NO_SESSIONS))
#define WAIT_WORDS "[--wait] [--timeout 60s] [--polls 3]"
#define ORDER_WORDS \
	"[--reason TEXT] [--for 30m] " WAIT_WORDS " [--idle] [--no-sessions] [--as NAME] [--json]"

static const struct {
	const char *name;
	const char *arguments;
	const char *help;
	unsigned int own; /* switches that others do not take */
	bool takes_endpoint;
} commands[OPERATOR_COMMAND_COUNT] = {
	[OPERATOR_STATUS] = {"status", "[--json] [--watch]",
			     "verdict per endpoint and why, the facts behind, last changes, who "
			     "polls",
			     OWN(SWITCH_JSON) | OWN(SWITCH_WATCH)},
	[OPERATOR_EXPLAIN] = {"explain", "[ENDPOINT]",
			      "every rule of the verdict, the values it looked at, and which one "
			      "decides",
			      .takes_endpoint = true},
	[OPERATOR_DRAIN] = {"drain", ORDER_WORDS,
			    "finish what runs, send nothing new (404): with http-check "
			    "disable-on-404",
			    ORDERING},
	[OPERATOR_DISABLE] = {"disable", ORDER_WORDS, "take the node out (503)", ORDERING},
	[OPERATOR_ENABLE] = {"enable", WAIT_WORDS " [--as NAME] [--json]", "end either", WAITING},
	[OPERATOR_DOCTOR] = {"doctor", "",
			     "look for what is wrong or will be, and say what to do about it"},
	[OPERATOR_CHECK_CONFIG] = {"check-config", "",
				   "check the configuration; names file, line and key of an error"},
	[OPERATOR_GRANTS] = {"grants", "[--user USER] [--host HOST]",
			     "SQL that makes the daemon's account",
			     OWN(SWITCH_USER) | OWN(SWITCH_HOST)},
	[OPERATOR_NOTIFY] = {"notify", "[--status STATE ...]",
			     "tell the daemon to look now: for the server's wsrep_notify_cmd"},
	[OPERATOR_HAPROXY] = {"haproxy", "", "a stanza for HAProxy, ready to paste"},
};

static const struct {
	const char *name;
	int id; /* the letter, where there is one */
	const char *argument;
	const char *help;
} switches[] = {
	{"config", 'c', "FILE", "read FILE instead of " CONFIG_DEFAULT_FILE},
	{"socket", 's', "PATH", "control socket of the daemon, instead of the configured one"},
	{"json", SWITCH_JSON, NULL, "status and orders: as JSON"},
	{"watch", SWITCH_WATCH, NULL, "status: again every second, until Ctrl-C"},
	{"reason", SWITCH_REASON, "TEXT", "orders: why, for whoever looks"},
	{"for", SWITCH_FOR, "TIME", "orders: end by itself after 30m, 2h, ..."},
	{"wait", SWITCH_WAIT, NULL, "orders: until every balancer that polls has been told"},
	{"polls", SWITCH_POLLS, "N", "--wait: told N times, 3 unless given"},
	{"timeout", SWITCH_TIMEOUT, "TIME", "--wait: no longer than this, 60s unless given"},
	{"idle", SWITCH_IDLE, NULL, "--wait: and no session is at work or in a transaction"},
	{"no-sessions", SWITCH_NO_SESSIONS, NULL, "--wait: and no session is connected"},
	{"as", SWITCH_AS, "NAME", "orders: in this name; somebody else's order is left alone"},
	{"user", SWITCH_USER, "USER", "grants: for this account, instead of the configured one"},
	{"host", SWITCH_HOST, "HOST", "grants: from this host, instead of localhost"},
	{"help", 'h', NULL, "this text"},
	{"version", 'V', NULL, "version and libraries"},
};

/* --- printing ------------------------------------------------------------------------------- */

void operator_options_print(FILE *stream) {
	fputs("Usage: clustercheckctl [OPTION]... COMMAND\n\n", stream);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stream, "  %s%s%s\n      %s\n", commands[i].name,
			commands[i].arguments[0] ? " " : "", commands[i].arguments,
			commands[i].help);
	fputc('\n', stream);
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		bool has_letter = switches[i].id < 256;
		const char *argument = switches[i].argument ? switches[i].argument : "";

		fprintf(stream, "  %c%c%c --%s%s%-*s %s\n", has_letter ? '-' : ' ',
			has_letter ? switches[i].id : ' ', has_letter ? ',' : ' ', switches[i].name,
			argument[0] ? " " : "",
			14 - (int)strlen(switches[i].name) - (argument[0] ? 1 : 0), argument,
			switches[i].help);
	}
	fputs("\nExit status: 0 done, 1 failed, or not everybody was told in time; 2 wrong usage, "
	      "3 "
	      "no\ndaemon answers. Of doctor: 0 all good, 1 warnings, 2 problems.\n",
	      stream);
}

/* --- parsing -------------------------------------------------------------------------------- */

static void make_long_options(struct option *options) {
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		options[i] = (struct option){
			.name = switches[i].name,
			.has_arg = switches[i].argument ? required_argument : no_argument,
			.val = switches[i].id,
		};
}

static int take_duration(int64_t *duration, int64_t longest, const char *name, const char *value,
			 struct text *error) {
	if (duration_parse(value, NSEC_PER_MSEC, longest, duration) == 0)
		return 0;
	text_format(error, "--%s %.40s: expected a time with its unit, like 30s, 10m or 2h", name,
		    value);
	return -EINVAL;
}

static int take_polls(uint64_t *polls, const char *value, struct text *error) {
	if (value[0] && strlen(value) <= 4 && !value[strspn(value, "0123456789")]) {
		*polls = strtoul(value, NULL, 10);
		if (*polls >= 1)
			return 0;
	}
	text_format(error, "--polls %.40s: expected a number from 1 to 9999", value);
	return -EINVAL;
}

static int take_text(const char **target, size_t size, const char *name, const char *value,
		     struct text *error) {
	*target = value;
	if (strlen(value) < size && text_is_shown(value))
		return 0;
	text_format(error, "--%s: expected one line of less than %zu bytes of UTF-8", name, size);
	return -EINVAL;
}

static int take_switch(struct operator_options *options, int id, struct text *error) {
	switch (id) {
	case 'c':
		options->config_file = optarg;
		return 0;
	case 's':
		options->socket = optarg;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	case SWITCH_JSON:
		options->json = true;
		return 0;
	case SWITCH_WATCH:
		options->watch = true;
		return 0;
	case SWITCH_WAIT:
		options->wait = true;
		return 0;
	case SWITCH_IDLE:
		options->idle = true;
		return 0;
	case SWITCH_NO_SESSIONS:
		options->no_sessions = true;
		return 0;
	case SWITCH_USER:
		options->user = optarg;
		return 0;
	case SWITCH_HOST:
		options->host = optarg;
		return 0;
	case SWITCH_REASON:
		return take_text(&options->reason, ORDER_REASON_SIZE, "reason", optarg, error);
	case SWITCH_AS:
		return take_text(&options->as, ORDER_BY_SIZE, "as", optarg, error);
	case SWITCH_FOR:
		return take_duration(&options->duration, LONGEST_ORDER, "for", optarg, error);
	case SWITCH_TIMEOUT:
		return take_duration(&options->timeout, LONGEST_WAIT, "timeout", optarg, error);
	case SWITCH_POLLS:
		return take_polls(&options->polls, optarg, error);
	default:
		return -EINVAL;
	}
}

static int find_command(const char *name, enum operator_command *command, struct text *error) {
	for (size_t i = 0; name && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0) {
			*command = (enum operator_command)i;
			return 0;
		}
	}
	if (name)
		text_format(error, "unknown command: %.60s; clustercheckctl --help lists them",
			    name);
	else
		text_append(error, "expected a command; clustercheckctl --help lists them");
	return -EINVAL;
}

static int take_command(struct operator_options *options, unsigned int given, char **argument,
			struct text *error) {
	if (find_command(argument[0], &options->command, error) < 0)
		return -EINVAL;
	if (*++argument && commands[options->command].takes_endpoint)
		options->endpoint = *argument++;
	if (*argument) {
		text_format(error, "unexpected argument: %.60s", *argument);
		return -EINVAL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
		if (switches[i].id >= SWITCH_JSON &&
		    OWN(switches[i].id) & given & ~commands[options->command].own) {
			text_format(error, "%s does not take --%s", commands[options->command].name,
				    switches[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

/* Without --wait they would silently do nothing. */
static int check_waiting(const struct operator_options *options, unsigned int given,
			 struct text *error) {
	const unsigned int of_wait = OWN(SWITCH_TIMEOUT) | OWN(SWITCH_POLLS) | OWN(SWITCH_IDLE) |
				     OWN(SWITCH_NO_SESSIONS);

	if (options->wait || !(given & of_wait))
		return 0;
	text_append(error, "--timeout, --polls, --idle and --no-sessions go with --wait");
	return -EINVAL;
}

int operator_options_parse(struct operator_options *options, int argc, char **argv,
			   struct text *error) {
	struct option long_options[ARRAY_SIZE(switches) + 1] = {0};
	unsigned int given = 0;
	int id;

	*options = (struct operator_options){.timeout = DEFAULT_TIMEOUT, .polls = DEFAULT_POLLS};
	options->words = argv + argc;
	/* The words after it are the server's, with switches that are none of ours. */
	if (argc > 1 && strcmp(argv[1], commands[OPERATOR_NOTIFY].name) == 0) {
		options->command = OPERATOR_NOTIFY;
		options->words = argv + 2;
		return 0;
	}
	make_long_options(long_options);
	optind = 0;
	opterr = 0;
	while ((id = getopt_long(argc, argv, ":c:s:hV", long_options, NULL)) != -1) {
		if (id == '?' || id == ':') {
			text_format(error,
				    id == '?' ? "unknown option: %.60s" : "%.60s needs a value",
				    argv[optind - 1]);
			return -EINVAL;
		}
		if (id >= SWITCH_JSON)
			given |= OWN(id);
		if (take_switch(options, id, error) < 0)
			return -EINVAL;
	}
	if (options->help || options->version)
		return 0;
	if (take_command(options, given, argv + optind, error) < 0)
		return -EINVAL;
	return check_waiting(options, given, error);
}
