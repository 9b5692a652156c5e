/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A verdict as a line of HAProxy's agent-check. What a line does not say keeps its former value
 * there (HAProxy 2.6), and only the agent can undo what the agent said: "up ready N%" undoes all
 * the others. The reason stands apart from the word: "down#donor" is an error to HAProxy 2.6.12.
 */
#ifndef CLUSTERCHECKD_VIEW_AGENT_H
#define CLUSTERCHECKD_VIEW_AGENT_H

#include "base/text.h"
#include "config/policy.h"
#include "node/history.h"

#define AGENT_LINE_SIZE 64

/* "up ready 100%\n", "up drain\n" or "down #reason\n". The standing is that of the same endpoint.
 */
void agent_line(struct text *out, const struct facts *facts, const struct policy *policy,
		const struct standing *standing, int64_t now);

#endif
