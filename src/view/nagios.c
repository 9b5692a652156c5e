/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/nagios.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "view/detail.h"

#define MEMBER_SIZE 128

static const char *const state_names[] = {
	[NAGIOS_OK] = "OK",
	[NAGIOS_WARNING] = "WARNING",
	[NAGIOS_CRITICAL] = "CRITICAL",
	[NAGIOS_UNKNOWN] = "UNKNOWN",
};

/* --- bytes ---------------------------------------------------------------------------------- */

/* A "|" begins performance data and a newline the long output; a terminal may be looking, too. */
static void append_clean(struct text *out, const char *string) {
	while (*string) {
		size_t shown = *string == '|' ? 0 : text_shown(string);

		if (shown)
			text_append_bytes(out, string, shown);
		else if (*string == '\n')
			text_append(out, "\\n");
		else
			text_format(out, "\\x%02x", (unsigned char)*string);
		string += shown ? shown : 1;
	}
}

/* Never an exponent: the guidelines allow [-0-9.] only. */
static void append_number(struct text *out, double number, int decimals) {
	char digits[352];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%.*f", decimals, number);

	while (strchr(digits, '.') && digits[length - 1] == '0')
		length--;
	if (digits[length - 1] == '.')
		length--;
	text_append_bytes(out, digits, length);
}

void nagios_write_line(struct text *out, enum nagios_state state, const char *message) {
	text_format(out, "GALERA %s - ", state_names[state]);
	append_clean(out, message);
	text_append(out, "\n");
}

/* --- members -------------------------------------------------------------------------------- */

/* "address:port", "[address]:port" or either without its port: the address, without brackets. */
static void host_of(const char *member, char *host, size_t size) {
	const char *colon = strchr(member, ':');
	size_t length = strlen(member);

	if (member[0] == '[') {
		member++;
		length = strcspn(member, "]");
	} else if (colon && !strchr(colon + 1, ':')) {
		length = (size_t)(colon - member);
	}
	snprintf(host, size, "%.*s", (int)length, member);
}

static bool same_host(const char *a, const char *b) {
	struct in6_addr left, right;

	if (inet_pton(AF_INET6, a, &left) == 1 && inet_pton(AF_INET6, b, &right) == 1)
		return memcmp(&left, &right, sizeof(left)) == 0;
	return strcasecmp(a, b) == 0;
}

/* A peer that is given with its port must have the same one. */
static bool same_member(const char *peer, const char *member) {
	char left[MEMBER_SIZE], right[MEMBER_SIZE];

	if (strcasecmp(peer, member) == 0)
		return true;
	host_of(peer, left, sizeof(left));
	host_of(member, right, sizeof(right));
	return strlen(left) == strlen(peer) && same_host(left, right);
}

static bool is_the_node(const struct facts *facts, const char *peer) {
	const char *address = fact_text(facts, FACT_NODE_ADDRESS);

	return fact_is(facts, FACT_NODE_NAME, peer) || (address && same_member(peer, address));
}

bool nagios_has_member(const struct facts *facts, const char *peer) {
	const char *list = fact_text(facts, FACT_INCOMING_ADDRESSES);
	char member[MEMBER_SIZE];

	while (list && *list) {
		size_t length = strcspn(list, ",");

		snprintf(member, sizeof(member), "%.*s", (int)length, list);
		if (same_member(peer, member))
			return true;
		list += length + (list[length] == ',');
	}
	return is_the_node(facts, peer);
}

/* A fact holds so many bytes and no more: then members may be missing from it. */
static bool members_are_cut(const struct facts *facts) {
	const char *list = fact_text(facts, FACT_INCOMING_ADDRESSES);

	return list && strlen(list) == FACT_TEXT_SIZE - 1;
}

/* --- judging -------------------------------------------------------------------------------- */

struct judgement {
	const struct nagios_subject *subject;
	const struct nagios_limits *limits;
	bool known; /* the facts are of now, and of a Galera node */
	enum nagios_state state;
	struct text *message;
};

static int badness(enum nagios_state state) {
	static const int order[] = {
		[NAGIOS_OK] = 0, [NAGIOS_UNKNOWN] = 1, [NAGIOS_WARNING] = 2, [NAGIOS_CRITICAL] = 3};

	return order[state];
}

static void add(struct judgement *it, enum nagios_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(struct judgement *it, enum nagios_state state, const char *format, ...) {
	va_list args;

	if (badness(state) > badness(it->state))
		it->state = state;
	if (it->message->length > 0)
		text_append(it->message, "; ");
	va_start(args, format);
	text_vformat(it->message, format, args);
	va_end(args);
}

static enum nagios_state state_of(enum reason reason, const struct nagios_limits *limits) {
	switch (reason) {
	case REASON_AVAILABLE:
		return NAGIOS_OK;
	case REASON_STARTING:
		return NAGIOS_UNKNOWN;
	case REASON_DISABLED: /* by an operator, on purpose: to be seen, but nobody is woken up */
	case REASON_DRAINING:
	case REASON_MAINTENANCE:
		return NAGIOS_WARNING;
	case REASON_DONOR:
		return limits->donor.is_set ? limits->donor.state : NAGIOS_WARNING;
	case REASON_READ_ONLY:
		return limits->read_only.is_set ? limits->read_only.state : NAGIOS_WARNING;
	default:
		return NAGIOS_CRITICAL;
	}
}

static void judge_verdict(struct judgement *it) {
	enum reason reason = it->subject->reason;
	char storage[512];
	struct text detail;

	if (reason == REASON_AVAILABLE)
		return;
	text_init(&detail, storage, sizeof(storage));
	detail_write(&detail, reason, it->subject->facts, it->subject->now);
	add(it, state_of(reason, it->limits), "%s: %s", reason_name(reason), storage);
}

/* A condition that the policy lets pass, or that another reason stands before. */
static void judge_condition(struct judgement *it, enum reason reason,
			    const struct nagios_choice *choice) {
	const struct policy strict = {.max_age = CLOCK_NEVER / 2};

	if (choice->is_set && choice->state != NAGIOS_OK && it->subject->reason != reason &&
	    verdict_rule_applies(reason, it->subject->facts, &strict, 0))
		add(it, choice->state, "%s: %s", reason_name(reason), reason_help(reason));
}

/* A value that can be out of bounds; `code` is the reason that stands for it, or NULL. */
struct measure {
	const char *code, *what, *unit;
	const double *value; /* NULL: not known */
};

static void judge_range(struct judgement *it, enum nagios_state state, const struct range *range,
			const struct measure *measure) {
	char storage[64];
	struct text number;

	text_init(&number, storage, sizeof(storage));
	append_number(&number, *measure->value, 3);
	add(it, state, "%s%s%s %s%s (%s: %s)", measure->code ? measure->code : "",
	    measure->code ? ": " : "", measure->what, storage, measure->unit,
	    state == NAGIOS_CRITICAL ? "critical" : "warning", range->text);
}

static void judge_limit(struct judgement *it, const struct nagios_limit *limit,
			const struct measure *measure) {
	if (!limit->warning.is_set && !limit->critical.is_set)
		return;
	if (!measure->value)
		add(it, NAGIOS_UNKNOWN, "%s is not known", measure->what);
	else if (range_alerts(&limit->critical, *measure->value))
		judge_range(it, NAGIOS_CRITICAL, &limit->critical, measure);
	else if (range_alerts(&limit->warning, *measure->value))
		judge_range(it, NAGIOS_WARNING, &limit->warning, measure);
}

static const double *number_of(const struct facts *facts, enum fact_id id, double *number) {
	return fact_number(facts, id, number) ? number : NULL;
}

static const double *flow_control_of(const struct facts *facts, double *percent) {
	*percent = 100 * facts->flow_control;
	return facts->flow_control_known ? percent : NULL;
}

/* A cluster may also be larger than a range allows: that is no reason of the verdict's. */
static void judge_size(struct judgement *it, const double *size) {
	const struct nagios_limit *limit = &it->limits->size;
	const struct range *range =
		size && range_alerts(&limit->critical, *size) ? &limit->critical : &limit->warning;
	bool is_small = size && (range->inside || *size < range->start);
	const struct measure measure = {is_small ? reason_name(REASON_SMALL_CLUSTER) : NULL,
					"cluster size", "", size};

	judge_limit(it, limit, &measure);
	if (size && *size < (double)it->limits->expected_size)
		add(it, NAGIOS_WARNING, "%s: %.0f of %" PRIu64 " members",
		    reason_name(REASON_SMALL_CLUSTER), *size, it->limits->expected_size);
}

static void judge_missing(struct judgement *it) {
	const char *missing = it->subject->missing;

	if (!missing[0])
		return;
	if (members_are_cut(it->subject->facts))
		add(it, NAGIOS_UNKNOWN, "cannot tell whether %s is missing: the list is too long",
		    missing);
	else
		add(it, NAGIOS_WARNING, "missing %s", missing);
}

static void judge_facts(struct judgement *it) {
	const struct nagios_limits *limits = it->limits;
	const struct facts *facts = it->subject->facts;
	double size, length, percent;
	const struct measure queue = {reason_name(REASON_RECV_QUEUE), "receive queue", "",
				      number_of(facts, FACT_LOCAL_RECV_QUEUE, &length)};
	const struct measure flow = {reason_name(REASON_FLOW_CONTROL), "flow control", "%",
				     flow_control_of(facts, &percent)};

	judge_condition(it, REASON_DONOR, &limits->donor);
	judge_condition(it, REASON_READ_ONLY, &limits->read_only);
	judge_size(it, number_of(facts, FACT_CLUSTER_SIZE, &size));
	judge_limit(it, &limits->recv_queue, &queue);
	judge_limit(it, &limits->flow_control, &flow);
	judge_missing(it);
}

/* --- the line ------------------------------------------------------------------------------- */

static void summarise_members(struct text *out, const struct nagios_limits *limits, double size) {
	if (limits->expected_size > 0)
		text_format(out, ", %.0f of %" PRIu64 " members", size, limits->expected_size);
	else
		text_format(out, ", %.0f member%s", size, size == 1 ? "" : "s");
}

/* "node1 is Synced, 3 of 3 members, receive queue 0, flow control 0%" */
static void summarise(const struct judgement *it) {
	const struct facts *facts = it->subject->facts;
	const char *name = fact_text(facts, FACT_NODE_NAME);
	const char *state = fact_text(facts, FACT_LOCAL_STATE_COMMENT);
	struct text *out = it->message;
	double number;

	text_append(out, out->length > 0 ? "; " : "");
	text_append(out, name && name[0] ? name : flavour_name(facts->flavour));
	text_format(out, " is %s", state ? state : "in no known state");
	if (fact_number(facts, FACT_CLUSTER_SIZE, &number))
		summarise_members(out, it->limits, number);
	if (fact_number(facts, FACT_LOCAL_RECV_QUEUE, &number))
		text_format(out, ", receive queue %.0f", number);
	if (!flow_control_of(facts, &number))
		return;
	text_append(out, ", flow control ");
	append_number(out, number, 1);
	text_append(out, "%");
}

static void append_value(struct text *out, const char *label, const double *value, const char *unit,
			 const struct nagios_limit *limit, const char *bounds) {
	if (!value)
		return;
	text_format(out, " %s=", label);
	append_number(out, *value, 6);
	text_format(out, "%s;%s;%s;%s", unit, limit->warning.text, limit->critical.text, bounds);
}

static void append_performance(struct text *out, const struct judgement *it) {
	const struct nagios_limit none = {0};
	const struct facts *facts = it->subject->facts;
	double number, seconds = (double)facts->took / NSEC_PER_SEC;

	text_append(out, " |");
	append_value(out, "size", number_of(facts, FACT_CLUSTER_SIZE, &number), "",
		     &it->limits->size, "0;");
	append_value(out, "recv_queue", number_of(facts, FACT_LOCAL_RECV_QUEUE, &number), "",
		     &it->limits->recv_queue, "0;");
	append_value(out, "flow_control", flow_control_of(facts, &number), "%",
		     &it->limits->flow_control, "0;100");
	append_value(out, "last_committed", number_of(facts, FACT_LAST_COMMITTED, &number), "c",
		     &none, "0;");
	append_value(out, "probe_time", &seconds, "s", &none, "0;");
}

/* --- long output ---------------------------------------------------------------------------- */

static void append_line(struct text *out, const char *name, const char *value) {
	append_clean(out, name);
	text_append(out, ": ");
	append_clean(out, value);
	text_append(out, "\n");
}

static void append_facts(struct text *out, const struct facts *facts) {
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		if (fact_text(facts, id))
			append_line(out, fact_info(id)->name, fact_text(facts, id));
}

static void append_result(struct text *out, const char *name, const struct probe_result *result) {
	char storage[sizeof(result->error) + 64];
	struct text line;

	text_init(&line, storage, sizeof(storage));
	text_append(&line, probe_outcome_name(result->outcome));
	if (result->code)
		text_format(&line, " (%u)", result->code);
	if (result->error[0])
		text_format(&line, ": %s", result->error);
	append_line(out, name, storage);
}

static void append_probe(struct text *out, const struct nagios_subject *subject) {
	const struct facts *facts = subject->facts;

	append_line(out, "asked", subject->source);
	append_line(out, "reason", reason_name(subject->reason));
	append_line(out, "flavour", flavour_name(facts->flavour));
	append_line(out, "version", facts->server_version);
	append_result(out, "probe", &facts->probe);
	append_result(out, "login", &facts->login);
}

enum nagios_state nagios_write(struct text *out, const struct nagios_subject *subject,
			       const struct nagios_limits *limits, int verbosity) {
	char storage[4096];
	struct text message;
	struct judgement it = {.subject = subject, .limits = limits, .message = &message};

	text_init(&message, storage, sizeof(storage));
	it.known = subject->facts->probe.outcome == PROBE_OK && subject->reason != REASON_STALE &&
		   subject->reason != REASON_NOT_GALERA;
	judge_verdict(&it);
	if (it.known) {
		judge_facts(&it);
		summarise(&it);
	}
	text_format(out, "GALERA %s - ", state_names[it.state]);
	append_clean(out, storage);
	if (it.known)
		append_performance(out, &it);
	text_append(out, "\n");
	if (verbosity >= 1)
		append_facts(out, subject->facts);
	if (verbosity >= 2)
		append_probe(out, subject);
	if (verbosity >= 3 && subject->document)
		append_line(out, "document", subject->document);
	return it.state;
}
