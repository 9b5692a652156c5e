/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A login that the server refuses fails for the server's reason, whatever becomes of the packet
 * that was being written when the server hung up. For libmysqlclient alone.
 *
 * That library (9.7) writes each packet of a non-blocking login in three pieces, of which the last
 * is empty. On a Unix socket even nothing cannot be written to who has hung up, and a server that
 * refuses may have done so by then: the library's authentication plugins give up, and leave the
 * server's reason unread.
 */
#ifndef CLUSTERCHECKD_NODE_REFUSAL_H
#define CLUSTERCHECKD_NODE_REFUSAL_H

/* Has the plugins that are known by now read on. Before threads exist. */
void refusal_hear_out(void);

#endif
