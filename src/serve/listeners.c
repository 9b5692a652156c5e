/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/listeners.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/text.h"

#define STATE_LISTEN 0x0A /* TCP_LISTEN of the kernel */

/* Words of 32 bits in the host's byte order, as the kernel keeps them. */
static bool parse_address(const char *hex, struct in6_addr *address) {
	size_t length = strcspn(hex, ":");
	uint32_t words[4] = {0, 0, htonl(0xffff), 0};

	if (length != 8 && length != 32)
		return false;
	for (size_t i = 0; i < length / 8; i++) {
		char word[9];

		memcpy(word, hex + 8 * i, 8);
		word[8] = '\0';
		words[length == 8 ? 3 : i] = (uint32_t)strtoul(word, NULL, 16);
	}
	memcpy(address, words, sizeof(*address));
	return true;
}

bool listener_parse(const char *line, struct listener *listener) {
	char local[64];
	unsigned int port, state, uid;
	unsigned long inode;

	if (sscanf(line, " %*d: %63[0-9A-F]:%x %*s %x %*s %*s %*s %u %*d %lu", local, &port, &state,
		   &uid, &inode) != 5 ||
	    state != STATE_LISTEN || !parse_address(local, &listener->address))
		return false;
	listener->port = (in_port_t)port;
	listener->uid = uid;
	listener->inode = inode;
	return true;
}

static bool is_any(const struct in6_addr *address) {
	static const struct in6_addr any_v4 = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	return IN6_IS_ADDR_UNSPECIFIED(address) || IN6_ARE_ADDR_EQUAL(address, &any_v4);
}

static in_port_t split(const struct listen_address *address, struct in6_addr *host) {
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->address;

	*host = in6->sin6_addr;
	if (address->address.ss_family != AF_INET)
		return ntohs(in6->sin6_port);
	memset(host, 0, sizeof(*host));
	host->s6_addr[10] = host->s6_addr[11] = 0xff;
	memcpy(host->s6_addr + 12, &in->sin_addr, 4);
	return ntohs(in->sin_port);
}

bool listener_holds(const struct listener *listener, const struct listen_address *address) {
	struct in6_addr host;

	if (split(address, &host) != listener->port)
		return false;
	return is_any(&host) || is_any(&listener->address) ||
	       IN6_ARE_ADDR_EQUAL(&host, &listener->address);
}

static size_t find_in(const char *table, const struct listen_address *address,
		      struct listener *listeners, size_t max) {
	AUTO_FILE FILE *stream = fopen(table, "re");
	size_t count = 0;
	char line[512];

	while (stream && count < max && fgets(line, sizeof(line), stream))
		if (listener_parse(line, &listeners[count]) &&
		    listener_holds(&listeners[count], address))
			count++;
	return count;
}

size_t listeners_find(const struct listen_address *address, struct listener *listeners,
		      size_t max) {
	size_t count = find_in("/proc/net/tcp", address, listeners, max);

	return count + find_in("/proc/net/tcp6", address, listeners + count, max - count);
}

/* --- processes ------------------------------------------------------------------------------ */

struct search {
	char wanted[64]; /* what a descriptor's link reads */
	pid_t owner;
	char name[32];
	int rank;
};

static bool has_descriptor(pid_t pid, const char *wanted) {
	char path[300], target[64];
	struct dirent *entry;
	bool found = false;
	DIR *directory;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	directory = opendir(path);
	while (directory && !found && (entry = readdir(directory))) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid, entry->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		found = strcmp(target, wanted) == 0;
	}
	if (directory)
		closedir(directory);
	return found;
}

/* With socket activation systemd keeps the socket that it hands to the daemon. */
static int rank(const char *name) {
	if (strcmp(name, "clustercheckd") == 0)
		return 3;
	return strcmp(name, "systemd") == 0 ? 1 : 2;
}

static void look_at_process(void *context, pid_t pid) {
	struct search *search = context;
	char name[32];

	if (!has_descriptor(pid, search->wanted))
		return;
	proc_name(pid, name, sizeof(name));
	if (rank(name) <= search->rank)
		return;
	search->rank = rank(name);
	search->owner = pid;
	text_copy(search->name, sizeof(search->name), name);
}

pid_t listener_owner(const struct listener *listener, char *name, size_t size) {
	struct search search = {0};

	snprintf(search.wanted, sizeof(search.wanted), "socket:[%lu]", listener->inode);
	proc_for_each(look_at_process, &search);
	text_copy(name, size, search.name);
	return search.owner;
}
