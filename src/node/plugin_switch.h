/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A login in which the server switches to another plugin keeps its deadline. For libmysqlclient
 * alone.
 *
 * That library (9.7) makes only the first exchange of a non-blocking login without blocking: after
 * a switch it calls the plugin's blocking half, and then reads the server's word on it with no
 * limit. A server that fell silent there would hold the caller until its host is gone.
 */
#ifndef CLUSTERCHECKD_NODE_PLUGIN_SWITCH_H
#define CLUSTERCHECKD_NODE_PLUGIN_SWITCH_H

/*
 * Has the plugins that are known by now wait for the reply to what they have sent, by `wait`, for
 * poll(2)'s events; 0 from that: give up. Before threads exist.
 */
void plugin_switch_limit(int (*wait)(int fd, short events));

#endif
