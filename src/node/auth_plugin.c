/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/auth_plugin.h"

/* The handle is for the library's error alone. */
struct auth_plugin_t *auth_plugin_find(const char *name) {
	MYSQL *mysql = mysql_init(NULL);
	struct st_mysql_client_plugin *found = NULL;

	if (mysql)
		found = mysql_client_find_plugin(mysql, name, MYSQL_CLIENT_AUTHENTICATION_PLUGIN);
	mysql_close(mysql);
	return (struct auth_plugin_t *)found;
}
