/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node as a monitoring plugin reports it, by the Monitoring Plugins Development Guidelines: one
 * line with performance data behind a "|", long output below it, and a state. Pure: bytes only.
 */
#ifndef CLUSTERCHECKD_VIEW_NAGIOS_H
#define CLUSTERCHECKD_VIEW_NAGIOS_H

#include <stdbool.h>

#include "base/text.h"
#include "config/plugin.h"
#include "node/facts.h"
#include "node/verdict.h"

struct nagios_subject {
	const struct facts *facts;
	enum reason reason;
	int64_t now;	      /* clock_now() that it was judged at */
	const char *missing;  /* members that should be there, "a, b"; empty: none */
	const char *source;   /* who was asked, for long output */
	const char *document; /* all there is, for the longest output; NULL: nothing */
};

/* How much long output there is: 0 none, 1 the facts, 2 the probe as well, 3 the document too. */
enum nagios_state nagios_write(struct text *out, const struct nagios_subject *subject,
			       const struct nagios_limits *limits, int verbosity);

/* The line of a plugin that has nothing to judge. */
void nagios_write_line(struct text *out, enum nagios_state state, const char *message);

/*
 * Whether `peer` is among the members the node sees: as "address", "address:port", "[address]:port"
 * or host name in wsrep_incoming_addresses, or as the node's own name or address.
 */
bool nagios_has_member(const struct facts *facts, const char *peer);

#endif
