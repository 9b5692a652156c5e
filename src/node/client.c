/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "node/client_error.h"
#include "node/mysql_compat.h"

/* Nothing we ask for is larger; what claims to be is no answer. */
#define LARGEST_PACKET (256ul * 1024)

/* Only a name for the library's type, which no other file sees. */
struct client {
	MYSQL mysql;
};

int client_library_init(void) {
	return mysql_library_init(0, NULL, NULL) == 0 ? 0 : -ENOMEM;
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

const char *client_library_version(void) {
	static char version[64];

	snprintf(version, sizeof(version), "%s %s", COMPAT_CLIENT, mysql_get_client_info());
	return version;
}

/* --- results -------------------------------------------------------------------------------- */

static void succeed(struct probe_result *result) {
	*result = (struct probe_result){.outcome = PROBE_OK};
}

static void fail(struct probe_result *result, enum probe_outcome outcome, unsigned int code,
		 const char *message) {
	result->outcome = outcome;
	result->code = code;
	text_copy(result->error, sizeof(result->error), message);
}

static void fail_from(struct probe_result *result, MYSQL *mysql) {
	unsigned int code = mysql_errno(mysql);

	fail(result, client_error_outcome(code, mysql_error(mysql)), code, mysql_error(mysql));
	if (result->outcome == PROBE_OK)
		fail(result, PROBE_PROTOCOL_ERROR, 0, "the client library failed without an error");
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

/* Waits for an operation in progress; < 0 means it must be abandoned and the connection dropped. */
static int go_on(const struct client_limit *limit, MYSQL *mysql, const struct compat_operation *op,
		 short *revents) {
	int r;

	do
		r = wait_for(limit, compat_wait(mysql, op), revents);
	while (r == 0 && *revents == 0 && compat_wait(mysql, op).slice_ms < 0);
	return r;
}

static int abandon(struct probe_result *result, int r, const char *doing) {
	char storage[128];
	struct text message;

	text_init(&message, storage, sizeof(storage));
	text_format(&message, "no answer in time while %s", doing);
	if (r == -ETIMEDOUT)
		fail(result, PROBE_TIMEOUT, 0, storage);
	else if (r != -ECANCELED)
		fail(result, PROBE_PROTOCOL_ERROR, 0, strerror(-r));
	return r == -ECANCELED ? r : 0;
}

/* --- logging in ----------------------------------------------------------------------------- */

static int read_password(const char *path, char *password, size_t size,
			 struct probe_result *result) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char message[sizeof(result->error)];
	struct stat status;
	ssize_t length = -1;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_mode & S_IROTH) {
		snprintf(message, sizeof(message),
			 "password_file %s is readable by everyone: chmod o-r it", path);
		fail(result, PROBE_ACCESS_DENIED, 0, message);
		return -EPERM;
	}
	if (fd >= 0 && !S_ISREG(status.st_mode)) {
		snprintf(message, sizeof(message), "password_file %s is no regular file", path);
		fail(result, PROBE_ACCESS_DENIED, 0, message);
		return -EINVAL;
	}
	if (fd >= 0)
		length = read(fd, password, size - 1);
	if (length < 0) {
		snprintf(message, sizeof(message), "password_file %s: %s", path, strerror(errno));
		fail(result, PROBE_ACCESS_DENIED, 0, message);
		return -errno;
	}
	password[length] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

static int find_password(const struct mysql_settings *settings, char *password, size_t size,
			 struct probe_result *result) {
	char path[CONFIG_PATH_SIZE];

	if (settings->password_file[0])
		return read_password(settings->password_file, password, size, result);
	if (!settings->password[0] && config_credential(path, sizeof(path)))
		return read_password(path, password, size, result);
	text_copy(password, size, settings->password);
	return 0;
}

/* An option file may allow LOCAL INFILE after all; then there is still nothing to read from. */
static int refuse_infile(void **pointer, const char *name, void *context) {
	(void)name;
	(void)context;
	*pointer = NULL;
	return 1;
}

static int no_infile_bytes(void *pointer, char *buffer, unsigned int size) {
	(void)pointer;
	(void)buffer;
	(void)size;
	return -1;
}

static void end_infile(void *pointer) {
	(void)pointer;
}

static int infile_error(void *pointer, char *message, unsigned int size) {
	(void)pointer;
	snprintf(message, size, "LOCAL INFILE is refused");
	return 2000;
}

static MYSQL *make_mysql(const struct mysql_settings *settings) {
	MYSQL *mysql = mysql_init(NULL);
	unsigned int off = 0;
	unsigned long packet = LARGEST_PACKET;

	if (!mysql)
		return NULL;
	/* Both libraries read one named file, or else the standard ones. */
	if (settings->defaults_file[0])
		mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, settings->defaults_file);
	if (settings->defaults_file[0] || settings->standard_option_files)
		mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
	mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &off);
	mysql_set_local_infile_handler(mysql, refuse_infile, no_infile_bytes, end_infile,
				       infile_error, NULL);
	mysql_options(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
	compat_prepare(mysql, settings);
	return mysql;
}

static const char *or_null(const char *text) {
	return text[0] ? text : NULL;
}

/* The library keeps pointers to what it was given until the login is over. */
struct client_login {
	struct mysql_settings settings;
	char password[CONFIG_TEXT_SIZE];
	unsigned int extra_port;
	MYSQL *mysql;
	struct compat_operation op;
	bool begun, succeeded;
};

static void login_free(struct client_login *login) {
	explicit_bzero(login, sizeof(*login));
	free(login);
}

struct client_login *client_login_begin(const struct mysql_settings *settings,
					unsigned int extra_port, struct probe_result *result) {
	struct client_login *login = calloc(1, sizeof(*login));

	if (!login) {
		fail(result, PROBE_PROTOCOL_ERROR, 0, "out of memory");
		return NULL;
	}
	login->settings = *settings;
	login->extra_port = extra_port;
	if (find_password(settings, login->password, sizeof(login->password), result) < 0) {
		login_free(login);
		return NULL;
	}
	login->mysql = make_mysql(&login->settings);
	if (!login->mysql) {
		fail(result, PROBE_PROTOCOL_ERROR, 0, "out of memory");
		login_free(login);
		return NULL;
	}
	return login;
}

static void connect_further(struct client_login *login, short revents) {
	const struct mysql_settings *settings = &login->settings;
	const char *host = or_null(settings->host);
	const char *socket = or_null(settings->socket);
	unsigned int port = host ? (unsigned int)settings->port : 0;

	if (login->extra_port) {
		host = host ? host : "127.0.0.1";
		socket = NULL;
		port = login->extra_port;
	}
	compat_connect(login->mysql, &login->op, host, or_null(settings->user),
		       or_null(login->password), port, socket, !login->begun, revents);
	login->begun = true;
}

bool client_login_go_on(struct client_login *login, short revents, struct probe_result *result) {
	connect_further(login, revents);
	if (login->op.pending)
		return false;
	if (login->op.failed)
		fail_from(result, login->mysql);
	else if (login->settings.tls >= TLS_REQUIRED && !mysql_get_ssl_cipher(login->mysql))
		/* Connector/C 3.3 goes on in plain text, whatever MYSQL_OPT_SSL_ENFORCE says. */
		fail(result, PROBE_PROTOCOL_ERROR, 0,
		     "TLS is required, but the server offers none");
	else
		succeed(result);
	login->succeeded = result->outcome == PROBE_OK;
	return true;
}

struct client_wait client_login_wait(const struct client_login *login) {
	return compat_wait(login->mysql, &login->op);
}

struct client *client_login_take(struct client_login *login) {
	struct client *client = (struct client *)login->mysql;

	if (!login->succeeded) {
		client_drop(client);
		client = NULL;
	}
	login_free(login);
	return client;
}

void client_login_abandon(struct client_login *login) {
	if (!login)
		return;
	client_drop((struct client *)login->mysql);
	login_free(login);
}

int client_log_in(struct client **client, const struct mysql_settings *settings,
		  unsigned int extra_port, const struct client_limit *limit,
		  struct probe_result *result) {
	struct client_login *login = client_login_begin(settings, extra_port, result);
	short revents = 0;
	int r;

	*client = NULL;
	if (!login)
		return 0;
	while (!client_login_go_on(login, revents, result)) {
		r = go_on(limit, login->mysql, &login->op, &revents);
		if (r < 0) {
			client_login_abandon(login);
			return abandon(result, r, "logging in");
		}
	}
	*client = client_login_take(login);
	return 0;
}

/* --- asking and leaving --------------------------------------------------------------------- */

/*
 * Connector/C 3.3 keeps what it has read of a result on a stack of its own, and forgets it with the
 * stack: so the operation is not left but made to fail, which after the shutdown takes no waiting.
 */
static void unwind(MYSQL *mysql, struct compat_operation *op, bool storing) {
	const short all = POLLIN | POLLOUT | POLLHUP | POLLERR;

	shutdown(compat_socket(mysql), SHUT_RDWR);
	for (int i = 0; op->pending && i < 1000; i++) {
		if (storing)
			compat_store(mysql, op, false, all);
		else
			compat_query(mysql, op, "", 0, false, all);
	}
	if (op->rows)
		mysql_free_result(op->rows);
	op->rows = NULL;
}

static int run_query(MYSQL *mysql, const char *sql, const struct client_limit *limit,
		     MYSQL_RES **rows, struct probe_result *result) {
	struct compat_operation op = {0};
	short revents = 0;
	int r;

	for (bool begin = true; begin || op.pending; begin = false) {
		if (!begin && (r = go_on(limit, mysql, &op, &revents)) < 0) {
			unwind(mysql, &op, false);
			return abandon(result, r, "asking for the node's state");
		}
		compat_query(mysql, &op, sql, strlen(sql), begin, revents);
	}
	for (bool begin = true; !op.failed && (begin || op.pending); begin = false) {
		if (!begin && (r = go_on(limit, mysql, &op, &revents)) < 0) {
			unwind(mysql, &op, true);
			return abandon(result, r, "reading the node's state");
		}
		compat_store(mysql, &op, begin, revents);
	}
	*rows = op.rows;
	if (op.failed)
		fail_from(result, mysql);
	else
		succeed(result);
	return 0;
}

int client_ask(struct client *client, const char *sql, const struct client_limit *limit,
	       client_row on_row, void *context, struct probe_result *result) {
	MYSQL_RES *rows = NULL;
	MYSQL_ROW row;
	int r = run_query(&client->mysql, sql, limit, &rows, result);

	if (!rows)
		return r;
	while ((row = mysql_fetch_row(rows)))
		on_row(context, mysql_num_fields(rows), (const char *const *)row);
	mysql_free_result(rows);
	return r;
}

int client_descriptor(struct client *client) {
	return client ? compat_socket(&client->mysql) : -1;
}

void client_quit(struct client *client) {
	/* A small packet into the buffer of a healthy connection does not block. */
	if (client)
		mysql_close(&client->mysql);
}

void client_drop(struct client *client) {
	int fd;

	if (!client)
		return;
	/* First, so that a COM_QUIT or a TLS close sent by the library cannot block. */
	fd = compat_socket(&client->mysql);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	mysql_close(&client->mysql);
}
