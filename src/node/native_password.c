/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/native_password.h"

#include <mysql.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#define SHA1_SIZE 20
#define MOST_WRITES 1000

static bool sha1(unsigned char *digest, const void *data, size_t length) {
	return EVP_Digest(data, length, digest, NULL, EVP_sha1(), NULL) == 1;
}

/* SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password))): what the server undoes with its hash. */
static bool make_reply(unsigned char *reply, const unsigned char *scramble, const char *password) {
	unsigned char known[SHA1_SIZE], seed[2 * SHA1_SIZE], mask[SHA1_SIZE];
	bool made;

	memcpy(seed, scramble, SHA1_SIZE);
	made = sha1(known, password, strlen(password)) &&
	       sha1(seed + SHA1_SIZE, known, sizeof(known)) && sha1(mask, seed, sizeof(seed));
	for (int i = 0; i < SHA1_SIZE; i++)
		reply[i] = known[i] ^ mask[i];
	explicit_bzero(known, sizeof(known));
	explicit_bzero(seed, sizeof(seed));
	return made;
}

/* The scramble has a NUL after it on the wire. */
static int reply_size(const unsigned char *packet, int length, const char *password,
		      unsigned char *reply) {
	if (length != SHA1_SIZE + 1)
		return -1;
	if (!password[0])
		return 0;
	return make_reply(reply, packet, password) ? SHA1_SIZE : -1;
}

static int authenticate(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql) {
	unsigned char reply[SHA1_SIZE], *packet = NULL;
	int length = vio->read_packet(vio, &packet);
	int size = reply_size(packet, length, mysql->passwd, reply);

	if (size < 0)
		return length < 0 ? CR_ERROR : CR_SERVER_HANDSHAKE_ERR;
	return vio->write_packet(vio, reply, size) ? CR_ERROR : CR_OK;
}

/*
 * A repeated call would read anew, so the write has to come to its end in here. It does: it is the
 * first thing sent, or an answer of twenty bytes, into an empty buffer.
 */
static enum net_async_status authenticate_nonblocking(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql,
						      int *result) {
	unsigned char reply[SHA1_SIZE], *packet = NULL;
	enum net_async_status status;
	int length = 0, failed = 0, size;

	status = vio->read_packet_nonblocking(vio, &packet, &length);
	if (status == NET_ASYNC_NOT_READY)
		return status;
	*result = length < 0 ? CR_ERROR : CR_SERVER_HANDSHAKE_ERR;
	size = reply_size(packet, length, mysql->passwd, reply);
	if (status == NET_ASYNC_ERROR || size < 0)
		return NET_ASYNC_COMPLETE;
	status = NET_ASYNC_NOT_READY;
	for (int i = 0; status == NET_ASYNC_NOT_READY && i < MOST_WRITES; i++)
		status = vio->write_packet_nonblocking(vio, reply, size, &failed);
	*result = status == NET_ASYNC_COMPLETE && !failed ? CR_OK : CR_ERROR;
	return NET_ASYNC_COMPLETE;
}

void native_password_register(void) {
	static struct auth_plugin_t plugin = {
		.type = MYSQL_CLIENT_AUTHENTICATION_PLUGIN,
		.interface_version = MYSQL_CLIENT_AUTHENTICATION_PLUGIN_INTERFACE_VERSION,
		.name = "mysql_native_password",
		.author = "clustercheckd",
		.desc = "SHA-1 challenge and response",
		.version = {1, 0, 0},
		.license = "GPL",
		.authenticate_user = authenticate,
		.authenticate_user_nonblocking = authenticate_nonblocking,
	};
	MYSQL *mysql = mysql_init(NULL);

	/* The handle takes the error where the library has one of its own. */
	if (mysql)
		mysql_client_register_plugin(mysql, (struct st_mysql_client_plugin *)&plugin);
	mysql_close(mysql);
}
