/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Turns an error number of a server or of a MySQL client library into a probe outcome. Pure.
 */
#ifndef CLUSTERCHECKD_NODE_CLIENT_ERROR_H
#define CLUSTERCHECKD_NODE_CLIENT_ERROR_H

#include <stdbool.h>

#include "node/facts.h"

/*
 * `message` is the library's: for a failed connect it ends in the errno, as in "(111)" (Connector/C
 * 3.3: CR_CONNECTION_ERROR, CR_CONN_HOST_ERROR; libmysqlclient 9: the same).
 */
enum probe_outcome client_error_outcome(unsigned int code, const char *message);

/* True when the connection is gone, rather than the statement refused: worth a reconnect at once.
 */
bool client_error_is_disconnect(unsigned int code);

/* True when the account has reached a limit of its own, rather than the server one of all. */
bool client_error_is_of_account(unsigned int code);

/* True when the library refused a plugin that would give the server the password. */
bool client_error_is_of_plugin(unsigned int code, const char *message);

#endif
