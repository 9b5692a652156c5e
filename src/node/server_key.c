/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/server_key.h"

#include <errmsg.h>
#include <stdio.h>

/* What sha256_password and caching_sha2_password send; an empty password is a NUL. */
static const unsigned char requests[] = {1, 2};

bool server_key_is_refused(NET *net, const unsigned char *packet, int length) {
	if (length != 1 || (packet[0] != requests[0] && packet[0] != requests[1]))
		return false;
	net->last_errno = CR_AUTH_PLUGIN_ERR;
	snprintf(net->last_error, sizeof(net->last_error),
		 "Authentication requires secure connection, or the server's key in a file");
	return true;
}
