/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "node/client_error.h"
#include "node/client_login.h"
#include "node/flow.h"

/* ER_UNKNOWN_SYSTEM_VARIABLE, in MySQL and MariaDB alike. */
#define UNKNOWN_VARIABLE 1193

/*
 * A kept connection that was cut is made anew within the round, so that a killed session or a quick
 * restart takes no node out. A server that is going down still completes connects (the kernel's
 * backlog) and then says nothing: it must not keep the last verdict alive for a whole timeout.
 */
#define RECONNECT_LONGEST (40 * NSEC_PER_MSEC)

struct probe {
	struct mysql_settings settings;
	int cancel_fd;
	struct client *kept;	    /* NULL: not connected */
	struct client_login *login; /* fresh one under way, or NULL */
	int64_t login_deadline;
	enum flavour flavour;
	char server_version[64];
	char select[1024]; /* the variables this server has */
	enum fact_id selected[FACT_COUNT];
	unsigned int selected_count;
	struct flow_window flow;
};

struct probe *probe_create(const struct mysql_settings *settings, int cancel_fd) {
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return NULL;
	probe->settings = *settings;
	probe->cancel_fd = cancel_fd;
	return probe;
}

void probe_destroy(struct probe *probe) {
	if (!probe)
		return;
	client_quit(probe->kept);
	probe_login_abandon(probe);
	explicit_bzero(&probe->settings, sizeof(probe->settings));
	free(probe);
}

static void drop_kept(struct probe *probe) {
	client_drop(TAKE_POINTER(probe->kept));
}

void probe_configure(struct probe *probe, const struct mysql_settings *settings) {
	struct mysql_settings before = probe->settings;

	/* These apply to a connection that is there already. */
	before.timeout = settings->timeout;
	before.extra_port = settings->extra_port;
	if (memcmp(&before, settings, sizeof(before)) != 0) {
		drop_kept(probe);
		probe_login_abandon(probe);
	}
	probe->settings = *settings;
	explicit_bzero(&before, sizeof(before));
}

/* --- asking --------------------------------------------------------------------------------- */

static void append_names(struct text *sql, enum fact_source source) {
	bool first = true;

	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != source)
			continue;
		text_format(sql, "%s'%s'", first ? "" : ",", fact_info(id)->name);
		first = false;
	}
}

/* What the rows of a statement are taken into. */
struct rows {
	struct probe *probe;
	struct facts *facts;
	bool misshapen;
	unsigned int count;
	char version_comment[128];
};

static int ask(struct probe *probe, const char *sql, const struct client_limit *limit,
	       client_row on_row, struct rows *rows) {
	struct probe_result *result = &rows->facts->probe;
	int r;

	rows->probe = probe;
	r = client_ask(probe->kept, sql, limit, on_row, rows, result);
	if (r < 0 || result->outcome != PROBE_OK || !rows->misshapen)
		return r;
	result->outcome = PROBE_PROTOCOL_ERROR;
	text_copy(result->error, sizeof(result->error), "the server's answer has another shape");
	return 0;
}

static void take_named_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	enum fact_id id;

	if (columns != 2 || !values[0])
		rows->misshapen = true;
	else if (fact_find(values[0], &id) == 0 && fact_text(rows->facts, id))
		rows->misshapen = true; /* twice: which of them is true? */
	else if (fact_find(values[0], &id) == 0)
		facts_set(rows->facts, id, values[1]);
}

static int ask_status(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	struct rows rows = {.facts = facts};
	char storage[1024];
	struct text sql;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL STATUS WHERE Variable_name IN (");
	append_names(&sql, FACT_STATUS);
	text_append(&sql, ")");
	return ask(probe, storage, limit, take_named_row, &rows);
}

static void take_selected_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	const struct probe *probe = rows->probe;

	if (columns != probe->selected_count || rows->count++ > 0) {
		rows->misshapen = true;
		return;
	}
	/* The variable is there; without a value it is empty, not absent. */
	for (unsigned int i = 0; i < columns; i++)
		facts_set(rows->facts, probe->selected[i], values[i] ? values[i] : "");
}

/* SELECT @@global.x costs a tenth of SHOW VARIABLES, but fails where a variable does not exist. */
static int ask_variables(struct probe *probe, const struct client_limit *limit,
			 struct facts *facts) {
	struct rows rows = {.facts = facts};
	int r;

	if (probe->selected_count == 0)
		return 0;
	r = ask(probe, probe->select, limit, take_selected_row, &rows);
	if (r == 0 && facts->probe.outcome == PROBE_OK && rows.count == 0) {
		facts->probe.outcome = PROBE_PROTOCOL_ERROR;
		text_copy(facts->probe.error, sizeof(facts->probe.error),
			  "the server's answer has no row");
	}
	return r;
}

/* --- getting to know a server --------------------------------------------------------------- */

static void select_present(struct probe *probe, const struct facts *found) {
	struct text select;

	probe->selected_count = 0;
	text_init(&select, probe->select, sizeof(probe->select));
	text_append(&select, "SELECT ");
	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != FACT_VARIABLE || !fact_text(found, id))
			continue;
		text_format(&select, "%s@@global.%s", probe->selected_count ? "," : "",
			    fact_info(id)->name);
		probe->selected[probe->selected_count++] = id;
	}
}

static void take_discovered_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	struct probe *probe = rows->probe;

	if (columns != 2 || !values[0])
		rows->misshapen = true;
	else if (values[1] && strcmp(values[0], "version") == 0)
		text_copy(probe->server_version, sizeof(probe->server_version), values[1]);
	else if (values[1] && strcmp(values[0], "version_comment") == 0)
		text_copy(rows->version_comment, sizeof(rows->version_comment), values[1]);
	else
		take_named_row(context, columns, values);
}

/* Which variables this server has: one that it has not "does not apply". */
static int discover(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	struct rows rows = {.facts = facts};
	char storage[1024];
	struct text sql;
	int r;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version',"
			  "'version_comment',");
	append_names(&sql, FACT_VARIABLE);
	text_append(&sql, ")");
	probe->server_version[0] = '\0';
	r = ask(probe, storage, limit, take_discovered_row, &rows);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	/*
	 * Every server has these two: an answer without them is not the server's, or not whole, and
	 * "absent" would then mean "does not apply".
	 */
	if (!probe->server_version[0] || !fact_text(facts, FACT_READ_ONLY)) {
		facts->probe.outcome = PROBE_PROTOCOL_ERROR;
		text_copy(facts->probe.error, sizeof(facts->probe.error),
			  "the server's answer lacks variables that every server has");
		return 0;
	}
	probe->flavour = flavour_of(probe->server_version, rows.version_comment,
				    fact_text(facts, FACT_PXC_MAINT_MODE) != NULL,
				    fact_text(facts, FACT_WSREP_ON) != NULL);
	select_present(probe, facts);
	return 0;
}

/*
 * With wsrep_sync_wait set globally even SHOW STATUS waits for the applier (4 s behind FLUSH TABLES
 * WITH READ LOCK on MariaDB 10.11). A server without wsrep does not know the variable: harmless.
 */
static int set_session(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	struct rows rows = {.facts = facts};
	int r = ask(probe, "SET SESSION wsrep_sync_wait=0", limit, NULL, &rows);

	if (r == 0 && facts->probe.code == UNKNOWN_VARIABLE)
		facts->probe = (struct probe_result){.outcome = PROBE_OK};
	return r;
}

/* Through extra_port where the ordinary one is crowded; the crowd stays the login's outcome. */
static int log_in_kept(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	unsigned int extra_port = (unsigned int)probe->settings.extra_port;
	int r = client_log_in(&probe->kept, &probe->settings, 0, limit, &facts->login);

	facts_count_login(facts, facts->login.outcome);
	facts->probe = facts->login;
	if (r < 0 || facts->login.outcome != PROBE_TOO_MANY_CONNECTIONS || !extra_port)
		return r;
	r = client_log_in(&probe->kept, &probe->settings, extra_port, limit, &facts->probe);
	if (r == 0 && !probe->kept)
		facts->probe = facts->login;
	return r;
}

static int connect_kept(struct probe *probe, const struct client_limit *limit,
			struct facts *facts) {
	int r = log_in_kept(probe, limit, facts);

	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	r = set_session(probe, limit, facts);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	return discover(probe, limit, facts);
}

/* --- rounds --------------------------------------------------------------------------------- */

static void clear_values(struct facts *facts) {
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		facts_set(facts, id, NULL);
}

static void take_flow_control(struct probe *probe, struct facts *facts) {
	double ns;

	if (!fact_number(facts, FACT_FLOW_CONTROL_PAUSED_NS, &ns))
		flow_window_reset(&probe->flow);
	else
		flow_window_add(&probe->flow, ns, clock_now());
	facts->flow_control_known = probe->flow.known;
	facts->flow_control = probe->flow.last;
	facts->flow_control_recent = probe->flow.recent;
}

static int ask_all(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	bool fresh = !probe->kept;
	int r = fresh ? connect_kept(probe, limit, facts) : 0;

	if (r < 0 || (fresh && facts->probe.outcome != PROBE_OK))
		return r;
	r = ask_status(probe, limit, facts);
	/* Discovery has brought the variables already. */
	if (r < 0 || fresh || facts->probe.outcome != PROBE_OK)
		return r;
	return ask_variables(probe, limit, facts);
}

static int attempt(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	int r;

	clear_values(facts);
	r = ask_all(probe, limit, facts);
	if (r < 0 || facts->probe.outcome != PROBE_OK) {
		drop_kept(probe);
		clear_values(facts); /* half an answer is none */
	}
	return r;
}

/* A connection that has died, or a plugin that took its variables along. */
static bool worth_reconnecting(const struct probe_result *result) {
	return result->outcome != PROBE_OK &&
	       (client_error_is_disconnect(result->code) || result->code == UNKNOWN_VARIABLE);
}

int probe_round(struct probe *probe, struct facts *facts) {
	int64_t begin = clock_now();
	struct client_limit limit = {
		.deadline = begin + probe->settings.timeout,
		.cancel_fd = probe->cancel_fd,
	};
	bool had_connection = probe->kept != NULL;
	int64_t end;
	int r = attempt(probe, &limit, facts);

	if (r == 0 && had_connection && worth_reconnecting(&facts->probe)) {
		int64_t soon = clock_now() + RECONNECT_LONGEST;

		limit.deadline = soon < limit.deadline ? soon : limit.deadline;
		r = attempt(probe, &limit, facts);
	}
	if (r < 0)
		return r;
	end = clock_now();
	facts->took = end - begin;
	/* An answer may be as old as its question; a failure is known when it has happened. */
	facts->probed_at = facts->probe.outcome == PROBE_OK ? begin : end;
	facts->probed_wall = clock_wall() - (end - facts->probed_at);
	facts_count_probe(facts);
	facts->flavour = probe->flavour;
	text_copy(facts->server_version, sizeof(facts->server_version), probe->server_version);
	take_flow_control(probe, facts);
	return 0;
}

/* Both client libraries number their own errors from 2000 to 2999, servers all others. */
static bool is_servers_word(unsigned int code) {
	return code != 0 && (code < 2000 || code > 2999) && !client_error_is_disconnect(code);
}

int probe_ask(struct probe *probe, const char *sql, client_row on_row, void *context,
	      struct probe_result *result) {
	const struct client_limit limit = {
		.deadline = clock_now() + probe->settings.timeout,
		.cancel_fd = probe->cancel_fd,
	};
	int r;

	if (!probe->kept) {
		*result = (struct probe_result){.outcome = PROBE_UNREACHABLE,
						.error = "there is no connection to the server"};
		return 0;
	}
	r = client_ask(probe->kept, sql, &limit, on_row, context, result);
	if (r < 0 || (result->outcome != PROBE_OK && !is_servers_word(result->code)))
		drop_kept(probe);
	return r;
}

int probe_descriptor(const struct probe *probe) {
	return client_descriptor(probe->kept);
}

static bool end_login(struct probe *probe) {
	client_quit(client_login_take(TAKE_POINTER(probe->login)));
	return true;
}

bool probe_login_begin(struct probe *probe, struct probe_result *login) {
	struct client_limit limit = {
		.deadline = clock_now() + probe->settings.timeout,
		.cancel_fd = probe->cancel_fd,
	};

	probe_login_abandon(probe);
	probe->login_deadline = limit.deadline;
	probe->login = client_login_begin(&probe->settings, 0, &limit, login);
	return !probe->login || (client_login_go_on(probe->login, 0, login) && end_login(probe));
}

bool probe_login_go_on(struct probe *probe, short revents, struct probe_result *login) {
	bool may_go_on = revents != 0 || client_login_wait(probe->login).slice_ms >= 0;

	if (may_go_on && client_login_go_on(probe->login, revents, login))
		return end_login(probe);
	if (clock_now() < probe->login_deadline)
		return false;
	probe_login_abandon(probe);
	*login = (struct probe_result){.outcome = PROBE_TIMEOUT,
				       .error = "no answer in time while logging in"};
	return true;
}

struct client_wait probe_login_wait(const struct probe *probe) {
	return probe->login ? client_login_wait(probe->login)
			    : (struct client_wait){.fd = -1, .slice_ms = -1};
}

int64_t probe_login_deadline(const struct probe *probe) {
	return probe->login ? probe->login_deadline : CLOCK_NEVER;
}

bool probe_login_runs(const struct probe *probe) {
	return probe->login != NULL;
}

void probe_login_abandon(struct probe *probe) {
	client_login_abandon(TAKE_POINTER(probe->login));
}
