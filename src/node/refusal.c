/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/refusal.h"

#include <errmsg.h>
#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "node/auth_plugin.h"
#include "node/server_key.h"

typedef enum net_async_status (*authenticator)(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql,
					       int *result);

/* A plugin's call has no context of its own; it neither nests nor moves to another thread. */
static _Thread_local struct {
	enum net_async_status (*write)(MYSQL_PLUGIN_VIO *vio, const unsigned char *packet,
				       int length, int *failed);
	NET *net;
} inside;

/* The first packet's failure comes without an error, that of the others as a lost connection. */
static bool is_hung_up(const NET *net) {
	return net->last_errno == 0 || net->last_errno == CR_SERVER_LOST;
}

/* What is read next is the server's reason, or the end, which fails the login all the same. */
static enum net_async_status write_or_read_on(MYSQL_PLUGIN_VIO *vio, const unsigned char *packet,
					      int length, int *failed) {
	enum net_async_status status;

	if (server_key_is_refused(inside.net, packet, length)) {
		*failed = 1;
		return NET_ASYNC_COMPLETE;
	}
	status = inside.write(vio, packet, length, failed);
	if (status == NET_ASYNC_COMPLETE && *failed && is_hung_up(inside.net)) {
		inside.net->last_errno = 0;
		inside.net->last_error[0] = '\0';
		*failed = 0;
	}
	return status;
}

static enum net_async_status hear_out(authenticator authenticate, MYSQL_PLUGIN_VIO *vio,
				      struct MYSQL *mysql, int *result) {
	enum net_async_status status;

	inside.write = vio->write_packet_nonblocking;
	inside.net = &mysql->net;
	vio->write_packet_nonblocking = write_or_read_on;
	status = authenticate(vio, mysql, result);
	vio->write_packet_nonblocking = inside.write;
	return status;
}

static authenticator native, caching_sha2, sha256;

static enum net_async_status native_heard_out(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql,
					      int *result) {
	return hear_out(native, vio, mysql, result);
}

static enum net_async_status caching_sha2_heard_out(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql,
						    int *result) {
	return hear_out(caching_sha2, vio, mysql, result);
}

static enum net_async_status sha256_heard_out(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql,
					      int *result) {
	return hear_out(sha256, vio, mysql, result);
}

static const struct {
	const char *name;
	authenticator *own, heard_out;
} plugins[] = {
	{"mysql_native_password", &native, native_heard_out},
	{"caching_sha2_password", &caching_sha2, caching_sha2_heard_out},
	{"sha256_password", &sha256, sha256_heard_out},
};

static void step_in(struct auth_plugin_t *plugin, authenticator *own, authenticator heard_out) {
	if (!plugin || !plugin->authenticate_user_nonblocking ||
	    plugin->authenticate_user_nonblocking == heard_out)
		return;
	*own = plugin->authenticate_user_nonblocking;
	plugin->authenticate_user_nonblocking = heard_out;
}

void refusal_hear_out(void) {
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++)
		step_in(auth_plugin_find(plugins[i].name), plugins[i].own, plugins[i].heard_out);
}
