/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/plugin_switch.h"

#include <errno.h>
#include <mysql.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "node/auth_plugin.h"
#include "node/server_key.h"

#define HEADER_SIZE 4
#define TLS_HEADER_SIZE 5

typedef int (*authenticator)(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql);

static int (*wait_for)(int fd, short events);

/*
 * A plugin's call has no context of its own; it neither nests nor moves to another thread. The
 * server speaks when it has been spoken to: only then is nothing of its in the library's buffer.
 */
static _Thread_local struct {
	int (*read)(MYSQL_PLUGIN_VIO *vio, unsigned char **packet);
	int (*write)(MYSQL_PLUGIN_VIO *vio, const unsigned char *packet, int length);
	struct MYSQL *mysql;
	bool has_spoken;
} inside;

/* Of the first packet, or of the first TLS record, as far as its header is there. */
static size_t size_of_first(const unsigned char *head, size_t length, bool encrypted) {
	size_t header = encrypted ? TLS_HEADER_SIZE : HEADER_SIZE;

	if (length < header)
		return header;
	if (encrypted)
		return header + ((size_t)head[3] << 8 | head[4]);
	return header + (head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16);
}

static bool is_over(int fd) {
	struct pollfd it = {.fd = fd, .events = POLLRDHUP};

	return poll(&it, 1, 0) > 0;
}

/* True where reading does not block: a packet is whole, or too large for a login, or none comes. */
static bool is_readable(struct MYSQL *mysql, bool *begun) {
	unsigned char head[20 * 1024]; /* a TLS record has 16 KiB and some */
	bool over = is_over(mysql->net.fd);
	ssize_t n = recv(mysql->net.fd, head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);

	*begun = n > 0;
	if (n <= 0)
		return over || (errno != EAGAIN && errno != EINTR);
	return over || (size_t)n == sizeof(head) ||
	       (size_t)n >= size_of_first(head, (size_t)n, mysql_get_ssl_cipher(mysql) != NULL);
}

static bool wait_for_packet(struct MYSQL *mysql) {
	bool begun;

	while (!is_readable(mysql, &begun)) {
		if (wait_for(mysql->net.fd, POLLIN) <= 0)
			return false;
		if (begun)
			poll(NULL, 0, 1); /* what is there already would wake us at once */
	}
	return true;
}

static bool wait_for_reply(void) {
	bool must_wait = inside.has_spoken;

	inside.has_spoken = false;
	return !must_wait || wait_for_packet(inside.mysql);
}

static int read_when_whole(MYSQL_PLUGIN_VIO *vio, unsigned char **packet) {
	return wait_for_reply() ? inside.read(vio, packet) : -1;
}

static int write_and_note(MYSQL_PLUGIN_VIO *vio, const unsigned char *packet, int length) {
	if (server_key_is_refused(&inside.mysql->net, packet, length))
		return 1;
	inside.has_spoken = true;
	return inside.write(vio, packet, length);
}

static int authenticate_in_time(authenticator authenticate, MYSQL_PLUGIN_VIO *vio,
				struct MYSQL *mysql) {
	int result;

	inside.read = vio->read_packet;
	inside.write = vio->write_packet;
	inside.mysql = mysql;
	inside.has_spoken = false;
	vio->read_packet = read_when_whole;
	vio->write_packet = write_and_note;
	result = authenticate(vio, mysql);
	vio->read_packet = inside.read;
	vio->write_packet = inside.write;
	/* The library reads on by itself. */
	return result == CR_OK && !wait_for_reply() ? CR_ERROR : result;
}

static authenticator native, caching_sha2, sha256;

static int native_in_time(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql) {
	return authenticate_in_time(native, vio, mysql);
}

static int caching_sha2_in_time(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql) {
	return authenticate_in_time(caching_sha2, vio, mysql);
}

static int sha256_in_time(MYSQL_PLUGIN_VIO *vio, struct MYSQL *mysql) {
	return authenticate_in_time(sha256, vio, mysql);
}

static const struct {
	const char *name;
	authenticator *own, in_time;
} plugins[] = {
	{"mysql_native_password", &native, native_in_time},
	{"caching_sha2_password", &caching_sha2, caching_sha2_in_time},
	{"sha256_password", &sha256, sha256_in_time},
};

static void step_in(struct auth_plugin_t *plugin, authenticator *own, authenticator in_time) {
	if (!plugin || plugin->authenticate_user == in_time)
		return;
	*own = plugin->authenticate_user;
	plugin->authenticate_user = in_time;
}

void plugin_switch_limit(int (*wait)(int fd, short events)) {
	wait_for = wait;
	for (size_t i = 0; i < ARRAY_SIZE(plugins); i++)
		step_in(auth_plugin_find(plugins[i].name), plugins[i].own, plugins[i].in_time);
}
