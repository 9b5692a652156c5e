/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses as configuration writes them: where to listen, and who may connect. Numeric only: no
 * name is ever resolved here. Nothing is allocated; errors are -EINVAL.
 */
#ifndef CLUSTERCHECKD_CONFIG_ADDRESS_H
#define CLUSTERCHECKD_CONFIG_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LISTEN_MAX 8
#define NETWORK_MAX 64

/* One listening address; `text` is its canonical spelling and its identity across reloads. */
struct listen_address {
	char text[64];
	struct sockaddr_storage address;
	socklen_t length;
	bool dual_stack; /* an IPv6 wildcard that takes IPv4 too */
};

struct listen_list {
	size_t count;
	struct listen_address items[LISTEN_MAX];
};

/* IPv4 is kept in its IPv6-mapped form, so that one comparison serves dual-stack sockets too. */
struct network {
	uint8_t bytes[16];
	uint8_t prefix; /* bits, 0 to 128 */
};

struct network_list {
	size_t count; /* 0: everyone */
	struct network items[NETWORK_MAX];
};

/* "127.0.0.1:9200", "[::1]:9200", "unix"; -EAFNOSUPPORT for other families. */
int address_describe(const struct sockaddr *address, char *text, size_t size);

/* "*:9200", "127.0.0.1:9200", "[::1]:9200", separated by commas; `*` and `[::]` are dual stack. */
int listen_list_parse(struct listen_list *list, const char *text);

/* The first address that is in both, or NULL. Others may still be in each other's way. */
const struct listen_address *listen_list_common(const struct listen_list *a,
						const struct listen_list *b);

/* "10.0.0.0/8, 192.0.2.7, 2001:db8::/32"; the empty text is the empty list. Host bits must be zero.
 */
int network_list_parse(struct network_list *list, const char *text);

/* True when the list is empty, a network in it holds the address, or the peer is a Unix socket. */
bool network_list_allows(const struct network_list *list, const struct sockaddr *address);

#endif
