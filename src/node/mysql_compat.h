/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What MariaDB Connector/C and Oracle's libmysqlclient do differently, for client.c alone: the
 * non-blocking calls, the TLS options and the authentication they come with. Connector/C says what
 * it waits for; libmysqlclient does not, so there the socket is polled for input in slices of a
 * millisecond.
 */
#ifndef CLUSTERCHECKD_NODE_MYSQL_COMPAT_H
#define CLUSTERCHECKD_NODE_MYSQL_COMPAT_H

#include <mysql.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "node/client.h"
#include "node/native_password.h"
#include "node/plugin_switch.h"
#include "node/refusal.h"

/* An option file may allow LOCAL INFILE after all; then there is still nothing to read from. */
static inline int compat_open_infile(void **pointer, const char *name, void *context) {
	(void)name;
	(void)context;
	*pointer = NULL;
	return 1;
}

static inline int compat_read_infile(void *pointer, char *buffer, unsigned int size) {
	(void)pointer;
	(void)buffer;
	(void)size;
	return -1;
}

static inline void compat_close_infile(void *pointer) {
	(void)pointer;
}

static inline int compat_infile_error(void *pointer, char *message, unsigned int size) {
	(void)pointer;
	snprintf(message, size, "LOCAL INFILE is refused");
	return 2000;
}

static inline void compat_refuse_infile(MYSQL *mysql) {
	const unsigned int off = 0;

	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_set_local_infile_handler(mysql, compat_open_infile, compat_read_infile,
				       compat_close_infile, compat_infile_error, NULL);
}

/* Bytes have come; to be called for each read where the library can tell. */
typedef void (*compat_received)(MYSQL *mysql, size_t length);

/* Waits for poll(2)'s events where the library does so by itself; > 0: they are there. */
typedef int (*compat_waiter)(int fd, short events);

#if defined(MARIADB_BASE_VERSION) || defined(MARIADB_VERSION_ID)

#define COMPAT_CLIENT "MariaDB Connector/C"

/* Exported by Connector/C 3, but in none of its headers: called for all that is read and written.
 */
int ma_pvio_register_callback(my_bool add,
			      void (*callback)(int mode, MYSQL *mysql, const unsigned char *buffer,
					       size_t length));

static compat_received compat_on_received;
static compat_waiter compat_on_wait;

static inline void compat_on_traffic(int mode, MYSQL *mysql, const unsigned char *buffer,
				     size_t length) {
	(void)buffer;
	if (mode == 0 && (ssize_t)length > 0)
		compat_on_received(mysql, length);
}

static inline int compat_io_wait(my_socket fd, my_bool is_read, int timeout) {
	(void)timeout;
	return compat_on_wait(fd, is_read ? POLLIN : POLLOUT);
}

static inline int compat_init(compat_received on_received, compat_waiter on_wait) {
	compat_on_received = on_received;
	compat_on_wait = on_wait;
	ma_pvio_register_callback(1, compat_on_traffic);
	return mysql_library_init(0, NULL, NULL);
}

/*
 * One operation in progress. `start` begins it; while `pending` is not 0, wait as compat_wait()
 * says and call the matching `go on` with poll's revents. compat_fetch() brings the next of
 * `rows` into `row`, which is NULL after the last.
 */
struct compat_operation {
	int pending;
	bool failed;
	MYSQL_RES *rows;
	MYSQL_ROW row;
};

static inline int compat_occurred(short revents) {
	int events = 0;

	if (revents & (POLLIN | POLLHUP | POLLERR))
		events |= MYSQL_WAIT_READ;
	if (revents & (POLLOUT | POLLERR))
		events |= MYSQL_WAIT_WRITE;
	if (revents & POLLPRI)
		events |= MYSQL_WAIT_EXCEPT;
	return events;
}

static inline struct client_wait compat_wait(MYSQL *mysql, const struct compat_operation *op) {
	struct client_wait wait = {.fd = mysql_get_socket(mysql), .slice_ms = -1};

	if (op->pending & MYSQL_WAIT_READ)
		wait.events |= POLLIN;
	if (op->pending & MYSQL_WAIT_WRITE)
		wait.events |= POLLOUT;
	if (op->pending & MYSQL_WAIT_EXCEPT)
		wait.events |= POLLPRI;
	return wait;
}

static inline void compat_connect(MYSQL *mysql, struct compat_operation *op, const char *host,
				  const char *user, const char *password, unsigned int port,
				  const char *socket, bool begin, short revents) {
	MYSQL *connected = NULL;

	if (begin)
		op->pending = mysql_real_connect_start(&connected, mysql, host, user, password,
						       NULL, port, socket, 0);
	else
		op->pending = mysql_real_connect_cont(&connected, mysql, compat_occurred(revents));
	op->failed = op->pending == 0 && !connected;
}

static inline void compat_query(MYSQL *mysql, struct compat_operation *op, const char *sql,
				size_t length, bool begin, short revents) {
	int result = 0;

	if (begin)
		op->pending = mysql_real_query_start(&result, mysql, sql, length);
	else
		op->pending = mysql_real_query_cont(&result, mysql, compat_occurred(revents));
	op->failed = op->pending == 0 && result != 0;
}

static inline void compat_fetch(MYSQL *mysql, struct compat_operation *op, bool begin,
				short revents) {
	op->row = NULL;
	if (begin)
		op->pending = mysql_fetch_row_start(&op->row, op->rows);
	else
		op->pending = mysql_fetch_row_cont(&op->row, op->rows, compat_occurred(revents));
	op->failed = op->pending == 0 && !op->row && mysql_errno(mysql) != 0;
}

static inline int compat_socket(MYSQL *mysql) {
	return mysql_get_socket(mysql);
}

/* They answer a challenge. mysql_clear_password and dialog, in neither list, send the password. */
#define COMPAT_CHALLENGES "mysql_native_password,client_ed25519,parsec"

/*
 * When the server's first bytes are there, before it names a plugin. The SHA-2 plugins send the
 * password in clear text to who asks: over a Unix socket, and wherever TLS was wished for, also
 * when the server offers none (Connector/C 3.3); otherwise under the server's key, which is the
 * server's word unless a file names it.
 */
static inline void compat_choose_plugins(MYSQL *mysql, bool is_verified, bool has_key) {
	struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
	socklen_t size = sizeof(own);

	getsockname(mysql_get_socket(mysql), (struct sockaddr *)&own, &size);
	if (own.ss_family == AF_UNIX || is_verified || (has_key && !mysql->options.use_ssl))
		mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH,
			       COMPAT_CHALLENGES ",caching_sha2_password,sha256_password");
}

/* Connector/C 3.3 frees this one for another one alone. */
static inline void compat_close(MYSQL *mysql) {
	mysql_optionsv(mysql, MYSQL_SERVER_PUBLIC_KEY, NULL);
	mysql_close(mysql);
}

static inline void compat_prepare(MYSQL *mysql, const struct mysql_settings *settings) {
	my_bool yes = 1, no = 0;

	mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, COMPAT_CHALLENGES);
	if (settings->server_public_key[0])
		mysql_optionsv(mysql, MYSQL_SERVER_PUBLIC_KEY, settings->server_public_key);
	mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, (size_t)0);
	mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, compat_io_wait);
	mysql_optionsv(mysql, MYSQL_OPT_RECONNECT, &no);
	if (settings->tls == TLS_OFF)
		return;
	mysql_ssl_set(mysql, NULL, NULL, settings->tls_ca[0] ? settings->tls_ca : NULL, NULL, NULL);
	mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
	mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT,
		       settings->tls == TLS_VERIFY ? &yes : &no);
}

#else

#define COMPAT_CLIENT "libmysqlclient"

/* It refuses to send a password in clear text over TCP without TLS, and cannot be told of more. */
static inline void compat_choose_plugins(MYSQL *mysql, bool is_verified, bool has_key) {
	(void)mysql;
	(void)is_verified;
	(void)has_key;
}

static inline int compat_init(compat_received on_received, compat_waiter on_wait) {
	int r = mysql_library_init(0, NULL, NULL);

	(void)on_received; /* reads as many definitions as there are columns */
	if (r != 0)
		return r;
	native_password_register();
	refusal_hear_out();
	plugin_switch_limit(on_wait);
	return 0;
}

struct compat_operation {
	int pending;
	bool failed;
	MYSQL_RES *rows;
	MYSQL_ROW row;
};

/* Until it is connected libmysqlclient 9.7 has no buffer, and 0 for the descriptor. */
static inline int compat_socket(MYSQL *mysql) {
	return mysql->net.vio && mysql->net.buff ? mysql->net.fd : -1;
}

static inline struct client_wait compat_wait(MYSQL *mysql, const struct compat_operation *op) {
	(void)op;
	return (struct client_wait){.fd = compat_socket(mysql), .events = POLLIN, .slice_ms = 1};
}

static inline void compat_finish(struct compat_operation *op, enum net_async_status status) {
	op->pending = status == NET_ASYNC_NOT_READY;
	op->failed = status == NET_ASYNC_ERROR;
}

static inline void compat_connect(MYSQL *mysql, struct compat_operation *op, const char *host,
				  const char *user, const char *password, unsigned int port,
				  const char *socket, bool begin, short revents) {
	(void)begin;
	(void)revents;
	compat_finish(op, mysql_real_connect_nonblocking(mysql, host, user, password, NULL, port,
							 socket, 0));
}

static inline void compat_query(MYSQL *mysql, struct compat_operation *op, const char *sql,
				size_t length, bool begin, short revents) {
	(void)begin;
	(void)revents;
	compat_finish(op, mysql_real_query_nonblocking(mysql, sql, length));
}

/*
 * libmysqlclient 9.7 says "commands out of sync" in place of whatever has ended the rows: that the
 * connection is lost, when it has none any more, or else the error packet it read last, which ends
 * in a NUL.
 */
static inline void compat_restore_error(MYSQL *mysql) {
	NET *net = &mysql->net;
	const unsigned char *packet = net->read_pos;
	const char *message = "Lost connection to MySQL server during query";

	if (net->last_errno != CR_COMMANDS_OUT_OF_SYNC || (net->vio && packet[0] != 255))
		return;
	net->last_errno = CR_SERVER_LOST;
	if (net->vio) {
		net->last_errno = packet[1] | (unsigned int)packet[2] << 8;
		message = (const char *)packet + (packet[3] == '#' ? 9 : 3);
	}
	snprintf(net->last_error, sizeof(net->last_error), "%s", message);
}

static inline void compat_fetch(MYSQL *mysql, struct compat_operation *op, bool begin,
				short revents) {
	enum net_async_status status;

	(void)begin;
	(void)revents;
	op->row = NULL;
	status = mysql_fetch_row_nonblocking(op->rows, &op->row);
	compat_restore_error(mysql);
	compat_finish(op, mysql_errno(mysql) != 0 ? NET_ASYNC_ERROR : status);
}

static inline void compat_close(MYSQL *mysql) {
	mysql_close(mysql);
}

static inline void compat_prepare(MYSQL *mysql, const struct mysql_settings *settings) {
	static const unsigned int modes[] = {
		[TLS_OFF] = SSL_MODE_DISABLED,
		[TLS_PREFERRED] = SSL_MODE_PREFERRED,
		[TLS_REQUIRED] = SSL_MODE_REQUIRED,
		[TLS_VERIFY] = SSL_MODE_VERIFY_IDENTITY,
	};
	unsigned int second = 1;

	/* For what plugin_switch.c cannot see: a second packet in a row, half a TLS record. */
	mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &second);
	mysql_options(mysql, MYSQL_OPT_SSL_MODE, &modes[settings->tls]);
	if (settings->tls_ca[0])
		mysql_options(mysql, MYSQL_OPT_SSL_CA, settings->tls_ca);
	/* Not MYSQL_OPT_GET_SERVER_PUBLIC_KEY: whoever plays the server has a key, too. */
	if (settings->server_public_key[0])
		mysql_options(mysql, MYSQL_SERVER_PUBLIC_KEY, settings->server_public_key);
}

#endif

static inline void compat_wipe(char *text) {
	if (text)
		explicit_bzero(text, strlen(text));
}

/* Both libraries keep it for reconnecting and for changing the user; we do neither. */
static inline void compat_forget_password(MYSQL *mysql) {
	compat_wipe(mysql->passwd);
	compat_wipe(mysql->options.password);
}

#endif
