/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "config/config.h"
#include "config/notification.h"

static const char *const admission_words[] = {"unavailable", "available", NULL};
static const char *const dialect_words[] = {"percona", "pxc", "galera", NULL};
static const char *const donor_words[] = {"unavailable", "available", "auto", NULL};
static const char *const tls_words[] = {"off", "preferred", "required", "verify", NULL};
static const char *const flag_words[] = {"no", "yes", NULL};

static const struct {
	const char *word;
	enum log_level level;
} levels[] = {
	{"error", LOG_LEVEL_ERROR},
	{"warning", LOG_LEVEL_WARNING},
	{"info", LOG_LEVEL_INFO},
	{"debug", LOG_LEVEL_DEBUG},
};

#define MS(n) ((n)*NSEC_PER_MSEC)
#define S(n) ((n)*NSEC_PER_SEC)
#define FIELD(member) \
	.offset = offsetof(struct config, member), .size = sizeof(((struct config *)0)->member)

#define ENDPOINT_FIELD(member) \
	.offset = offsetof(struct endpoint, member), .size = sizeof(((struct endpoint *)0)->member)

static const char *const weight_words[] = {"fixed", "auto", NULL};

static const struct config_option ledger[] = {
	{"mysql", "socket", OPTION_PATH, FIELD(mysql.socket), .fallback = "", .reloadable = true,
	 .help = "Unix socket of the server; empty: the client library's own, unless host is set"},
	{"mysql", "host", OPTION_TEXT, FIELD(mysql.host), .fallback = "", .reloadable = true,
	 .help = "address of the server, for TCP instead of the socket"},
	{"mysql", "port", OPTION_COUNT, FIELD(mysql.port), .fallback = "3306", .min = 1,
	 .max = 65535, .reloadable = true, .help = "TCP port, where host is set"},
	{"mysql", "extra_port", OPTION_COUNT, FIELD(mysql.extra_port), .fallback = "0",
	 .max = 65535, .reloadable = true,
	 .help = "second TCP port, tried after \"too many connections\"; 0: none"},
	{"mysql", "user", OPTION_TEXT, FIELD(mysql.user), .fallback = "clustercheckuser",
	 .reloadable = true,
	 .help = "account to log in with; empty: the option file's or the login's"},
	{"mysql", "password", OPTION_TEXT, FIELD(mysql.password), .fallback = "",
	 .reloadable = true, .secret = true,
	 .help = "its password; password_file is the better place"},
	{"mysql", "password_file", OPTION_PATH, FIELD(mysql.password_file), .fallback = "",
	 .reloadable = true, .help = "file whose first line is the password, read at each login"},
	{"mysql", "defaults_file", OPTION_PATH, FIELD(mysql.defaults_file), .fallback = "",
	 .reloadable = true, .help = "my.cnf whose [client] group is read at each login"},
	{"mysql", "tls", OPTION_WORD, FIELD(mysql.tls), .fallback = "off", .words = tls_words,
	 .reloadable = true, .help = "TLS towards the server"},
	{"mysql", "tls_ca", OPTION_PATH, FIELD(mysql.tls_ca), .fallback = "", .reloadable = true,
	 .help = "certificate authority (PEM) for tls=verify, which needs it"},
	{"mysql", "server_public_key", OPTION_PATH, FIELD(mysql.server_public_key), .fallback = "",
	 .reloadable = true, .help = "the server's RSA key (PEM), for TCP with tls=off"},
	{"mysql", "interval", OPTION_DURATION, FIELD(interval), .fallback = "500ms", .min = MS(10),
	 .max = S(60), .reloadable = true, .help = "time from one probe to the next"},
	{"mysql", "timeout", OPTION_DURATION, FIELD(mysql.timeout), .fallback = "1s", .min = MS(10),
	 .max = S(60), .reloadable = true, .help = "limit of a whole probe, and of a fresh login"},
	{"mysql", "max_age", OPTION_DURATION, FIELD(policy.max_age), .fallback = "2s",
	 .min = MS(20), .max = S(300), .reloadable = true,
	 .help = "older results count as stale, whatever they say"},
	{"mysql", "login_interval", OPTION_DURATION, FIELD(login_interval), .fallback = "5s",
	 .min = MS(100), .max = S(3600), .reloadable = true,
	 .help = "time from one fresh login to the next"},

	{"policy", "dialect", OPTION_WORD, FIELD(policy.dialect), .fallback = "percona",
	 .words = dialect_words, .reloadable = true, .help = "wording of the answers"},
	{"policy", "donor", OPTION_WORD, FIELD(policy.donor), .fallback = "unavailable",
	 .words = donor_words, .reloadable = true,
	 .help = "a donor or desynced node; auto: available when its state transfer does not "
		 "block, "
		 "or in a cluster of two"},
	{"policy", "read_only", OPTION_WORD, FIELD(policy.read_only), .fallback = "available",
	 .words = admission_words, .reloadable = true, .help = "a node with read_only on"},
	{"policy", "min_cluster_size", OPTION_COUNT, FIELD(policy.min_cluster_size),
	 .fallback = "0", .max = 1000, .reloadable = true,
	 .help = "fewest members of the cluster; 0: no limit"},
	{"policy", "max_recv_queue", OPTION_COUNT, FIELD(policy.max_recv_queue), .fallback = "0",
	 .max = 1000000000, .reloadable = true,
	 .help = "longest wsrep_local_recv_queue; 0: no limit"},
	{"policy", "max_flow_control", OPTION_SHARE, FIELD(policy.max_flow_control),
	 .fallback = "0", .reloadable = true,
	 .help = "largest share of time paused by flow control; 0: no limit"},
	{"policy", "saturated", OPTION_WORD, FIELD(policy.saturated), .fallback = "available",
	 .words = admission_words, .reloadable = true,
	 .help = "a node that works but whose connections are all taken"},
	{"policy", "weight", OPTION_WORD, FIELD(policy.weight), .fallback = "fixed",
	 .words = weight_words, .reloadable = true,
	 .help = "agent-check: always 100%, or less the share lost to flow control"},
	{"policy", "ramp", OPTION_DURATION, FIELD(policy.ramp), .fallback = "0s", .max = S(3600),
	 .reloadable = true,
	 .help = "with weight=auto: time from 1% to the full weight after a return"},

	{"endpoint", "agent", OPTION_LISTEN, ENDPOINT_FIELD(agent), .fallback = "",
	 .reloadable = true, .help = "addresses for agent-checks of this endpoint; empty: none"},

	{"http", "listen", OPTION_LISTEN, FIELD(http.listen), .fallback = "*:9200",
	 .reloadable = true, .help = "addresses to answer on, separated by commas"},
	{"http", "allow", OPTION_NETWORKS, FIELD(http.allow), .fallback = "", .reloadable = true,
	 .help = "networks that may connect, separated by commas; empty: everyone"},
	{"http", "max_connections", OPTION_COUNT, FIELD(http.max_connections), .fallback = "1000",
	 .min = 1, .max = 100000, .reloadable = true,
	 .help = "connections at once per listening address; one more closes the longest idle"},
	{"http", "timeout", OPTION_DURATION, FIELD(http.timeout), .fallback = "10s", .min = S(1),
	 .max = S(3600), .reloadable = true,
	 .help = "a connection idle for longer is closed; whole seconds, rounded up"},
	{"http", "tls_cert", OPTION_PATH, FIELD(http.tls_cert), .fallback = "", .reloadable = true,
	 .help = "certificate chain (PEM) for HTTPS; empty: plain HTTP"},
	{"http", "tls_key", OPTION_PATH, FIELD(http.tls_key), .fallback = "", .reloadable = true,
	 .help = "its private key (PEM)"},

	{"agent", "listen", OPTION_LISTEN, FIELD(agent.listen), .fallback = "", .reloadable = true,
	 .help = "addresses for HAProxy's agent-check of /, by custom *:9201; empty: none"},

	{"control", "socket", OPTION_PATH, FIELD(control.socket),
	 .fallback = RUNSTATEDIR "/clustercheckd/control.sock",
	 .help = "Unix socket of clustercheckctl; empty: none"},
	{"control", "group", OPTION_TEXT, FIELD(control.group), .fallback = "",
	 .help = "group that may use it, besides root and the daemon's own user"},

	{"notify", "socket", OPTION_PATH, FIELD(notify.socket), .fallback = NOTIFICATION_SOCKET,
	 .reloadable = true,
	 .help = "Unix datagram socket of clustercheckctl notify, open to everyone; empty: none"},
	{"notify", "status_file", OPTION_PATH, FIELD(notify.status_file), .fallback = "",
	 .reloadable = true,
	 .help = "the server's wsrep_status_file: tells of a state transfer while it is under way"},

	{"maintenance", "file", OPTION_PATH, FIELD(maintenance_file),
	 .fallback = LOCALSTATEDIR "/lib/clustercheckd/maintenance", .reloadable = true,
	 .help = "where drain and disable are kept; empty: they are refused"},
	{"maintenance", "legacy_file", OPTION_PATH, FIELD(legacy_file),
	 .fallback = CONFIG_LEGACY_FILE, .reloadable = true,
	 .help = "the node is disabled while this file exists; empty: never"},

	{"log", "level", OPTION_LEVEL, FIELD(log_level), .fallback = "info", .reloadable = true,
	 .help = "error, warning, info or debug"},
	{"log", "requests", OPTION_FLAG, FIELD(http.log_requests), .fallback = "no",
	 .words = flag_words, .reloadable = true, .help = "one line per request"},

	{"process", "user", OPTION_TEXT, FIELD(process_user), .fallback = "",
	 .help = "started as root: the user to become; empty: stay what you are"},
};

_Static_assert(ARRAY_SIZE(ledger) <= CONFIG_OPTION_MAX, "CONFIG_OPTION_MAX is too small");

size_t option_count(void) {
	return ARRAY_SIZE(ledger);
}

const struct config_option *option_at(size_t index) {
	return &ledger[index];
}

int option_find(const char *section, const char *key) {
	for (size_t i = 0; i < ARRAY_SIZE(ledger); i++)
		if (strcmp(ledger[i].section, section) == 0 && strcmp(ledger[i].key, key) == 0)
			return (int)i;
	return -ENOENT;
}

bool option_is_of_endpoint(const struct config_option *option) {
	return strcmp(option->section, "endpoint") == 0;
}

bool option_section_exists(const char *section) {
	for (size_t i = 0; i < ARRAY_SIZE(ledger); i++)
		if (!option_is_of_endpoint(&ledger[i]) && strcmp(ledger[i].section, section) == 0)
			return true;
	return false;
}

static int parse_count(const struct config_option *option, const char *value, uint64_t *count) {
	if (!*value || value[strspn(value, "0123456789")] || strlen(value) > 18)
		return -EINVAL;
	*count = strtoull(value, NULL, 10);
	if ((int64_t)*count < option->min || (int64_t)*count > option->max)
		return -EINVAL;
	return 0;
}

int duration_parse(const char *value, int64_t min, int64_t max, int64_t *duration) {
	static const struct {
		const char *name;
		int64_t nanoseconds;
	} units[] = {{"ms", MS(1)}, {"s", S(1)}, {"m", S(60)}, {"h", S(3600)}};
	size_t digits = strspn(value, "0123456789");
	int64_t count;

	if (digits == 0 || digits > 9)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(value + digits, units[i].name) != 0)
			continue;
		count = strtoll(value, NULL, 10);
		if (count > max / units[i].nanoseconds)
			return -EINVAL;
		*duration = count * units[i].nanoseconds;
		return *duration < min ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int parse_share(const char *value, double *share) {
	char *end;

	if (!*value || value[strspn(value, "0123456789.%")])
		return -EINVAL;
	*share = strtod(value, &end);
	if (end == value)
		return -EINVAL;
	if (*end == '%') {
		*share /= 100;
		end++;
	}
	return *end || *share > 1 ? -EINVAL : 0;
}

static int parse_word(const char *const *words, const char *value, int *index) {
	for (int i = 0; words[i]; i++) {
		if (strcmp(words[i], value) == 0) {
			*index = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_level(const char *value, enum log_level *level) {
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].word, value) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return -EINVAL;
}

int option_parse(const struct config_option *option, const char *value, void *target) {
	int index, r;

	switch (option->type) {
	case OPTION_PATH:
		if (*value && *value != '/')
			return -EINVAL;
		__attribute__((fallthrough));
	case OPTION_TEXT:
		return text_copy(target, option->size, value) ? 0 : -EINVAL;
	case OPTION_DURATION:
		return duration_parse(value, option->min, option->max, target);
	case OPTION_COUNT:
		return parse_count(option, value, target);
	case OPTION_SHARE:
		return parse_share(value, target);
	case OPTION_WORD:
		r = parse_word(option->words, value, &index);
		if (r == 0)
			memcpy(target, &index, option->size);
		return r;
	case OPTION_FLAG:
		r = parse_word(option->words, value, &index);
		if (r == 0)
			*(bool *)target = index == 1;
		return r;
	case OPTION_LEVEL:
		return parse_level(value, target);
	case OPTION_LISTEN:
		return listen_list_parse(target, value);
	case OPTION_NETWORKS:
		return network_list_parse(target, value);
	}
	return -EINVAL;
}

static void append_duration_limit(struct text *out, int64_t nanoseconds) {
	if (nanoseconds % S(1))
		text_format(out, "%" PRId64 "ms", nanoseconds / MS(1));
	else
		text_format(out, "%" PRId64 "s", nanoseconds / S(1));
}

static void append_words(struct text *out, const char *const *words) {
	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			text_append(out, words[i + 1] ? ", " : " or ");
		text_append(out, words[i]);
	}
}

void option_expectation(const struct config_option *option, struct text *out) {
	switch (option->type) {
	case OPTION_TEXT:
		text_format(out, "a text of at most %zu bytes", option->size - 1);
		break;
	case OPTION_PATH:
		text_format(out, "an absolute path of at most %zu bytes, or nothing",
			    option->size - 1);
		break;
	case OPTION_DURATION:
		text_append(out, "a duration with its unit (ms, s, m, h) from ");
		append_duration_limit(out, option->min);
		text_append(out, " to ");
		append_duration_limit(out, option->max);
		break;
	case OPTION_COUNT:
		text_format(out, "a whole number from %" PRId64 " to %" PRId64, option->min,
			    option->max);
		break;
	case OPTION_SHARE:
		text_append(out, "a share from 0 to 1, or from 0% to 100%");
		break;
	case OPTION_WORD:
	case OPTION_FLAG:
		append_words(out, option->words);
		break;
	case OPTION_LEVEL:
		text_append(out, "error, warning, info or debug");
		break;
	case OPTION_LISTEN:
		text_format(out,
			    "at most %d numeric addresses with port, separated by commas, like "
			    "*:9200, 127.0.0.1:9200 or [::1]:9200",
			    LISTEN_MAX);
		break;
	case OPTION_NETWORKS:
		text_format(out,
			    "at most %d networks without host bits, separated by commas, like "
			    "10.0.0.0/8, 192.0.2.7 or 2001:db8::/32",
			    NETWORK_MAX);
		break;
	}
}
