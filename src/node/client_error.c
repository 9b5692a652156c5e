/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/client_error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Client library errors: MariaDB Connector/C 3.3 and libmysqlclient 9 number them alike. */
enum {
	CLIENT_CONNECTION_ERROR = 2002,
	CLIENT_CONN_HOST_ERROR = 2003,
	CLIENT_UNKNOWN_HOST = 2005,
	CLIENT_SERVER_GONE = 2006,
	CLIENT_SERVER_LOST = 2013,
	CLIENT_SERVER_LOST_EXTENDED = 2055,
	CLIENT_AUTH_PLUGIN_CANNOT_LOAD = 2059,
	CLIENT_AUTH_PLUGIN_ERROR = 2061,
	CLIENT_PLUGIN_NOT_ALLOWED = 5010,
};

/* Server errors: MySQL 8.0 and MariaDB 10.11 reference. */
enum {
	SERVER_TOO_MANY_CONNECTIONS = 1040,
	SERVER_DB_ACCESS_DENIED = 1044,
	SERVER_ACCESS_DENIED = 1045,
	SERVER_UNKNOWN_COMMAND = 1047, /* galera: "WSREP has not yet prepared node" */
	SERVER_SHUTDOWN = 1053,
	SERVER_HOST_BLOCKED = 1129,
	SERVER_HOST_NOT_PRIVILEGED = 1130,
	SERVER_NEW_ABORTING_CONNECTION = 1184,
	SERVER_TOO_MANY_USER_CONNECTIONS = 1203,
	SERVER_USER_LIMIT_REACHED = 1226,
	SERVER_SPECIFIC_ACCESS_DENIED = 1227,
	SERVER_NOT_SUPPORTED_AUTH_MODE = 1251,
	SERVER_ACCESS_DENIED_NO_PASSWORD = 1698,
	SERVER_MUST_CHANGE_PASSWORD = 1820,
	SERVER_PASSWORD_EXPIRED = 1862,
	SERVER_CONNECTION_KILLED = 1927,
	SERVER_ACCOUNT_LOCKED = 3118,
	SERVER_ACCOUNT_LOCKED_MARIADB = 4151,
	SERVER_CLIENT_TIMEOUT = 4031,
};

static int trailing_errno(const char *message) {
	const char *open = strrchr(message, '(');

	return open ? atoi(open + 1) : 0;
}

static enum probe_outcome connect_outcome(const char *message) {
	switch (trailing_errno(message)) {
	case ECONNREFUSED:
	case ECONNRESET: /* it was connected, and closed before libmysqlclient looked */
	case EPIPE:
		return PROBE_REFUSED;
	case ETIMEDOUT:
	case EAGAIN: /* the backlog of a Unix socket is full: the server accepts nothing */
	case EINPROGRESS:
		return PROBE_TIMEOUT;
	default:
		return PROBE_UNREACHABLE;
	}
}

static bool names_sha2(const char *message) {
	return strstr(message, "'caching_sha2_password'") || strstr(message, "'sha256_password'");
}

enum probe_outcome client_error_outcome(unsigned int code, const char *message) {
	switch (code) {
	case 0:
		return PROBE_OK;
	case CLIENT_CONNECTION_ERROR:
	case CLIENT_CONN_HOST_ERROR:
		return connect_outcome(message);
	case CLIENT_UNKNOWN_HOST:
		return PROBE_UNREACHABLE;
	case CLIENT_SERVER_GONE:
	case CLIENT_SERVER_LOST:
	case CLIENT_SERVER_LOST_EXTENDED:
	case SERVER_SHUTDOWN:
	case SERVER_NEW_ABORTING_CONNECTION:
	case SERVER_CONNECTION_KILLED:
	case SERVER_CLIENT_TIMEOUT:
		return PROBE_REFUSED;
	case SERVER_TOO_MANY_CONNECTIONS:
	case SERVER_TOO_MANY_USER_CONNECTIONS:
	case SERVER_USER_LIMIT_REACHED:
		return PROBE_TOO_MANY_CONNECTIONS;
	case CLIENT_AUTH_PLUGIN_CANNOT_LOAD:
	case CLIENT_AUTH_PLUGIN_ERROR:
	case SERVER_DB_ACCESS_DENIED:
	case SERVER_ACCESS_DENIED:
	case SERVER_HOST_BLOCKED:
	case SERVER_HOST_NOT_PRIVILEGED:
	case SERVER_SPECIFIC_ACCESS_DENIED:
	case SERVER_NOT_SUPPORTED_AUTH_MODE:
	case SERVER_ACCESS_DENIED_NO_PASSWORD:
	case SERVER_MUST_CHANGE_PASSWORD:
	case SERVER_PASSWORD_EXPIRED:
	case SERVER_ACCOUNT_LOCKED:
	case SERVER_ACCOUNT_LOCKED_MARIADB:
		return PROBE_ACCESS_DENIED;
	case CLIENT_PLUGIN_NOT_ALLOWED:
		return names_sha2(message) ? PROBE_ACCESS_DENIED : PROBE_PROTOCOL_ERROR;
	case SERVER_UNKNOWN_COMMAND:
		return PROBE_NOT_READY;
	default:
		return PROBE_PROTOCOL_ERROR;
	}
}

bool client_error_is_of_plugin(unsigned int code, const char *message) {
	switch (code) {
	case CLIENT_PLUGIN_NOT_ALLOWED: /* Connector/C 3.3; its text may hold stray memory */
		return true;
	case CLIENT_AUTH_PLUGIN_ERROR: /* libmysqlclient 9 */
		return strstr(message, "requires secure connection") != NULL;
	default:
		return false;
	}
}

bool client_error_is_disconnect(unsigned int code) {
	switch (code) {
	case CLIENT_SERVER_GONE:
	case CLIENT_SERVER_LOST:
	case CLIENT_SERVER_LOST_EXTENDED:
	case SERVER_SHUTDOWN:
	case SERVER_CONNECTION_KILLED:
	case SERVER_CLIENT_TIMEOUT:
		return true;
	default:
		return false;
	}
}

bool client_error_is_of_account(unsigned int code) {
	return code == SERVER_TOO_MANY_USER_CONNECTIONS || code == SERVER_USER_LIMIT_REACHED;
}
