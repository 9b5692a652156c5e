/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The authentication plugins of libmysqlclient, for who steps in between them and the library.
 */
#ifndef CLUSTERCHECKD_NODE_AUTH_PLUGIN_H
#define CLUSTERCHECKD_NODE_AUTH_PLUGIN_H

#include <mysql.h>

/* The library's own, to be changed before threads exist; NULL where it has none of that name. */
struct auth_plugin_t *auth_plugin_find(const char *name);

#endif
