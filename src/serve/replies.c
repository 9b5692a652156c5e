/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/replies.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stamp.h"
#include "node/client.h"
#include "node/report.h"
#include "serve/commands.h"
#include "serve/rendering.h"
#include "view/answer.h"
#include "view/metrics.h"
#include "view/status.h"

#define REASON_HEADER "X-Clustercheck-Reason"

/* The same reply for a connection that may be kept, and for one that the caller wants closed. */
struct reply {
	struct MHD_Response *kept, *closed;
	unsigned int status;
	bool is_verdict, available;
};

struct replies {
	struct stage stage;
	bool commands;
	struct snapshot snapshot;
	int64_t valid_until; /* when time alone changes a verdict */
	struct reply verdicts[ENDPOINT_MAX];
	struct reply method_not_allowed, no_such_endpoint, live, not_live;
	struct rendering status, whole_status, metrics;
};

static void reply_finish(struct reply *reply) {
	if (reply->kept)
		MHD_destroy_response(reply->kept);
	if (reply->closed)
		MHD_destroy_response(reply->closed);
	*reply = (struct reply){0};
}

/* Without memory the reply stays empty, and a request for it is cut off: no answer is no 200. */
static struct reply reply_make(unsigned int status, const char *type, const char *body) {
	struct reply reply = {.status = status};
	size_t length = strlen(body);

	reply.kept = MHD_create_response_from_buffer(length, (void *)(uintptr_t)body,
						     MHD_RESPMEM_MUST_COPY);
	reply.closed = MHD_create_response_from_buffer(length, (void *)(uintptr_t)body,
						       MHD_RESPMEM_MUST_COPY);
	if (!reply.kept || !reply.closed ||
	    MHD_add_response_header(reply.closed, MHD_HTTP_HEADER_CONNECTION, "close") != MHD_YES) {
		reply_finish(&reply);
		return reply;
	}
	MHD_add_response_header(reply.kept, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(reply.closed, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	return reply;
}

static void reply_header(struct reply *reply, const char *name, const char *value) {
	if (!reply->kept)
		return;
	MHD_add_response_header(reply->kept, name, value);
	MHD_add_response_header(reply->closed, name, value);
}

static struct reply render_verdict(const struct facts *facts, const struct policy *policy,
				   int64_t now) {
	struct verdict judged = verdict(facts, policy, now);
	const char *state = fact_text(facts, FACT_LOCAL_STATE_COMMENT);
	struct reply reply = reply_make((unsigned int)judged.http_status, "text/plain",
					answer_body(policy->dialect, judged.sentence));
	char stamp[STAMP_SIZE];

	reply.is_verdict = true;
	reply.available = judged.available;
	reply_header(&reply, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	reply_header(&reply, REASON_HEADER, reason_name(judged.reason));
	/* MHD refuses a value with control characters, and the header is then left out. */
	if (state && state[0])
		reply_header(&reply, "X-Clustercheck-State", state);
	if (facts->probed_wall) {
		stamp_format(stamp, facts->probed_wall);
		reply_header(&reply, "X-Clustercheck-Probed", stamp);
	}
	return reply;
}

static void render(struct replies *replies, int64_t now) {
	const struct snapshot *snapshot = &replies->snapshot;

	for (size_t i = 0; i < ENDPOINT_MAX; i++)
		reply_finish(&replies->verdicts[i]);
	replies->valid_until = CLOCK_NEVER;
	for (size_t i = 0; i < snapshot->endpoints.count; i++) {
		const struct policy *policy = &snapshot->endpoints.items[i].policy;
		int64_t expires = verdict_expires(&snapshot->facts, policy, now);

		replies->verdicts[i] = render_verdict(&snapshot->facts, policy, now);
		if (expires < replies->valid_until)
			replies->valid_until = expires;
	}
}

static void refresh(struct replies *replies) {
	int64_t now = clock_now();

	if (publication_generation(replies->stage.publication) != replies->snapshot.generation)
		publication_copy(replies->stage.publication, &replies->snapshot, NULL);
	else if (now < replies->valid_until)
		return;
	render(replies, now);
}

struct replies *replies_create(const struct stage *stage, bool commands) {
	struct replies *replies = calloc(1, sizeof(*replies));

	if (!replies)
		return NULL;
	replies->stage = *stage;
	replies->commands = commands;
	replies->method_not_allowed = reply_make(405, "text/plain", "Method not allowed.\r\n");
	reply_header(&replies->method_not_allowed, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, OPTIONS");
	reply_header(&replies->method_not_allowed, REASON_HEADER, "method-not-allowed");
	replies->no_such_endpoint = reply_make(404, "text/plain", "No such endpoint.\r\n");
	reply_header(&replies->no_such_endpoint, REASON_HEADER, "no-such-endpoint");
	replies->live = reply_make(200, "text/plain", "clustercheckd is alive.\r\n");
	replies->not_live = reply_make(503, "text/plain", "The prober does not move.\r\n");
	reply_header(&replies->live, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	reply_header(&replies->not_live, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	return replies;
}

void replies_destroy(struct replies *replies) {
	if (!replies)
		return;
	for (size_t i = 0; i < ENDPOINT_MAX; i++)
		reply_finish(&replies->verdicts[i]);
	reply_finish(&replies->method_not_allowed);
	reply_finish(&replies->no_such_endpoint);
	reply_finish(&replies->live);
	reply_finish(&replies->not_live);
	rendering_finish(&replies->status);
	rendering_finish(&replies->whole_status);
	rendering_finish(&replies->metrics);
	free(replies);
}

static enum MHD_Result queue(struct MHD_Connection *connection, const struct reply *reply,
			     struct exchange *exchange) {
	/* The original closed; a caller that speaks HTTP/1.0 relies on it. */
	bool close_it = exchange->is_last || strcmp(exchange->version, MHD_HTTP_VERSION_1_1) != 0;

	exchange->status = reply->status;
	exchange->is_verdict = reply->is_verdict;
	exchange->available = reply->available;
	if (!reply->kept)
		return MHD_NO;
	return MHD_queue_response(connection, reply->status,
				  close_it ? reply->closed : reply->kept);
}

static enum MHD_Result answer_once(struct MHD_Connection *connection, unsigned int status,
				   const char *type, const char *body, struct exchange *exchange) {
	struct reply reply = {.status = 500};
	enum MHD_Result result;

	if (body)
		reply = reply_make(status, type, body);
	reply_header(&reply, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = queue(connection, &reply, exchange);
	reply_finish(&reply);
	return result;
}

static bool has_argument(struct MHD_Connection *connection, const char *name, const char *wanted) {
	const char *value = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);

	return value && strcmp(value, wanted) == 0;
}

/* Rendered when asked for: people and scrapers come seldom, and want the moment's age. */
static char *render_status(const struct stage *stage, bool whole_history) {
	struct report *report = report_create(stage->publication, stage->audience);
	char *json = report ? status_json(report, whole_history) : NULL;

	report_destroy(report);
	return json;
}

static char *render_metrics(const struct stage *stage) {
	struct report *report = report_create(stage->publication, stage->audience);
	AUTO_FREE char *storage = malloc(METRICS_SIZE);
	struct text text = {0};

	if (report && storage) {
		text_init(&text, storage, METRICS_SIZE);
		metrics_write(&text, report, client_library_version());
	}
	report_destroy(report);
	return text.length > 0 && !text.truncated ? strdup(storage) : NULL;
}

static enum MHD_Result answer_status(struct replies *replies, struct MHD_Connection *connection,
				     struct exchange *exchange) {
	bool whole = has_argument(connection, "history", "all");
	struct rendering *rendering = whole ? &replies->whole_status : &replies->status;

	if (rendering_is_due(rendering, clock_now()))
		rendering_set(rendering, render_status(&replies->stage, whole));
	return answer_once(connection, 200, "application/json", rendering->text, exchange);
}

static enum MHD_Result answer_metrics(struct replies *replies, struct MHD_Connection *connection,
				      struct exchange *exchange) {
	if (rendering_is_due(&replies->metrics, clock_now()))
		rendering_set(&replies->metrics, render_metrics(&replies->stage));
	return answer_once(connection, 200, "text/plain; version=0.0.4; charset=utf-8",
			   replies->metrics.text, exchange);
}

static enum MHD_Result answer_command(const struct replies *replies,
				      struct MHD_Connection *connection,
				      struct exchange *exchange) {
	AUTO_FREE char *json = NULL;
	unsigned int status = 200;

	if (strcmp(exchange->method, MHD_HTTP_METHOD_POST) != 0)
		json = command_report(&replies->stage, has_argument(connection, "sessions", "yes"));
	else
		status = command_order(
			&replies->stage,
			exchange->body && !exchange->body_is_too_large ? exchange->body : "",
			&json);
	return answer_once(connection, status, "application/json", json, exchange);
}

static bool is_read(const char *method) {
	return strcmp(method, MHD_HTTP_METHOD_GET) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_HEAD) == 0 ||
	       strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0;
}

static const struct reply *find_reply(struct replies *replies, const char *path) {
	const struct endpoint_list *endpoints = &replies->snapshot.endpoints;

	for (size_t i = 0; i < endpoints->count; i++)
		if (strcmp(endpoints->items[i].path, path) == 0)
			return &replies->verdicts[i];
	if (strcmp(path, "/live") == 0)
		return prober_moves(replies->stage.prober) ? &replies->live : &replies->not_live;
	return &replies->no_such_endpoint;
}

static bool is_command(const struct replies *replies, const char *path) {
	return replies->commands && strcmp(path, COMMAND_PATH) == 0;
}

bool replies_want_body(const struct replies *replies, const char *method, const char *path) {
	return is_command(replies, path) && strcmp(method, MHD_HTTP_METHOD_POST) == 0;
}

static enum MHD_Result answer(struct replies *replies, struct MHD_Connection *connection,
			      struct exchange *exchange) {
	bool command = is_command(replies, exchange->path);

	if (!is_read(exchange->method) &&
	    !(command && strcmp(exchange->method, MHD_HTTP_METHOD_POST) == 0))
		return queue(connection, &replies->method_not_allowed, exchange);
	if (command)
		return answer_command(replies, connection, exchange);
	refresh(replies);
	if (strcmp(exchange->path, "/status") == 0)
		return answer_status(replies, connection, exchange);
	if (strcmp(exchange->path, "/metrics") == 0)
		return answer_metrics(replies, connection, exchange);
	return queue(connection, find_reply(replies, exchange->path), exchange);
}

/* Unknown paths are the caller's invention, and would fill the books with rubbish. */
static const char *path_for_the_books(const struct replies *replies, const char *path) {
	static const char *const known[] = {"/live", "/status", "/metrics"};

	if (endpoint_find(&replies->snapshot.endpoints, path))
		return path;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i], path) == 0)
			return path;
	return "other";
}

enum MHD_Result replies_answer(struct replies *replies, struct MHD_Connection *connection,
			       struct exchange *exchange) {
	enum MHD_Result result = answer(replies, connection, exchange);
	const char *state =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Haproxy-Server-State");

	exchange->epoch = replies->snapshot.epoch;
	text_copy(exchange->noted_path, sizeof(exchange->noted_path),
		  path_for_the_books(replies, exchange->path));
	text_copy(exchange->haproxy_state, sizeof(exchange->haproxy_state), state ? state : "");
	return result;
}
