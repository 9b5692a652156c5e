/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/history.h"

#include <string.h>

static void append_separator(struct text *out) {
	if (out->length > 0)
		text_append(out, ", ");
}

static void difference_of_outcome(const char *what, const struct probe_result *before,
				  const struct probe_result *after, struct text *out) {
	if (before->outcome == after->outcome && before->code == after->code)
		return;
	append_separator(out);
	if (before->outcome != PROBE_NEVER && before->outcome != after->outcome)
		text_format(out, "%s %s→%s", what, probe_outcome_name(before->outcome),
			    probe_outcome_name(after->outcome));
	else
		text_format(out, "%s %s", what, probe_outcome_name(after->outcome));
	if (after->error[0])
		text_format(out, ": %s", after->error);
}

static void difference_of_value(const struct facts *before, const struct facts *after,
				enum fact_id id, struct text *out) {
	const char *old = fact_text(before, id);
	const char *new = fact_text(after, id);

	if ((!old && !new) || (old && new &&strcmp(old, new) == 0))
		return;
	append_separator(out);
	text_format(out, "%s %s→%s", fact_info(id)->name, old ? old : "absent",
		    new ? new : "absent");
}

/* What moves with traffic is named only where nothing else has changed. */
static void difference_of_values(const struct facts *before, const struct facts *after,
				 struct text *out) {
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		if (!fact_info(id)->volatile_value)
			difference_of_value(before, after, id, out);
	if (out->length > 0)
		return;
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		if (fact_info(id)->volatile_value)
			difference_of_value(before, after, id, out);
}

/* Who and why stand behind it: this line is what remains of an order that is over. */
static void difference_of_order(const struct order *before, const struct order *after,
				struct text *out) {
	if (before->mode == after->mode)
		return;
	append_separator(out);
	text_format(out, "maintenance %s→%s", maintenance_name(before->mode),
		    maintenance_name(after->mode));
	if (after->by[0])
		text_format(out, " by %s", after->by);
	if (after->reason[0])
		text_format(out, ": %s", after->reason);
}

/* Only what has a part in a verdict: the server tells the rest better by itself. */
static void difference_of_transfer(const struct transfer *before, const struct transfer *after,
				   struct text *out) {
	if (before->receiving == after->receiving)
		return;
	append_separator(out);
	text_format(out, "state transfer %s", after->receiving ? "begun" : "over");
	if (after->receiving && after->has_progress)
		text_format(out, ", %.0f %%", 100 * after->progress);
	text_format(out, " (status file: %s%s)",
		    after->receiving ? after->comment
		    : after->known   ? after->state
				     : "absent",
		    !after->receiving && strcmp(after->state, "JOINING") == 0 ? ", left over" : "");
}

void facts_difference(const struct facts *before, const struct facts *after, struct text *out) {
	difference_of_order(&before->order, &after->order, out);
	difference_of_outcome("probe", &before->probe, &after->probe, out);
	if (after->probe.outcome == PROBE_OK)
		difference_of_outcome("login", &before->login, &after->login, out);
	difference_of_transfer(&before->transfer, &after->transfer, out);
	/* When there was or is no answer at all, that is the news. */
	if (before->probe.outcome != PROBE_OK || after->probe.outcome != PROBE_OK)
		return;
	difference_of_values(before, after, out);
}

static const struct standing *find_standing(const struct history *history, const char *path) {
	for (size_t i = 0; i < history->standing_count; i++)
		if (strcmp(history->standings[i].path, path) == 0)
			return &history->standings[i];
	return NULL;
}

void history_set_endpoints(struct history *history, const struct endpoint_list *endpoints,
			   int64_t now, int64_t wall) {
	struct standing standings[ENDPOINT_MAX];

	for (size_t i = 0; i < endpoints->count; i++) {
		const struct standing *known = find_standing(history, endpoints->items[i].path);

		standings[i] = known ? *known
				     : (struct standing){.reason = REASON_STARTING,
							 .since = now,
							 .since_wall = wall};
		text_copy(standings[i].path, sizeof(standings[i].path), endpoints->items[i].path);
	}
	memcpy(history->standings, standings, endpoints->count * sizeof(standings[0]));
	history->standing_count = endpoints->count;
}

static void record(struct history *history, struct standing *standing, enum reason reason,
		   const char *what, int64_t now, int64_t wall, struct change *change) {
	*change = (struct change){
		.from = standing->reason,
		.to = reason,
		.wall = wall,
		.held = now - standing->since,
	};
	text_copy(change->path, sizeof(change->path), standing->path);
	text_copy(change->what, sizeof(change->what), what);
	history->changes[history->total++ % HISTORY_SIZE] = *change;
	standing->spent[standing->reason] += now - standing->since;
	standing->entered[reason]++;
	standing->before = standing->reason;
	standing->reason = reason;
	standing->since = now;
	standing->since_wall = wall;
}

size_t history_update(struct history *history, const struct endpoint_list *endpoints,
		      const struct facts *facts, int64_t now, int64_t wall,
		      struct change *changes) {
	char storage[sizeof(changes[0].what)];
	struct text what;
	size_t count = 0;

	text_init(&what, storage, sizeof(storage));
	facts_difference(&history->facts, facts, &what);
	text_mark_cut(&what);
	for (size_t i = 0; i < history->standing_count; i++) {
		enum reason reason = verdict(facts, &endpoints->items[i].policy, now).reason;

		if (reason == history->standings[i].reason)
			continue;
		record(history, &history->standings[i], reason, storage, now, wall,
		       &changes[count++]);
	}
	history->facts = *facts;
	return count;
}

void change_describe(const struct change *change, struct text *out) {
	text_format(out, "%s: %s → %s", change->path, reason_name(change->from),
		    reason_name(change->to));
	if (change->what[0])
		text_format(out, " (%s)", change->what);
	text_format(out, ", was %s for ", reason_name(change->from));
	text_append_duration(out, change->held);
}
