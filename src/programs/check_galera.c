/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_galera: the monitoring plugin. It asks the database itself, or a running daemon.
 */
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "config/config.h"
#include "config/plugin.h"
#include "node/client.h"
#include "node/maintenance.h"
#include "node/probe.h"
#include "serve/fetch.h"
#include "view/nagios.h"
#include "view/status.h"
#include "view/status_reader.h"

#define OUTPUT_SIZE (128 * 1024)
/* The share lost to flow control takes two readings, some time apart. */
#define READINGS_APART (110 * NSEC_PER_MSEC)

struct check {
	struct plugin_options options;
	int64_t deadline; /* of what can be bounded; the alarm for all the rest comes a little later
			   */
	struct config config;
	struct facts facts;
	enum reason reason;
	char *document; /* freed by the owner */
	char source[600];
	char missing[1024];
};

/* --- the time limit ------------------------------------------------------------------------- */

static void on_alarm(int number) {
	static const char line[] = "GALERA CRITICAL - timeout: no result within the time of -t\n";

	(void)number;
	_exit(write(STDOUT_FILENO, line, sizeof(line) - 1) < 0 ? NAGIOS_UNKNOWN : NAGIOS_CRITICAL);
}

/* Looking up a name cannot be bounded otherwise. */
static void limit_time(struct check *check) {
	int64_t timeout = check->options.timeout;
	const struct itimerval timer = {
		.it_value = {timeout / NSEC_PER_SEC, timeout % NSEC_PER_SEC / 1000}};

	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &timer, NULL);
	check->deadline = clock_now() + timeout - timeout / 20;
}

static void lift_limit(void) {
	signal(SIGALRM, SIG_IGN);
}

/* --- configuration -------------------------------------------------------------------------- */

static int lay_over(char *target, size_t size, const char *value, struct text *error) {
	if (!value || text_copy(target, size, value))
		return 0;
	text_format(error, "%.60s...: expected at most %zu bytes", value, size - 1);
	return -EINVAL;
}

/* What cannot be read here says nothing about the node. */
static int check_readable(const char *path, struct text *error) {
	if (!path[0] || access(path, R_OK) == 0)
		return 0;
	text_format(error, "%s: %s", path, strerror(errno));
	return -EINVAL;
}

/* An account named by options replaces the configured one as a whole. */
static int apply_account(struct check *check, struct text *error) {
	const struct plugin_options *options = &check->options;
	struct mysql_settings *mysql = &check->config.mysql;

	if (options->user || options->defaults_file || options->password_file) {
		mysql->password[0] = mysql->password_file[0] = mysql->defaults_file[0] = '\0';
		if (options->defaults_file)
			mysql->user[0] = '\0';
	}
	if (lay_over(mysql->user, sizeof(mysql->user), options->user, error) < 0 ||
	    lay_over(mysql->defaults_file, sizeof(mysql->defaults_file), options->defaults_file,
		     error) < 0 ||
	    lay_over(mysql->password_file, sizeof(mysql->password_file), options->password_file,
		     error) < 0)
		return -EINVAL;
	if (check_readable(mysql->defaults_file, error) < 0)
		return -EINVAL;
	return check_readable(mysql->password_file, error);
}

/* "localhost" is none: it means the socket, a configured one where there is one. */
static bool names_address(const struct plugin_options *options) {
	return options->host && !config_host_is_socket(options->host);
}

static int apply_server(struct check *check, struct text *error) {
	const struct plugin_options *options = &check->options;
	struct mysql_settings *mysql = &check->config.mysql;

	if (options->port)
		mysql->port = options->port;
	if (options->host || options->socket)
		mysql->host[0] = '\0';
	if (names_address(options)) {
		mysql->socket[0] = '\0';
		return lay_over(mysql->host, sizeof(mysql->host), options->host, error);
	}
	return lay_over(mysql->socket, sizeof(mysql->socket), options->socket, error);
}

static int load(struct check *check, struct text *error) {
	const char *file = check->options.config_file;
	const struct config_sources sources = {
		.file = file ? file : CONFIG_DEFAULT_FILE,
		.file_required = file != NULL,
		.environment = environ,
	};

	return config_load(&check->config, &sources, error);
}

/* --- the database --------------------------------------------------------------------------- */

static void describe_database(struct check *check) {
	const struct mysql_settings *mysql = &check->config.mysql;

	if (mysql->host[0])
		snprintf(check->source, sizeof(check->source), "the database at %s, port %u, as %s",
			 mysql->host, (unsigned int)mysql->port, mysql->user);
	else
		snprintf(check->source, sizeof(check->source), "the database at %s as %s",
			 mysql->socket[0] ? mysql->socket : "the default socket", mysql->user);
}

static void probe_node(struct check *check, struct probe *probe) {
	const struct timespec apart = {.tv_nsec = READINGS_APART};
	struct mysql_settings *mysql = &check->config.mysql;

	mysql->timeout = check->deadline - clock_now();
	probe_configure(probe, mysql);
	probe_round(probe, &check->facts);
	mysql->timeout = check->deadline - clock_now() - READINGS_APART;
	if (check->facts.probe.outcome != PROBE_OK || mysql->timeout < READINGS_APART)
		return;
	nanosleep(&apart, NULL);
	probe_configure(probe, mysql);
	probe_round(probe, &check->facts);
}

static int judge_database(struct check *check, const struct endpoint *endpoint) {
	const struct maintenance_files files = maintenance_files_of(&check->config);
	struct policy policy = endpoint->policy;
	struct probe *probe = NULL;

	policy.max_age = CLOCK_NEVER / 4; /* -t is what bounds the age here */
	describe_database(check);
	if (client_library_init() == 0)
		probe = probe_create(&check->config.mysql, -1);
	if (!probe)
		return -ENOMEM;
	/* An operator's orders lie in files on the node, and -H may name another host. */
	if (!names_address(&check->options)) {
		maintenance_look(&files, &check->facts.order);
		check->facts.transfer =
			transfer_look(check->config.notify.status_file, clock_now(), clock_wall());
	}
	probe_node(check, probe);
	probe_destroy(probe);
	client_library_finish();
	check->reason = verdict(&check->facts, &policy, clock_now()).reason;
	check->document = status_verdict_json(endpoint->path, &check->facts, &policy, clock_now());
	return 0;
}

static int ask_database(struct check *check, struct text *error) {
	const char *path = check->options.endpoint ? check->options.endpoint : "/";
	const struct endpoint *endpoint;

	if (load(check, error) < 0 || apply_server(check, error) < 0 ||
	    apply_account(check, error) < 0)
		return -EINVAL;
	endpoint = endpoint_find(&check->config.endpoints, path);
	if (endpoint)
		return judge_database(check, endpoint);
	text_format(error, "no endpoint %.60s is configured", path);
	return -EINVAL;
}

/* --- the daemon ----------------------------------------------------------------------------- */

/* No answer of the daemon is an outcome like any other. */
static void note_silence(struct check *check, int r) {
	struct probe_result *probe = &check->facts.probe;
	const char *what = strerror(-r);

	check->reason = REASON_UNREACHABLE;
	probe->outcome = PROBE_UNREACHABLE;
	if (r == -ECONNREFUSED) {
		check->reason = REASON_REFUSED;
		probe->outcome = PROBE_REFUSED;
	} else if (r == -ETIMEDOUT) {
		check->reason = REASON_TIMEOUT;
		probe->outcome = PROBE_TIMEOUT;
	} else if (r == -EPROTO) {
		check->reason = REASON_PROTOCOL_ERROR;
		probe->outcome = PROBE_PROTOCOL_ERROR;
		what = "this is no answer of clustercheckd's, or it speaks HTTPS";
	} else if (r == -EADDRNOTAVAIL) {
		what = "no such host";
	}
	snprintf(probe->error, sizeof(probe->error), "%.150s: %s", check->source, what);
}

static int read_document(struct check *check, const char *path, struct text *error) {
	if (status_read_facts(check->document, clock_now(), &check->facts) < 0)
		note_silence(check, -EPROTO);
	else if (status_read_reason(check->document, path, &check->reason) < 0)
		text_format(error, "%.150s has no endpoint %.60s", check->source, path);
	return error->length > 0 ? -EINVAL : 0;
}

static int ask_url(struct check *check, struct text *error) {
	const struct plugin_url *url = &check->options.url;
	const char *path = check->options.endpoint;
	int r;

	/* Whoever names the document that is fetched means the node as a whole. */
	if (!path)
		path = url->path[0] && strcmp(url->path, "/status") != 0 ? url->path : "/";
	snprintf(check->source, sizeof(check->source), "clustercheckd at %s, port %s", url->host,
		 url->port);
	r = fetch_tcp(url->host, url->port, "/status", check->deadline, &check->document);
	if (r == 0)
		return read_document(check, path, error);
	note_silence(check, r);
	return 0;
}

static int ask_control(struct check *check, struct text *error) {
	const char *socket = check->options.control;
	int r;

	if (!socket[0]) {
		if (load(check, error) < 0)
			return -EINVAL;
		socket = check->config.control.socket;
	}
	snprintf(check->source, sizeof(check->source), "clustercheckd at %s", socket);
	r = fetch_unix(socket, "/status", check->deadline, &check->document);
	if (r == -EACCES || r == -EPERM || r == -ENAMETOOLONG) {
		text_format(error, "%.150s: %s", socket, strerror(-r));
		return -EINVAL;
	}
	if (r == 0)
		return read_document(check, check->options.endpoint ? check->options.endpoint : "/",
				     error);
	note_silence(check, r);
	return 0;
}

/* --- peers ---------------------------------------------------------------------------------- */

/* A host name stands for its addresses, whatever the nodes call themselves. */
static bool is_member_by_name(const struct facts *facts, const char *peer) {
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char address[NI_MAXHOST];
	bool is_member = false;

	if (getaddrinfo(peer, NULL, &wanted, &found) != 0)
		return false;
	for (const struct addrinfo *it = found; it && !is_member; it = it->ai_next)
		is_member = getnameinfo(it->ai_addr, it->ai_addrlen, address, sizeof(address), NULL,
					0, NI_NUMERICHOST) == 0 &&
			    nagios_has_member(facts, address);
	freeaddrinfo(found);
	return is_member;
}

static void note_missing(struct check *check, const char *peer) {
	struct text missing = {.bytes = check->missing,
			       .length = strlen(check->missing),
			       .size = sizeof(check->missing)};

	if (nagios_has_member(&check->facts, peer) || is_member_by_name(&check->facts, peer))
		return;
	text_format(&missing, "%s%s", missing.length ? ", " : "", peer);
}

/* One name or address per line; what follows a "#" is a comment. */
static int find_missing(struct check *check, struct text *error) {
	AUTO_FILE FILE *stream = fopen(check->options.peers_file, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	char *rest;

	if (!stream) {
		text_format(error, "%.150s: %s", check->options.peers_file, strerror(errno));
		return -EINVAL;
	}
	while (check->facts.probe.outcome == PROBE_OK && getline(&line, &size, stream) >= 0) {
		line[strcspn(line, "#\r\n")] = '\0';
		rest = line;
		for (char *peer; (peer = strsep(&rest, " \t"));)
			if (peer[0])
				note_missing(check, peer);
	}
	return 0;
}

/* --- the check ------------------------------------------------------------------------------ */

static int ask(struct check *check, struct text *error) {
	if (check->options.url.host[0])
		return ask_url(check, error);
	if (check->options.control)
		return ask_control(check, error);
	return ask_database(check, error);
}

static enum nagios_state report(struct check *check, struct text *out) {
	const struct nagios_subject subject = {
		.facts = &check->facts,
		.reason = check->reason,
		.now = clock_now(),
		.missing = check->missing,
		.source = check->source,
		.document = check->document,
	};

	return nagios_write(out, &subject, &check->options.limits, check->options.verbosity);
}

static enum nagios_state run(struct check *check, struct text *out) {
	char storage[512];
	struct text error;

	text_init(&error, storage, sizeof(storage));
	limit_time(check);
	if (ask(check, &error) == 0 &&
	    (!check->options.peers_file || find_missing(check, &error) == 0)) {
		lift_limit();
		return report(check, out);
	}
	lift_limit();
	nagios_write_line(out, NAGIOS_UNKNOWN, error.length > 0 ? storage : "out of memory");
	return NAGIOS_UNKNOWN;
}

int main(int argc, char **argv) {
	AUTO_FREE struct check *check = calloc(1, sizeof(*check));
	AUTO_FREE char *output = malloc(OUTPUT_SIZE);
	enum nagios_state state = NAGIOS_UNKNOWN;
	char storage[512];
	struct text out, error;

	(void)memory_keep_private(); /* a wish: the work goes on without it */
	if (!check || !output)
		return NAGIOS_UNKNOWN;
	text_init(&out, output, OUTPUT_SIZE);
	text_init(&error, storage, sizeof(storage));
	if (plugin_options_parse(&check->options, argc, argv, &error) < 0)
		nagios_write_line(&out, NAGIOS_UNKNOWN, storage);
	else if (check->options.help)
		plugin_options_print(stdout);
	else if (check->options.version)
		printf("check_galera " VERSION " (%s)\n", client_library_version());
	else
		state = run(check, &out);
	fputs(output, stdout);
	free(check->document);
	explicit_bzero(check, sizeof(*check));
	return fflush(stdout) == 0 ? (int)state : NAGIOS_UNKNOWN;
}
