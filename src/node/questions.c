/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/questions.h"

#include <string.h>

#include "base/text.h"

static void append_names(struct text *sql, enum fact_source source) {
	bool first = true;

	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != source)
			continue;
		text_format(sql, "%s'%s'", first ? "" : ",", fact_info(id)->name);
		first = false;
	}
}

/* What the rows of a statement are taken into. */
struct rows {
	struct questions *questions; /* NULL where no row needs it */
	struct facts *facts;
	bool misshapen;
	unsigned int count;
	char version_comment[128];
};

static int ask(struct client *client, const char *sql, const struct client_limit *limit,
	       client_row on_row, struct rows *rows) {
	struct probe_result *result = &rows->facts->probe;
	int r = client_ask(client, sql, limit, on_row, rows, result);

	if (r < 0 || result->outcome != PROBE_OK || !rows->misshapen)
		return r;
	result->outcome = PROBE_PROTOCOL_ERROR;
	text_copy(result->error, sizeof(result->error), "the server's answer has another shape");
	return 0;
}

/* Whose row is there is there; without a value it is empty, not absent, and "does not apply". */
static void set_present(struct facts *facts, enum fact_id id, const char *value) {
	facts_set(facts, id, value ? value : "");
}

static void take_named_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	enum fact_id id;

	if (columns != 2 || !values[0])
		rows->misshapen = true;
	else if (fact_find(values[0], &id) == 0 && fact_text(rows->facts, id))
		rows->misshapen = true; /* twice: which of them is true? */
	else if (fact_find(values[0], &id) == 0)
		set_present(rows->facts, id, values[1]);
}

int questions_ask_status(struct client *client, const struct client_limit *limit,
			 struct facts *facts) {
	struct rows rows = {.facts = facts};
	char storage[1024];
	struct text sql;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL STATUS WHERE Variable_name IN (");
	append_names(&sql, FACT_STATUS);
	text_append(&sql, ")");
	return ask(client, storage, limit, take_named_row, &rows);
}

static void take_selected_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	const struct questions *questions = rows->questions;

	if (columns != questions->selected_count || rows->count++ > 0) {
		rows->misshapen = true;
		return;
	}
	for (unsigned int i = 0; i < columns; i++)
		set_present(rows->facts, questions->selected[i], values[i]);
}

/* SELECT @@global.x costs a tenth of SHOW VARIABLES, but fails where a variable does not exist. */
int questions_ask_variables(struct questions *questions, struct client *client,
			    const struct client_limit *limit, struct facts *facts) {
	struct rows rows = {.questions = questions, .facts = facts};
	int r;

	if (questions->selected_count == 0)
		return 0;
	r = ask(client, questions->select, limit, take_selected_row, &rows);
	if (r == 0 && facts->probe.outcome == PROBE_OK && rows.count == 0) {
		facts->probe.outcome = PROBE_PROTOCOL_ERROR;
		text_copy(facts->probe.error, sizeof(facts->probe.error),
			  "the server's answer has no row");
	}
	return r;
}

static void select_present(struct questions *questions, const struct facts *found) {
	struct text select;

	questions->selected_count = 0;
	text_init(&select, questions->select, sizeof(questions->select));
	text_append(&select, "SELECT ");
	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != FACT_VARIABLE || !fact_text(found, id))
			continue;
		text_format(&select, "%s@@global.%s", questions->selected_count ? "," : "",
			    fact_info(id)->name);
		questions->selected[questions->selected_count++] = id;
	}
}

static void take_discovered_row(void *context, unsigned int columns, const char *const *values) {
	struct rows *rows = context;
	struct questions *questions = rows->questions;

	if (columns != 2 || !values[0])
		rows->misshapen = true;
	else if (values[1] && strcmp(values[0], "version") == 0)
		text_copy(questions->server_version, sizeof(questions->server_version), values[1]);
	else if (values[1] && strcmp(values[0], "version_comment") == 0)
		text_copy(rows->version_comment, sizeof(rows->version_comment), values[1]);
	else
		take_named_row(context, columns, values);
}

/* Which variables this server has: one that it has not "does not apply". */
static int discover(struct questions *questions, struct client *client,
		    const struct client_limit *limit, struct facts *facts) {
	struct rows rows = {.questions = questions, .facts = facts};
	char storage[1024];
	struct text sql;
	int r;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version',"
			  "'version_comment',");
	append_names(&sql, FACT_VARIABLE);
	text_append(&sql, ")");
	questions->server_version[0] = '\0';
	r = ask(client, storage, limit, take_discovered_row, &rows);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	/*
	 * Every server has these two: an answer without them is not the server's, or not whole, and
	 * "absent" would then mean "does not apply".
	 */
	if (!questions->server_version[0] || !fact_text(facts, FACT_READ_ONLY)) {
		facts->probe.outcome = PROBE_PROTOCOL_ERROR;
		text_copy(facts->probe.error, sizeof(facts->probe.error),
			  "the server's answer lacks variables that every server has");
		return 0;
	}
	questions->flavour = flavour_of(questions->server_version, rows.version_comment,
					fact_text(facts, FACT_PXC_MAINT_MODE) != NULL,
					fact_text(facts, FACT_WSREP_ON) != NULL);
	select_present(questions, facts);
	return 0;
}

/*
 * With wsrep_sync_wait set globally even SHOW STATUS waits for the applier (4 s behind FLUSH TABLES
 * WITH READ LOCK on MariaDB 10.11). A server without wsrep does not know the variable: harmless.
 */
static int set_session(struct client *client, const struct client_limit *limit,
		       struct facts *facts) {
	struct rows rows = {.facts = facts};
	int r = ask(client, "SET SESSION wsrep_sync_wait=0", limit, NULL, &rows);

	if (r == 0 && facts->probe.code == QUESTIONS_UNKNOWN_VARIABLE)
		facts->probe = (struct probe_result){.outcome = PROBE_OK};
	return r;
}

int questions_discover(struct questions *questions, struct client *client,
		       const struct client_limit *limit, struct facts *facts) {
	int r = set_session(client, limit, facts);

	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	return discover(questions, client, limit, facts);
}
