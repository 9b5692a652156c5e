/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "node/client_error.h"
#include "node/client_internal.h"
#include "node/mysql_compat.h"

/* Nothing we ask for is larger; what claims to be is no answer. */
#define LARGEST_PACKET (256ul * 1024)
#define LARGEST_ANSWER (4 * LARGEST_PACKET)
#define MOST_ROWS 1000
#define UNWINDING_STEPS 1000
#define ALL_EVENTS (POLLIN | POLLOUT | POLLHUP | POLLERR)
#define PLUGIN_REFUSED                                                                    \
	"the account's authentication plugin is not let in: over TCP one of SHA-2 takes " \
	"tls=verify, or server_public_key; one that just sends the password is never"
#define NO_END "the server's answer has no end"

struct client {
	MYSQL mysql;	 /* first: the library hands it back where a client is wanted */
	size_t received; /* bytes since the last question */
	bool received_any;
	bool is_verified, has_key; /* before the server can get the password in clear text */
	struct compat_operation connecting;
};

/*
 * What has no end is cut off: Connector/C 3.3 would store column definitions until memory ends. It
 * also leaves the socket blocking, which only its TLS minds: that begins after the greeting.
 */
static void note_received(MYSQL *mysql, size_t length) {
	struct client *client = (struct client *)mysql;

	if (!client->received_any) {
		fcntl(compat_socket(mysql), F_SETFL, O_NONBLOCK);
		compat_choose_plugins(mysql, client->is_verified, client->has_key);
	}
	client->received_any = true;
	client->received += length;
	if (client->received > LARGEST_ANSWER)
		shutdown(compat_socket(mysql), SHUT_RDWR);
}

static int wait_inside(int fd, short events);

int client_library_init(void) {
	return compat_init(note_received, wait_inside) == 0 ? 0 : -ENOMEM;
}

void client_library_finish(void) {
	mysql_library_end();
}

void client_thread_init(void) {
	mysql_thread_init();
}

void client_thread_finish(void) {
	mysql_thread_end();
}

static char version[64];

static void write_version(void) {
	snprintf(version, sizeof(version), "%s %s", COMPAT_CLIENT, mysql_get_client_info());
}

/* Each door's thread asks for it. */
const char *client_library_version(void) {
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, write_version);
	return version;
}

/* --- results -------------------------------------------------------------------------------- */

static void succeed(struct probe_result *result) {
	*result = (struct probe_result){.outcome = PROBE_OK};
}

void client_fail(struct probe_result *result, enum probe_outcome outcome, unsigned int code,
		 const char *message) {
	result->outcome = outcome;
	result->code = code;
	text_copy(result->error, sizeof(result->error), message);
}

static void fail_from(struct probe_result *result, struct client *client) {
	MYSQL *mysql = &client->mysql;
	unsigned int code = mysql_errno(mysql);

	if (client->received > LARGEST_ANSWER) {
		client_fail(result, PROBE_PROTOCOL_ERROR, 0, NO_END);
		return;
	}
	client_fail(result, client_error_outcome(code, mysql_error(mysql)), code,
		    mysql_error(mysql));
	if (client_error_is_of_plugin(code, mysql_error(mysql)))
		client_fail(result, result->outcome, code, PLUGIN_REFUSED);
	if (result->outcome == PROBE_OK)
		client_fail(result, PROBE_PROTOCOL_ERROR, 0,
			    "the client library failed without an error");
}

/* --- waiting -------------------------------------------------------------------------------- */

/* Returns 0 with poll's revents (0: try again), -ETIMEDOUT or -ECANCELED. */
static int wait_for(const struct client_limit *limit, struct client_wait wait, short *revents) {
	struct pollfd fds[] = {
		{.fd = wait.fd, .events = wait.events},
		{.fd = limit->cancel_fd, .events = POLLIN},
	};
	int left = clock_left_ms(limit->deadline, clock_now());
	int n;

	if (left == 0)
		return -ETIMEDOUT;
	if (wait.slice_ms >= 0 && left > wait.slice_ms)
		left = wait.slice_ms;
	n = poll(fds, ARRAY_SIZE(fds), left);
	*revents = 0;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[1].revents)
		return -ECANCELED;
	if (n == 0 && wait.slice_ms < 0)
		return -ETIMEDOUT;
	*revents = fds[0].revents;
	return 0;
}

int client_go_on(const struct client_limit *limit, struct client_wait wait, short *revents) {
	int r;

	do
		r = wait_for(limit, wait, revents);
	while (r == 0 && *revents == 0 && wait.slice_ms < 0);
	return r;
}

int client_give_up(struct probe_result *result, int r, const char *doing) {
	char storage[128];
	struct text message;

	text_init(&message, storage, sizeof(storage));
	text_format(&message, "no answer in time while %s", doing);
	if (r == -ETIMEDOUT)
		client_fail(result, PROBE_TIMEOUT, 0, storage);
	else if (r != -ECANCELED)
		client_fail(result, PROBE_PROTOCOL_ERROR, 0, strerror(-r));
	return r == -ECANCELED ? r : 0;
}

/* --- connecting ----------------------------------------------------------------------------- */

struct client *client_create(const struct mysql_settings *settings) {
	struct client *client = calloc(1, sizeof(*client));
	MYSQL *mysql = client ? mysql_init(&client->mysql) : NULL;
	unsigned long packet = LARGEST_PACKET;

	if (!mysql) {
		free(client);
		return NULL;
	}
	/* Both libraries read one named file, or else the standard ones. */
	if (settings->defaults_file[0])
		mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, settings->defaults_file);
	if (settings->defaults_file[0] || settings->standard_option_files)
		mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
	compat_refuse_infile(mysql);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	compat_prepare(mysql, settings);
	client->is_verified = settings->tls == TLS_VERIFY;
	client->has_key = settings->server_public_key[0];
	return client;
}

static _Thread_local struct client_attempt *attempt_inside; /* the one the library works on */

/*
 * A TLS handshake is waited for within Connector/C 3.3, a switch of the plugin within
 * libmysqlclient; > 0: go on.
 */
static int wait_inside(int fd, short events) {
	struct client_wait wait = {.fd = fd, .events = events, .slice_ms = -1};
	struct client_attempt *attempt = attempt_inside;
	short revents = 0;

	if (!attempt)
		return 0;
	attempt->waited = client_go_on(&attempt->limit, wait, &revents);
	errno = -attempt->waited;
	return attempt->waited == 0;
}

bool client_connect(struct client *client, struct client_attempt *attempt, short revents,
		    struct probe_result *result) {
	struct compat_operation *op = &client->connecting;

	attempt_inside = attempt;
	compat_connect(&client->mysql, op, attempt->host, attempt->user, attempt->password,
		       attempt->port, attempt->socket, !attempt->begun, revents);
	attempt_inside = NULL;
	attempt->begun = true;
	if (op->pending)
		return false;
	if (!op->failed)
		succeed(result);
	else if (attempt->waited == -ETIMEDOUT)
		client_give_up(result, attempt->waited, "logging in");
	else
		fail_from(result, client);
	return true;
}

/*
 * Until it is connected Connector/C keeps its socket on a stack of its own, where not every
 * version's mysql_close() finds it (3.3.20's does): so the attempt is not left but made to fail,
 * which after the shutdown takes no waiting. libmysqlclient tells no socket that early, and closes
 * it.
 */
void client_abandon(struct client *client, struct client_attempt *attempt) {
	struct probe_result ignored;
	int fd;

	for (int i = 0; client->connecting.pending && i < UNWINDING_STEPS; i++) {
		fd = compat_socket(&client->mysql);
		if (fd < 0)
			return;
		shutdown(fd, SHUT_RDWR);
		client_connect(client, attempt, ALL_EVENTS, &ignored);
	}
}

struct client_wait client_connect_wait(struct client *client) {
	return compat_wait(&client->mysql, &client->connecting);
}

bool client_is_encrypted(struct client *client) {
	return mysql_get_ssl_cipher(&client->mysql) != NULL;
}

void client_forget_password(struct client *client) {
	compat_forget_password(&client->mysql);
}

/* --- asking and leaving --------------------------------------------------------------------- */

/* The two calls that wait, so that whoever waits need not know for which. */
typedef void (*client_step)(MYSQL *mysql, struct compat_operation *op, const char *sql, bool begin,
			    short revents);

static void query_step(MYSQL *mysql, struct compat_operation *op, const char *sql, bool begin,
		       short revents) {
	compat_query(mysql, op, sql, strlen(sql), begin, revents);
}

static void fetch_step(MYSQL *mysql, struct compat_operation *op, const char *sql, bool begin,
		       short revents) {
	(void)sql;
	compat_fetch(mysql, op, begin, revents);
}

/*
 * Connector/C 3.3 keeps what it has read on a stack of its own, and forgets it with the stack: so
 * the operation is not left but made to fail, which after the shutdown takes no waiting.
 */
static void unwind(MYSQL *mysql, struct compat_operation *op, client_step step) {
	shutdown(compat_socket(mysql), SHUT_RDWR);
	for (int i = 0; op->pending && i < UNWINDING_STEPS; i++)
		step(mysql, op, "", false, ALL_EVENTS);
}

/* True when the step is done; else `result` says why it is not, or `*r` is -ECANCELED. */
static bool finish_step(struct client *client, struct compat_operation *op, client_step step,
			const char *sql, const struct client_limit *limit,
			struct probe_result *result, int *r) {
	MYSQL *mysql = &client->mysql;
	short revents = 0;

	step(mysql, op, sql, true, 0);
	while (op->pending) {
		*r = client_go_on(limit, compat_wait(mysql, op), &revents);
		if (*r < 0) {
			unwind(mysql, op, step);
			*r = client_give_up(result, *r, "asking for the node's state");
			return false;
		}
		step(mysql, op, sql, false, revents);
	}
	if (op->failed)
		fail_from(result, client);
	return !op->failed;
}

/*
 * Row by row, so that none but the last is in memory: a server may have no end of them. What is
 * left unread after the limit is cut off, for the library would read it to the end.
 */
static int walk_rows(struct client *client, struct compat_operation *op,
		     const struct client_limit *limit, client_row on_row, void *context,
		     struct probe_result *result) {
	unsigned int columns = mysql_num_fields(op->rows);
	int r = 0;

	for (int count = 0; finish_step(client, op, fetch_step, "", limit, result, &r); count++) {
		if (!op->row) {
			succeed(result);
			return 0;
		}
		if (count == MOST_ROWS) {
			client_fail(result, PROBE_PROTOCOL_ERROR, 0, NO_END);
			break;
		}
		on_row(context, columns, (const char *const *)op->row);
	}
	shutdown(compat_socket(&client->mysql), SHUT_RDWR);
	return r;
}

int client_ask(struct client *client, const char *sql, const struct client_limit *limit,
	       client_row on_row, void *context, struct probe_result *result) {
	MYSQL *mysql = &client->mysql;
	struct compat_operation op = {0};
	int r = 0;

	client->received = 0;
	if (!finish_step(client, &op, query_step, sql, limit, result, &r))
		return r;
	if ((mysql_field_count(mysql) > 0) != (on_row != NULL)) {
		client_fail(result, PROBE_PROTOCOL_ERROR, 0,
			    "the server's answer has another shape");
		return 0;
	}
	succeed(result);
	if (!on_row)
		return 0;
	op.rows = mysql_use_result(mysql);
	if (!op.rows) {
		fail_from(result, client);
		return 0;
	}
	r = walk_rows(client, &op, limit, on_row, context, result);
	mysql_free_result(op.rows);
	return r;
}

int client_descriptor(struct client *client) {
	return client ? compat_socket(&client->mysql) : -1;
}

void client_quit(struct client *client) {
	/* A small packet into the buffer of a healthy connection does not block. */
	if (client)
		compat_close(&client->mysql);
	free(client);
}

void client_drop(struct client *client) {
	int fd;

	if (!client)
		return;
	/*
	 * First, so that a COM_QUIT or a TLS close sent by the library cannot block. After a failed
	 * connect nothing is open, and Connector/C may be asked for what it has freed.
	 */
	fd = client->connecting.failed ? -1 : compat_socket(&client->mysql);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	compat_close(&client->mysql);
	free(client);
}
