/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "node/client_error.h"
#include "node/client_login.h"
#include "node/flow.h"
#include "node/questions.h"

/*
 * A kept connection that was cut is made anew within the round, so that a killed session or a quick
 * restart takes no node out. A server that is going down still completes connects (the kernel's
 * backlog) and then says nothing: it must not keep the last verdict alive for a whole timeout.
 */
#define RECONNECT_LONGEST (40 * NSEC_PER_MSEC)

struct probe {
	struct mysql_settings settings;
	int cancel_fd;
	struct client *kept; /* NULL: not connected */
	struct questions questions;
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
	if (memcmp(&before, settings, sizeof(before)) != 0)
		drop_kept(probe);
	probe->settings = *settings;
	explicit_bzero(&before, sizeof(before));
}

/* --- connecting ----------------------------------------------------------------------------- */

/* Through extra_port where the ordinary one is crowded; the crowd stays the login's outcome. */
static int log_in_kept(struct probe *probe, const struct client_limit *limit, struct facts *facts) {
	int r = client_log_in_past_crowd(&probe->kept, &probe->settings, limit, &facts->login);

	facts_count_login(facts, facts->login.outcome);
	facts->probe = facts->login;
	if (probe->kept)
		facts->probe = (struct probe_result){.outcome = PROBE_OK};
	return r;
}

static int connect_kept(struct probe *probe, const struct client_limit *limit,
			struct facts *facts) {
	int r = log_in_kept(probe, limit, facts);

	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	return questions_discover(&probe->questions, probe->kept, limit, facts);
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
	r = questions_ask_status(probe->kept, limit, facts);
	/* Discovery has brought the variables already. */
	if (r < 0 || fresh || facts->probe.outcome != PROBE_OK)
		return r;
	return questions_ask_variables(&probe->questions, probe->kept, limit, facts);
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
	return result->outcome != PROBE_OK && (client_error_is_disconnect(result->code) ||
					       result->code == QUESTIONS_UNKNOWN_VARIABLE);
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
	facts->flavour = probe->questions.flavour;
	text_copy(facts->server_version, sizeof(facts->server_version),
		  probe->questions.server_version);
	take_flow_control(probe, facts);
	return 0;
}

int probe_descriptor(const struct probe *probe) {
	return client_descriptor(probe->kept);
}
