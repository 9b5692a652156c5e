/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who listens: the TCP sockets of this host, from /proc/net/tcp and tcp6, and the process behind
 * one, as far as this user may know it.
 */
#ifndef CLUSTERCHECKD_SERVE_LISTENERS_H
#define CLUSTERCHECKD_SERVE_LISTENERS_H

#include <netinet/in.h>
#include <stdio.h>
#include <sys/types.h>

#include "config/address.h"

struct listener {
	struct in6_addr address; /* IPv4 in its mapped form */
	in_port_t port;		 /* host order */
	uid_t uid;
	unsigned long inode;
};

/* Parses a line of /proc/net/tcp or tcp6; false unless it is of a listening socket. */
bool listener_parse(const char *line, struct listener *listener);

/* True when the two cannot both be listened on, a wildcard being in the way of every address. */
bool listener_holds(const struct listener *listener, const struct listen_address *address);

/* The listeners that are in the way of an address; returns how many, at most `max`. */
size_t listeners_find(const struct listen_address *address, struct listener *listeners, size_t max);

/* A process that holds the socket: clustercheckd before others, others before systemd. 0: none. */
pid_t listener_owner(const struct listener *listener, char *name, size_t size);

#endif
