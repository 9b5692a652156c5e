/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists of networks and of listening addresses: what was parsed, spelt out, is parsed the same, and
 * a network holds its own address. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/address.h"

static void check_networks(const char *text) {
	struct network_list list, again;
	char storage[8192], host[INET6_ADDRSTRLEN];
	struct text out;

	if (network_list_parse(&list, text) < 0)
		return;
	text_init(&out, storage, sizeof(storage));
	for (size_t i = 0; i < list.count; i++) {
		struct sockaddr_in6 peer = {.sin6_family = AF_INET6};

		memcpy(&peer.sin6_addr, list.items[i].bytes, 16);
		require(network_list_allows(&list, (const struct sockaddr *)&peer));
		inet_ntop(AF_INET6, list.items[i].bytes, host, sizeof(host));
		text_format(&out, "%s%s/%d", i ? "," : "", host, list.items[i].prefix);
	}
	require(network_list_parse(&again, storage) == 0);
	require(memcmp(&list, &again, sizeof(list)) == 0);
}

static void check_listen(const char *text) {
	struct listen_list list, again;
	char storage[1024];
	struct text out;

	if (listen_list_parse(&list, text) < 0)
		return;
	text_init(&out, storage, sizeof(storage));
	for (size_t i = 0; i < list.count; i++)
		text_format(&out, "%s%s", i ? ", " : "", list.items[i].text);
	require(listen_list_parse(&again, storage) == 0);
	require(memcmp(&list, &again, sizeof(list)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	AUTO_FREE char *text = fuzz_string(data, size);

	check_networks(text);
	check_listen(text);
	return 0;
}
