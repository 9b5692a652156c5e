/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/haproxy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "node/facts.h"

#define MEMBER_MAX 32
#define MEMBER_SIZE 80

struct members {
	size_t count;
	char items[MEMBER_MAX][MEMBER_SIZE]; /* "address:port" */
	size_t nameless;		     /* without an address, such as an arbitrator */
	bool placeholders;
};

/* --- members -------------------------------------------------------------------------------- */

/* What a server says goes into a configuration: nothing but an address and a port may. */
static bool is_address(const char *member) {
	const char *colon = strrchr(member, ':');

	if (!colon || colon == member || !colon[1] || colon[1 + strspn(colon + 1, "0123456789")] ||
	    atoi(colon + 1) == 0)
		return false;
	for (const char *c = member; c < colon; c++)
		if (!isalnum((unsigned char)*c) && !strchr(".-:[]", *c))
			return false;
	return strcspn(member, ":") > 0;
}

static void add_member(struct members *members, const char *text, size_t length) {
	char member[MEMBER_SIZE];

	if (length >= sizeof(member) || members->count == MEMBER_MAX) {
		members->nameless++;
		return;
	}
	memcpy(member, text, length);
	member[length] = '\0';
	if (is_address(member))
		text_copy(members->items[members->count++], MEMBER_SIZE, member);
	else
		members->nameless++;
}

static int compare(const void *left, const void *right) {
	return strcmp(left, right);
}

static void split_members(struct members *members, const char *list) {
	static const char *const examples[] = {"192.0.2.1:3306", "192.0.2.2:3306",
					       "192.0.2.3:3306"};

	/* A list that fills a fact may have been cut in its last address. */
	bool cut = list && strlen(list) == FACT_TEXT_SIZE - 1;

	while (list && *list) {
		size_t length = strcspn(list, ",");

		if (list[length] == ',' || !cut)
			add_member(members, list, length);
		else
			members->nameless++;
		list += length + (list[length] == ',');
	}
	/* The server lists them by their identifiers: in another order after each restart. */
	qsort(members->items, members->count, MEMBER_SIZE, compare);
	members->placeholders = members->count == 0;
	for (size_t i = 0; members->placeholders && i < 3; i++)
		add_member(members, examples[i], strlen(examples[i]));
}

/* --- ports ---------------------------------------------------------------------------------- */

static unsigned int port_of(const struct listen_address *address) {
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->address;

	/* sin_port and sin6_port are at the same place. */
	return ntohs(in->sin_port);
}

/* The address that balancers reach: the first one that is not this host's own. */
static const struct listen_address *reachable(const struct listen_list *list) {
	for (size_t i = 0; i < list->count; i++)
		if (strncmp(list->items[i].text, "127.", 4) != 0 &&
		    strncmp(list->items[i].text, "[::1]", 5) != 0)
			return &list->items[i];
	return NULL;
}

static unsigned int check_port(const struct config *config) {
	const struct listen_list *list = &config->http.listen;
	const struct listen_address *address = reachable(list);

	if (address)
		return port_of(address);
	return list->count > 0 ? port_of(&list->items[0]) : 9200;
}

/*
 * 0: no agent. The one for "/" judges otherwise than /rw and /ro do, and would take a donor out
 * that /ro lets in.
 */
static unsigned int agent_port(const struct config *config, const char *path) {
	const struct endpoint *endpoint = endpoint_find(&config->endpoints, path);

	return endpoint && endpoint->agent.count > 0 ? port_of(&endpoint->agent.items[0]) : 0;
}

/* --- the stanza ----------------------------------------------------------------------------- */

static void print_head(const struct config *config, const struct members *members, FILE *stream) {
	fprintf(stream, "# Made by clustercheckctl haproxy from %s.\n",
		config->file[0] ? config->file : "the built-in configuration");
	if (members->placeholders)
		fputs("# The addresses are placeholders: neither a daemon nor the database told "
		      "any.\n",
		      stream);
	else if (members->nameless > 0)
		fprintf(stream,
			"# %zu members without a usable address are left out (an arbitrator, or "
			"one whose\n# wsrep_node_incoming_address is not set).\n",
			members->nameless);
	if (!reachable(&config->http.listen))
		fputs("# [http] listen has only addresses of the node itself: no balancer reaches "
		      "it.\n",
		      stream);
	if (config->http.allow.count > 0)
		fputs("# [http] allow must hold the balancers' addresses.\n", stream);
	if (config->http.tls_cert[0])
		fputs("# The checks do not verify the certificate; better: verify required "
		      "ca-file FILE\n",
		      stream);
	fputs("# Choose ports for bind that nothing else on the balancer listens on.\n"
	      "#\n"
	      "# For `clustercheckctl drain --wait --no-sessions`, applications that keep "
	      "connections "
	      "re-open them\n"
	      "# between transactions: a lifetime in the pool, shorter than its --timeout of 60 "
	      "s.\n",
	      stream);
}

static void print_servers(const struct members *members, bool one_at_a_time, FILE *stream) {
	for (size_t i = 0; i < members->count; i++)
		fprintf(stream, "    server node%zu %s check%s\n", i + 1, members->items[i],
			one_at_a_time && i > 0 ? " backup" : "");
}

/*
 * No on-marked-up shutdown-backup-sessions: when the first server came back from a drain, it cut
 * every transaction in progress on the backup (HAProxy 2.6).
 */
static void print_checks(const struct config *config, const char *path, bool shutdown_sessions,
			 FILE *stream) {
	unsigned int agent = agent_port(config, path);

	fprintf(stream,
		"    timeout connect 3s\n"
		"    timeout server 30m\n"
		"    timeout check 2s\n"
		"    option redispatch\n"
		"    retries 3\n"
		"    option httpchk OPTIONS %s\n"
		"    http-check disable-on-404\n"
		"    http-check send-state\n"
		"    default-server port %u inter 1s fall 2 rise 2%s%s\n",
		path, check_port(config), config->http.tls_cert[0] ? " check-ssl verify none" : "",
		shutdown_sessions ? " on-marked-down shutdown-sessions" : "");
	if (agent)
		fprintf(stream,
			"    default-server agent-check agent-port %u agent-inter 1s weight 100\n",
			agent);
}

static void print_frontend(const char *name, unsigned int port, FILE *stream) {
	fprintf(stream,
		"\nfrontend galera_%s\n"
		"    mode tcp\n"
		"    bind :%u\n"
		"    timeout client 30m\n"
		"    default_backend galera_%s\n",
		name, port, name);
}

void haproxy_print(const struct config *config, const char *members_text, FILE *stream) {
	struct members members = {0};

	split_members(&members, members_text);
	print_head(config, &members, stream);
	print_frontend("rw", 3306, stream);
	fputs("\n# Writers: one node at a time, so that no two conflict; the others stand by. One "
	      "that "
	      "is down\n"
	      "# loses its sessions at once, so one that hangs does not hold them. So does a "
	      "donor: "
	      "name one\n"
	      "# that stands by as wsrep_sst_donor in the other nodes' my.cnf.\n"
	      "backend galera_rw\n"
	      "    mode tcp\n",
	      stream);
	print_checks(config, "/rw", true, stream);
	print_servers(&members, true, stream);
	print_frontend("ro", 3307, stream);
	fputs("\n# Readers: every node that may serve them. They keep their sessions, also on a "
	      "donor; "
	      "for a\n"
	      "# node that hangs they need a read timeout of their own, or the same option as "
	      "above.\n"
	      "backend galera_ro\n"
	      "    mode tcp\n"
	      "    balance leastconn\n",
	      stream);
	print_checks(config, "/ro", false, stream);
	print_servers(&members, false, stream);
}
