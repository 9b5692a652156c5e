/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/answer.h"

#include <string.h>

static const char *const bodies[][4] = {
	[DIALECT_PERCONA] =
		{
			[SENTENCE_SYNCED] = "Percona XtraDB Cluster Node is synced.\r\n",
			[SENTENCE_NOT_SYNCED] = "Percona XtraDB Cluster Node is not synced.\r\n",
			[SENTENCE_READ_ONLY] = "Percona XtraDB Cluster Node is read-only.\r\n",
			[SENTENCE_DISABLED] =
				"Percona XtraDB Cluster Node is manually disabled.\r\n",
		},
	[DIALECT_PXC] =
		{
			[SENTENCE_SYNCED] = "Percona XtraDB Cluster Node is synced.\r\n",
			/* the blank before the line's end is the original's */
			[SENTENCE_NOT_SYNCED] =
				"Percona XtraDB Cluster Node is not synced or non-PRIM. \r\n",
			[SENTENCE_READ_ONLY] = "Percona XtraDB Cluster Node is read-only.\r\n",
			[SENTENCE_DISABLED] =
				"Percona XtraDB Cluster Node is manually disabled.\r\n",
		},
	[DIALECT_GALERA] =
		{
			[SENTENCE_SYNCED] = "Galera cluster node is synced.\r\n",
			[SENTENCE_NOT_SYNCED] = "Galera cluster node is not synced.\r\n",
			[SENTENCE_READ_ONLY] = "Galera cluster node is read-only.\r\n",
			[SENTENCE_DISABLED] = "Galera cluster node is manually disabled.\r\n",
		},
};

const char *answer_body(enum dialect dialect, enum sentence sentence) {
	return bodies[dialect][sentence];
}

void answer_message(struct text *out, enum dialect dialect, const struct verdict *verdict,
		    bool head) {
	const char *body = answer_body(dialect, verdict->sentence);

	text_format(out,
		    "HTTP/1.1 %s\r\n"
		    "Content-Type: text/plain\r\n"
		    "Connection: close\r\n"
		    "Content-Length: %zu\r\n"
		    "\r\n",
		    verdict->available ? "200 OK" : "503 Service Unavailable", strlen(body));
	if (!head)
		text_append(out, body);
}
