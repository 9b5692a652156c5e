/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/waiting.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/clock.h"
#include "base/document.h"

static const char *member(const json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static double number(const json_t *object, const char *name) {
	return json_number_value(json_object_get(object, name));
}

static void append_ms(struct text *out, double ms) {
	text_append_duration(out, clock_from_ms(ms));
}

/* --- balancers ------------------------------------------------------------------------------ */

static void describe_balancer(const json_t *balancer, uint64_t polls, struct text *what) {
	const json_t *haproxy = json_object_get(balancer, "haproxy");

	text_format(what, "  %s %s %s: told %.0f of %" PRIu64, member(balancer, "address"),
		    member(balancer, "via"), member(balancer, "endpoint"), number(balancer, "told"),
		    polls);
	if (haproxy)
		text_format(what, ", sees %s as %s", member(haproxy, "name"),
			    member(haproxy, "state"));
	text_append(what, ", asked ");
	append_ms(what, number(balancer, "age_ms"));
	text_append(what, " ago\n");
}

/* The answer must have been the one that the order brings about. */
static bool is_told(const json_t *balancer, const struct waiting *waiting) {
	bool wanted = waiting->mode == MAINTENANCE_NONE;

	return json_is_true(json_object_get(balancer, "available")) == wanted &&
	       number(balancer, "told") >= (double)waiting->polls;
}

static bool balancers_are_told(const json_t *root, const struct waiting *waiting,
			       struct text *what) {
	const json_t *balancers = json_object_get(root, "balancers");
	size_t listed = json_array_size(balancers);
	bool told = true;
	json_t *balancer;
	size_t i;

	json_array_foreach ((json_t *)balancers, i, balancer) {
		if (is_told(balancer, waiting))
			continue;
		describe_balancer(balancer, waiting->polls, what);
		told = false;
	}
	if (number(root, "balancers_total") <= (double)listed)
		return told;
	/* Those that are not listed have been told as often as the least of those that are. */
	if (told && number(root, "balancers_told") >= (double)waiting->polls)
		return true;
	text_format(what, "  %.0f more balancers than can be listed\n",
		    number(root, "balancers_total") - (double)listed);
	return false;
}

/* --- the node ------------------------------------------------------------------------------- */

static bool is_polled(const json_t *balancers, const char *path) {
	json_t *balancer;
	size_t i;

	json_array_foreach ((json_t *)balancers, i, balancer)
		if (strcmp(member(balancer, "endpoint"), path) == 0)
			return true;
	return false;
}

/* Before the order somebody may have stopped the server: what was seen then proves nothing. */
static bool is_probed_anew(const json_t *root, const struct waiting *waiting, int64_t now,
			   struct text *what) {
	if (number(root, "age_ms") * NSEC_PER_MSEC < (double)(now - waiting->begin))
		return true;
	text_append(what, "  the node is probed again\n");
	return false;
}

/* Every endpoint that somebody polls; where nobody does, the first. */
static bool endpoints_are_available(const json_t *root, struct text *what) {
	const json_t *balancers = json_object_get(root, "balancers");
	bool anybody = json_array_size(balancers) > 0;
	bool available = true;
	const char *path;
	json_t *judged;

	json_object_foreach (json_object_get(root, "endpoints"), path, judged) {
		if (anybody ? !is_polled(balancers, path) : strcmp(path, "/") != 0)
			continue;
		if (json_is_true(json_object_get(judged, "available")))
			continue;
		text_format(what, "  %s is %.0f %s: %s\n", path, number(judged, "http_status"),
			    member(judged, "reason"), member(judged, "help"));
		available = false;
	}
	return available;
}

static bool daemon_has_settled(const json_t *root, struct text *what) {
	if (number(root, "uptime_ms") * NSEC_PER_MSEC >= (double)WAITING_SETTLED)
		return true;
	text_append(what, "  the daemon has just started: who polls will show\n");
	return false;
}

/* --- sessions ------------------------------------------------------------------------------- */

static void describe_sessions(const json_t *sessions, struct text *what) {
	json_t *session;
	size_t i;

	json_array_foreach (json_object_get(sessions, "busiest"), i, session)
		text_format(what, "  session %.0f of %s at %s: %s for %.0f s%s\n",
			    number(session, "id"), member(session, "user"), member(session, "host"),
			    member(session, "command"), number(session, "seconds"),
			    json_is_true(json_object_get(session, "in_transaction"))
				    ? ", in a transaction"
				    : "");
}

/* Looked at after everybody had been told: who came before that may have been sent there still. */
static bool is_recent(const json_t *sessions, const struct waiting *waiting, int64_t now) {
	return number(sessions, "age_ms") * NSEC_PER_MSEC < (double)(now - waiting->told_at);
}

static bool sessions_are_over(const json_t *root, const struct waiting *waiting, int64_t now,
			      struct text *what) {
	const json_t *sessions = json_object_get(root, "sessions");
	double connected = number(sessions, "connected"), busy = number(sessions, "busy");

	if (strcmp(member(sessions, "outcome"), "ok") != 0) {
		text_format(what, "  sessions are not known: %s\n",
			    member(sessions, "error")[0] ? member(sessions, "error")
							 : "not looked at yet");
		return false;
	}
	if (busy == 0 && (connected == 0 || !waiting->no_sessions) &&
	    is_recent(sessions, waiting, now))
		return true;
	if (connected > 0 && waiting->no_sessions)
		text_format(what, "  %.0f sessions are connected, %.0f of them at work\n",
			    connected, busy);
	else if (busy > 0)
		text_format(what, "  %.0f sessions are at work\n", busy);
	else
		text_append(what, "  sessions are looked at again\n");
	describe_sessions(sessions, what);
	return false;
}

/* --- all of it ------------------------------------------------------------------------------ */

static void describe_success(const json_t *root, const struct waiting *waiting, struct text *what) {
	double count = number(root, "balancers_total");

	if (count == 0)
		text_append(what, "nobody polls: there is no balancer to tell");
	else
		text_format(what, "%.0f balancer%s told %" PRIu64 " time%s", count,
			    count == 1 ? "" : "s", waiting->polls, waiting->polls == 1 ? "" : "s");
	if (waiting->no_sessions)
		text_append(what, ", no session is connected");
	else if (waiting->idle)
		text_append(what, ", no session is at work");
}

static bool all_are_told(const json_t *root, const struct waiting *waiting, int64_t now,
			 struct text *what) {
	bool settled = daemon_has_settled(root, what);
	bool available =
		waiting->mode != MAINTENANCE_NONE ||
		(is_probed_anew(root, waiting, now, what) && endpoints_are_available(root, what));

	return balancers_are_told(root, waiting, what) && settled && available;
}

static enum waiting_state judge(struct waiting *waiting, const json_t *root, int64_t now,
				struct text *what) {
	const json_t *order = json_object_get(root, "maintenance");

	if (strcmp(member(order, "mode"), maintenance_name(waiting->mode)) != 0) {
		text_format(what, "the node is %s by another order (%s %s%s)",
			    strcmp(member(order, "mode"), "none") == 0 ? "enabled"
								       : member(order, "mode"),
			    member(order, "origin"), member(order, "by"), member(order, "file"));
		return WAITING_IN_VAIN;
	}
	if (!all_are_told(root, waiting, now, what)) {
		waiting->told_at = 0;
		return WAITING_GOES_ON;
	}
	if (!waiting->told_at)
		waiting->told_at = now;
	if ((waiting->idle || waiting->no_sessions) && !sessions_are_over(root, waiting, now, what))
		return WAITING_GOES_ON;
	describe_success(root, waiting, what);
	return WAITING_DONE;
}

/* Names come from servers and callers: nothing in them may steer a terminal. */
static void remove_controls(struct text *what) {
	for (size_t i = 0; i < what->length;) {
		size_t shown = text_shown(what->bytes + i);

		if (shown == 0 && what->bytes[i] != '\n')
			what->bytes[i] = '?';
		i += shown ? shown : 1;
	}
}

enum waiting_state waiting_judge(struct waiting *waiting, const char *json, int64_t now,
				 struct text *what) {
	enum waiting_state state = WAITING_GOES_ON;
	json_t *root;

	document_begin();
	root = json_loads(json, 0, NULL);
	if (json_is_object(root) && !document_failed())
		state = judge(waiting, root, now, what);
	else
		text_append(what, "  the daemon's answer was not understood\n");
	json_decref(root);
	remove_controls(what);
	return state;
}
