/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/doctor.h"

#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "node/doctor.h"
#include "serve/listeners.h"

#define LISTENERS 8

/* --- ports ---------------------------------------------------------------------------------- */

static void judge_stranger(const char *what, const struct listen_address *address, pid_t pid,
			   const char *name, struct findings *findings) {
	struct finding *finding =
		finding_add(findings, FINDING_PROBLEM, "%s %s is taken by %s (process %d)", what,
			    address->text, name, (int)pid);

	if (strcmp(name, "xinetd") == 0)
		finding_remedy(finding, "take the service out of /etc/xinetd.d and reload xinetd, "
					"or systemctl disable --now xinetd");
	else
		finding_remedy(finding, "stop it, or listen elsewhere");
}

static void judge_listener(const char *what, const struct listen_address *address,
			   const struct listener *listener, bool daemon_answers,
			   struct findings *findings) {
	char name[32];
	pid_t pid = listener_owner(listener, name, sizeof(name));

	if (pid == 0)
		finding_remedy(finding_add(findings,
					   daemon_answers ? FINDING_NOTE : FINDING_WARNING,
					   "%s %s is taken by a process of user %u", what,
					   address->text, (unsigned int)listener->uid),
			       geteuid() == 0 ? "look again in a moment: it is about to end"
					      : "run the doctor as root to see by whom");
	else if (strcmp(name, "clustercheckd") == 0)
		finding_add(findings, FINDING_OK, "%s %s is clustercheckd's (process %d)", what,
			    address->text, (int)pid);
	else if (strcmp(name, "systemd") == 0)
		finding_add(findings, FINDING_OK, "%s %s is held by systemd for a socket unit",
			    what, address->text);
	else
		judge_stranger(what, address, pid, name, findings);
}

static void judge_list(const char *what, const struct listen_list *list, bool daemon_answers,
		       struct findings *findings) {
	struct listener listeners[LISTENERS];

	for (size_t i = 0; i < list->count; i++) {
		const struct listen_address *address = &list->items[i];
		size_t count = listeners_find(address, listeners, LISTENERS);

		for (size_t k = 0; k < count; k++)
			judge_listener(what, address, &listeners[k], daemon_answers, findings);
		if (count == 0 && daemon_answers)
			finding_remedy(finding_add(findings, FINDING_WARNING,
						   "nothing listens on %s %s, though the daemon "
						   "runs",
						   what, address->text),
				       "systemctl reload clustercheckd");
		else if (count == 0)
			finding_add(findings, FINDING_OK, "%s %s is free", what, address->text);
	}
}

void doctor_ports(const struct config *config, bool daemon_answers, struct findings *findings) {
	judge_list("[http] listen", &config->http.listen, daemon_answers, findings);
	judge_list("[agent] listen", &config->agent.listen, daemon_answers, findings);
	for (size_t i = 0; i < config->endpoints.count; i++) {
		const struct endpoint *endpoint = &config->endpoints.items[i];
		char what[ENDPOINT_PATH_SIZE + 8];

		snprintf(what, sizeof(what), "%s agent", endpoint->path);
		judge_list(what, &endpoint->agent, daemon_answers, findings);
	}
}

/* --- all of it ------------------------------------------------------------------------------ */

static void note_own_failure(const struct facts *own, struct findings *findings) {
	struct finding *finding =
		finding_add(findings, FINDING_NOTE,
			    "the daemon logs in, but this command does not: %s", own->probe.error);

	if (own->probe.outcome == PROBE_TOO_MANY_CONNECTIONS)
		finding_remedy(finding, "%s", doctor_remedy(&own->probe));
	else
		finding_remedy(finding, "run the doctor as the daemon's user, or with "
					"CLUSTERCHECKD_MYSQL_PASSWORD_FILE set to the daemon's "
					"credential, to have privileges looked at");
}

static void judge_daemon_failure(const struct facts *daemon, struct findings *findings) {
	finding_remedy(finding_add(findings, FINDING_PROBLEM,
				   "this command logs in, but the daemon does not: %s",
				   daemon->probe.error),
		       "let the daemon's user read its files: chgrp clustercheckd, chmod 0640; or "
		       "restart it after a change of its credential");
}

/*
 * Whatever the daemon knows: account, server and settings are to be seen now. But files, credential
 * and user are each one's own, so one of the two may fail where the other does not: then what the
 * daemon found is what balancers hear.
 */
static void look_at_server(const struct config *config, const struct inquiry *inquiry,
			   struct findings *findings) {
	bool daemon_works = inquiry->facts.probe.outcome == PROBE_OK;
	struct facts facts = inquiry->facts;
	bool works;

	if (inquiry->status)
		inquiry_probe(config, &facts);
	works = facts.probe.outcome == PROBE_OK;
	if (inquiry->status && daemon_works != works) {
		if (daemon_works)
			note_own_failure(&facts, findings);
		else
			judge_daemon_failure(&inquiry->facts, findings);
		facts = inquiry->facts;
	}
	doctor_server(config, &facts, findings);
	if (works)
		doctor_session(config, findings);
}

void doctor_examine(const struct config *config, const char *socket, struct findings *findings) {
	struct inquiry inquiry;

	doctor_files(config, findings);
	doctor_arguments(findings);
	doctor_timing(config, findings);
	doctor_orders(config, findings);
	inquire(&inquiry, config, socket);
	look_at_server(config, &inquiry, findings);
	doctor_daemon(config, socket, &inquiry, findings);
	doctor_ports(config, inquiry.status != NULL, findings);
	inquiry_finish(&inquiry);
}
