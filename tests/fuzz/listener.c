/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A line of /proc/net/tcp or tcp6: a socket that listens holds its own address and every
 * wildcard's.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "config/address.h"
#include "serve/listeners.h"

static struct listen_address own_address(const struct listener *listener) {
	struct listen_address address = {0};
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address.address;

	in6->sin6_family = AF_INET6;
	in6->sin6_addr = listener->address;
	in6->sin6_port = htons(listener->port);
	return address;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	AUTO_FREE char *line = fuzz_string(data, size);
	struct listen_address address;
	struct listen_list any;
	struct listener listener;
	char text[16];

	if (!listener_parse(line, &listener))
		return 0;
	address = own_address(&listener);
	require(listener_holds(&listener, &address));
	snprintf(text, sizeof(text), "*:%u", listener.port);
	require(listener.port == 0 || listen_list_parse(&any, text) == 0);
	require(listener.port == 0 || listener_holds(&listener, &any.items[0]));
	return 0;
}
