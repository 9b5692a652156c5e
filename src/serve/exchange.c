/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/exchange.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "serve/commands.h"

struct exchange *exchange_create(void) {
	return calloc(1, sizeof(struct exchange));
}

void exchange_destroy(struct exchange *exchange) {
	if (!exchange)
		return;
	free(exchange->body);
	free(exchange);
}

void exchange_collect(struct exchange *exchange, const char *bytes, size_t length) {
	if (!exchange->body)
		exchange->body = calloc(1, COMMAND_LARGEST + 1);
	if (!exchange->body || exchange->body_length + length > COMMAND_LARGEST) {
		exchange->body_is_too_large = true;
		return;
	}
	memcpy(exchange->body + exchange->body_length, bytes, length);
	exchange->body_length += length;
}

static const struct sockaddr *peer_of(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

void exchange_log(const struct exchange *exchange, struct MHD_Connection *connection) {
	const struct sockaddr *peer = peer_of(connection);
	char address[INET6_ADDRSTRLEN] = "unix";

	if (peer && peer->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, address,
			  sizeof(address));
	else if (peer && peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, address,
			  sizeof(address));
	log_info("request from %s: %s %s -> %u", address, exchange->method, exchange->path,
		 exchange->status);
}

void exchange_note(const struct exchange *exchange, struct MHD_Connection *connection,
		   struct audience *audience) {
	const struct answer answer = {
		.kind = POLLER_HTTP,
		.peer = peer_of(connection),
		.path = exchange->noted_path,
		.state = exchange->haproxy_state,
		.status = exchange->status,
		.is_verdict = exchange->is_verdict,
		.available = exchange->available,
		.epoch = exchange->epoch,
	};

	if (exchange->status)
		audience_note(audience, &answer);
}
