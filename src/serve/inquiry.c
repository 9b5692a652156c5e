/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/inquiry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "node/maintenance.h"
#include "node/probe.h"
#include "serve/control.h"
#include "view/status_reader.h"

/* The share lost to flow control takes two readings, some time apart. */
#define READINGS_APART (110 * NSEC_PER_MSEC)

static bool limits_flow_control(const struct config *config) {
	for (size_t i = 0; i < config->endpoints.count; i++)
		if (config->endpoints.items[i].policy.max_flow_control > 0)
			return true;
	return false;
}

static void probe_node(struct probe *probe, const struct config *config, struct facts *facts) {
	const struct timespec apart = {.tv_nsec = READINGS_APART};

	probe_round(probe, facts);
	if (facts->probe.outcome != PROBE_OK || !limits_flow_control(config))
		return;
	nanosleep(&apart, NULL);
	probe_round(probe, facts);
}

void inquiry_probe(const struct config *config, struct facts *facts) {
	const struct maintenance_files files = maintenance_files_of(config);
	struct probe *probe = probe_create(&config->mysql, -1);

	memset(facts, 0, sizeof(*facts));
	maintenance_look(&files, &facts->order);
	facts->transfer = transfer_look(config->notify.status_file, clock_now(), clock_wall());
	if (probe)
		probe_node(probe, config, facts);
	probe_destroy(probe);
}

static int ask_daemon(struct inquiry *inquiry, const char *socket) {
	int r = socket[0] ? control_get(socket, "/status", &inquiry->status) : -ENOENT;

	if (r < 0)
		return r;
	inquiry->now = clock_now();
	if (status_read_facts(inquiry->status, inquiry->now, &inquiry->facts) == 0)
		return 0;
	inquiry_finish(inquiry);
	return -EPROTO;
}

void inquire(struct inquiry *inquiry, const struct config *config, const char *socket) {
	inquiry->status = NULL;
	inquiry->daemon_error = ask_daemon(inquiry, socket);
	if (inquiry->daemon_error == 0)
		return;
	inquiry_probe(config, &inquiry->facts);
	inquiry->now = clock_now();
}

void inquiry_finish(struct inquiry *inquiry) {
	free(inquiry->status);
	inquiry->status = NULL;
}
