/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "node/verdict.h"
#include "serve/doctor.h"
#include "view/status_reader.h"

/* A poller is missed after so many of its periods, and never before it was silent for a while. */
#define PERIODS_MISSED 5
#define SILENCE_MS 10000.0

static const char *member(const json_t *object, const char *name) {
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static double number(const json_t *object, const char *name) {
	return json_number_value(json_object_get(object, name));
}

static void append_ms(struct text *text, double ms) {
	text_append_duration(text, clock_from_ms(ms));
}

/* --- pollers -------------------------------------------------------------------------------- */

/* People and scrapers ask for these; a balancer does not. */
static bool is_balancer(const json_t *poller) {
	static const char *const others[] = {"/live", "/status", "/metrics", "other"};

	if (strcmp(member(poller, "address"), "unix") == 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(member(poller, "endpoint"), others[i]) == 0)
			return false;
	return true;
}

static void judge_poller(const json_t *poller, struct findings *findings) {
	const json_t *haproxy = json_object_get(poller, "haproxy");
	double period = number(poller, "period_ms"), age = number(poller, "age_ms");
	bool silent = age > PERIODS_MISSED * period && age > SILENCE_MS;
	char storage[384];
	struct text line;

	text_init(&line, storage, sizeof(storage));
	text_format(&line, "%s polls %s", member(poller, "address"), member(poller, "endpoint"));
	if (strcmp(member(poller, "via"), "agent") == 0)
		text_append(&line, " by agent-check");
	if (period > 0) {
		text_append(&line, " every ");
		append_ms(&line, period);
	}
	text_append(&line, ", last ");
	append_ms(&line, age);
	text_append(&line, " ago");
	if (haproxy)
		text_format(&line, ", and sees %s as %s", member(haproxy, "name"),
			    member(haproxy, "state"));
	if (silent)
		finding_remedy(finding_add(findings, FINDING_NOTE, "%s", storage),
			       "it has stopped asking: see whether it still should");
	else
		finding_add(findings, FINDING_OK, "%s", storage);
}

static void judge_pollers(const json_t *pollers, struct findings *findings) {
	size_t i, found = 0;
	json_t *poller;

	json_array_foreach ((json_t *)pollers, i, poller) {
		if (!is_balancer(poller))
			continue;
		judge_poller(poller, findings);
		found++;
	}
	if (found == 0)
		finding_remedy(finding_add(findings, FINDING_WARNING, "no balancer polls"),
			       "clustercheckctl haproxy prints a stanza; let [http] allow and "
			       "firewalls pass the balancers");
}

/* --- the daemon ----------------------------------------------------------------------------- */

static void judge_age(const struct config *config, const json_t *root, struct findings *findings) {
	double age = number(root, "age_ms");
	const char *version = member(root, "version");

	if (!json_object_get(root, "age_ms"))
		finding_add(findings, FINDING_WARNING, "clustercheckd %s has not probed yet",
			    version);
	else if (age * NSEC_PER_MSEC > (double)config->policy.max_age)
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "clustercheckd %s probed %.0f ms ago: stale", version,
					   age),
			       "its log tells why the probe hangs");
	else
		finding_add(findings, FINDING_OK, "clustercheckd %s answers, probed %.0f ms ago",
			    version, age);
	if (strcmp(version, VERSION) != 0)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "this is clustercheckctl " VERSION ", the daemon is %s",
					   version),
			       "systemctl restart clustercheckd");
}

/* By the facts of the daemon: what its own configuration makes of them, and what ours would. */
static void compare_verdicts(const struct config *config, const struct inquiry *inquiry,
			     struct findings *findings) {
	for (size_t i = 0; i < config->endpoints.count; i++) {
		const struct endpoint *endpoint = &config->endpoints.items[i];
		enum reason ours = verdict(&inquiry->facts, &endpoint->policy, clock_now()).reason;
		enum reason its;

		if (status_read_reason(inquiry->status, endpoint->path, &its) == 0 && its == ours)
			continue;
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "the daemon judges %s otherwise than %s does: it runs "
					   "with another configuration",
					   endpoint->path,
					   config->file[0] ? config->file : "the built-in one"),
			       "systemctl reload clustercheckd");
		return;
	}
}

/* systemd.exec(5): with PrivateTmp= the service has a /var/tmp of its own. */
static void judge_legacy_file(const struct config *config, const struct inquiry *inquiry,
			      struct findings *findings) {
	const char *file = config->legacy_file;
	bool exists = file[0] && access(file, F_OK) == 0;

	if (exists && inquiry->facts.order.origin != ORDER_LEGACY)
		finding_remedy(finding_add(findings, FINDING_PROBLEM,
					   "%s exists, but the daemon does not see it", file),
			       "PrivateTmp=no in its unit, and the same configuration here");
}

/* The server makes it with mode 0600 (wsrep-lib's reporter uses mkstemp). */
static void judge_status_file(const struct config *config, const struct inquiry *inquiry,
			      struct findings *findings) {
	const struct transfer *transfer = &inquiry->facts.transfer;
	const char *file = config->notify.status_file;

	if (!file[0])
		return;
	if (transfer->error[0])
		finding_remedy(finding_add(findings, FINDING_WARNING,
					   "%s: %s: a state transfer will look like a server that "
					   "is down",
					   file, transfer->error),
			       "let the daemon run as the server's account: SEEN AT ONCE in "
			       "clustercheckd(8)");
	else if (!transfer->known)
		finding_remedy(finding_add(findings, FINDING_NOTE,
					   "%s, the status file, does not exist", file),
			       "wsrep_status_file=%s in my.cnf, and a restart of the server", file);
	else
		finding_add(findings, FINDING_OK, "%s, the status file, says %s", file,
			    transfer->state);
}

static const char *remedy_of(int error) {
	switch (error) {
	case -EACCES:
	case -EPERM:
		return "run the doctor as root, or join the [control] group";
	case -ENOENT:
	case -ECONNREFUSED:
		return "systemctl start clustercheckd";
	default:
		return "systemctl status clustercheckd";
	}
}

void doctor_daemon(const struct config *config, const char *socket, const struct inquiry *inquiry,
		   struct findings *findings) {
	json_t *root;

	if (!socket[0]) {
		finding_add(findings, FINDING_NOTE,
			    "[control] socket is empty: no daemon is asked");
		return;
	}
	if (!inquiry->status) {
		finding_remedy(finding_add(findings, FINDING_WARNING, "no daemon answers on %s: %s",
					   socket, strerror(-inquiry->daemon_error)),
			       "%s", remedy_of(inquiry->daemon_error));
		return;
	}
	root = json_loads(inquiry->status, 0, NULL);
	judge_age(config, root, findings);
	compare_verdicts(config, inquiry, findings);
	judge_legacy_file(config, inquiry, findings);
	judge_status_file(config, inquiry, findings);
	judge_pollers(json_object_get(root, "pollers"), findings);
	json_decref(root);
}
