/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Calls `add` for each comma-separated item, blanks around it removed. */
static int for_each_item(const char *text, int (*add)(void *list, const char *item), void *list) {
	char item[64];

	while (*text) {
		size_t length = strcspn(text, ",");
		const char *start = text + strspn(text, " \t");
		const char *end = text + length;

		while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
			end--;
		if (end <= start || (size_t)(end - start) >= sizeof(item))
			return -EINVAL;
		memcpy(item, start, (size_t)(end - start));
		item[end - start] = '\0';
		if (add(list, item) < 0)
			return -EINVAL;
		text += length;
		if (*text == ',' && *++text == '\0')
			return -EINVAL;
	}
	return 0;
}

static int parse_decimal(const char *text, long max, long *value) {
	if (!*text || text[strspn(text, "0123456789")] || strlen(text) > 5)
		return -EINVAL;
	*value = strtol(text, NULL, 10);
	return *value <= max ? 0 : -EINVAL;
}

static void listen_v4(struct listen_address *entry, struct in_addr host, uint16_t port) {
	struct sockaddr_in *in = (struct sockaddr_in *)&entry->address;

	in->sin_family = AF_INET;
	in->sin_addr = host;
	in->sin_port = htons(port);
	entry->length = sizeof(*in);
}

static void listen_v6(struct listen_address *entry, struct in6_addr host, uint16_t port) {
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&entry->address;

	in6->sin6_family = AF_INET6;
	in6->sin6_addr = host;
	in6->sin6_port = htons(port);
	entry->length = sizeof(*in6);
	entry->dual_stack = IN6_IS_ADDR_UNSPECIFIED(&host);
}

int address_describe(const struct sockaddr *address, char *text, size_t size) {
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in = (const struct sockaddr_in *)address;
	char host[INET6_ADDRSTRLEN];

	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(text, size, "%s:%u", host, ntohs(in->sin_port));
	} else if (address->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(text, size, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else if (address->sa_family == AF_UNIX) {
		snprintf(text, size, "unix");
	} else {
		return -EAFNOSUPPORT;
	}
	return 0;
}

static int listen_host(struct listen_address *entry, char *host, uint16_t port) {
	size_t length = strlen(host);
	struct in6_addr v6;
	struct in_addr v4;

	if (strcmp(host, "*") == 0) {
		listen_v6(entry, in6addr_any, port);
	} else if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6) != 1)
			return -EINVAL;
		listen_v6(entry, v6, port);
	} else if (inet_pton(AF_INET, host, &v4) == 1) {
		listen_v4(entry, v4, port);
	} else {
		return -EINVAL;
	}
	return 0;
}

static int listen_add(void *opaque, const char *item) {
	struct listen_list *list = opaque;
	struct listen_address *entry = &list->items[list->count];
	const char *colon = strrchr(item, ':');
	char host[64];
	long port;

	if (list->count == LISTEN_MAX || !colon || colon == item)
		return -EINVAL;
	memcpy(host, item, (size_t)(colon - item));
	host[colon - item] = '\0';
	if (parse_decimal(colon + 1, 65535, &port) < 0 || port == 0)
		return -EINVAL;
	memset(entry, 0, sizeof(*entry));
	if (listen_host(entry, host, (uint16_t)port) < 0)
		return -EINVAL;
	if (entry->dual_stack)
		snprintf(entry->text, sizeof(entry->text), "*:%ld", port);
	else
		address_describe((const struct sockaddr *)&entry->address, entry->text,
				 sizeof(entry->text));
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].text, entry->text) == 0)
			return -EINVAL;
	list->count++;
	return 0;
}

int listen_list_parse(struct listen_list *list, const char *text) {
	memset(list, 0, sizeof(*list));
	return for_each_item(text, listen_add, list);
}

const struct listen_address *listen_list_common(const struct listen_list *a,
						const struct listen_list *b) {
	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++)
			if (strcmp(a->items[i].text, b->items[k].text) == 0)
				return &a->items[i];
	return NULL;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned int bits) {
	unsigned int whole = bits / 8;
	unsigned int rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool host_bits_zero(const struct network *network) {
	for (unsigned int bit = network->prefix; bit < 128; bit++)
		if (network->bytes[bit / 8] & (0x80u >> (bit % 8)))
			return false;
	return true;
}

static int network_add(void *opaque, const char *item) {
	struct network_list *list = opaque;
	struct network *network = &list->items[list->count];
	const char *slash = strchr(item, '/');
	size_t length = slash ? (size_t)(slash - item) : strlen(item);
	char host[64];
	long width = 128, prefix;

	if (list->count == NETWORK_MAX)
		return -EINVAL;
	memcpy(host, item, length);
	host[length] = '\0';
	memcpy(network->bytes, mapped_prefix, sizeof(mapped_prefix));
	if (inet_pton(AF_INET, host, network->bytes + sizeof(mapped_prefix)) == 1)
		width = 32;
	else if (inet_pton(AF_INET6, host, network->bytes) != 1)
		return -EINVAL;
	prefix = width;
	if (slash && parse_decimal(slash + 1, width, &prefix) < 0)
		return -EINVAL;
	network->prefix = (uint8_t)(prefix + 128 - width);
	if (!host_bits_zero(network))
		return -EINVAL;
	list->count++;
	return 0;
}

int network_list_parse(struct network_list *list, const char *text) {
	memset(list, 0, sizeof(*list));
	return for_each_item(text, network_add, list);
}

bool network_list_allows(const struct network_list *list, const struct sockaddr *address) {
	uint8_t bytes[16];

	if (list->count == 0 || address->sa_family == AF_UNIX)
		return true;
	if (address->sa_family == AF_INET) {
		memcpy(bytes, mapped_prefix, sizeof(mapped_prefix));
		memcpy(bytes + sizeof(mapped_prefix),
		       &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(bytes, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	} else {
		return false;
	}
	for (size_t i = 0; i < list->count; i++)
		if (bits_equal(bytes, list->items[i].bytes, list->items[i].prefix))
			return true;
	return false;
}
