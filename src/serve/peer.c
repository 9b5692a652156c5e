/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/peer.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

#define GROUPS_ON_STACK 64

static bool contains(const gid_t *groups, size_t count, gid_t group) {
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

/* The supplementary groups (SO_PEERGROUPS, Linux 4.13); without an answer there are none. */
static bool has_group(int fd, gid_t group) {
	gid_t few[GROUPS_ON_STACK];
	socklen_t size = sizeof(few);
	AUTO_FREE gid_t *many = NULL;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &size) == 0)
		return contains(few, size / sizeof(few[0]), group);
	if (errno != ERANGE)
		return false;
	many = malloc(size);
	return many && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &size) == 0 &&
	       contains(many, size / sizeof(many[0]), group);
}

bool peer_is_allowed(int fd, gid_t group) {
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || size != sizeof(peer))
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	if (group != PEER_NO_GROUP && (peer.gid == group || has_group(fd, group)))
		return true;
	log_warning("control socket: refused user %u, process %d", (unsigned int)peer.uid,
		    (int)peer.pid);
	return false;
}
