/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scripted_mysql.h"

#include "unit.h"

#include <mysql.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CONNECTIONS 4

bool scripted_no_memory;
const char *scripted_cipher;
char scripted_user[64], scripted_password[64];

/* One connection at a time has an operation under way; several may be open. */
struct connection {
	MYSQL *mysql; /* NULL: free */
	int fd, peer;
	unsigned int error;
	const char *message;
	const struct scripted_step *step; /* under way, or whose rows are being read */
	unsigned int waits;		  /* of it so far */
	unsigned int row;		  /* of it, the next */
	bool under_way, has_rows, has_result;
};

static const struct scripted_step *steps;
static size_t step_count, steps_made;
static struct connection connections[MOST_CONNECTIONS];

/* A result is opaque to who uses it: here, an address that tells the connection. */
static char result_storage[MOST_CONNECTIONS];

static struct connection *connection_of_result(MYSQL_RES *result) {
	return &connections[(char *)result - result_storage];
}

void scripted_begin(const struct scripted_step *script, size_t count) {
	steps = script;
	step_count = count;
	steps_made = 0;
	scripted_no_memory = false;
	scripted_cipher = NULL;
	memset(connections, 0, sizeof(connections));
}

void scripted_end(void) {
	if (steps_made < step_count)
		fail_msg("%zu of %zu calls were made; the next is \"%s\"", steps_made, step_count,
			 steps[steps_made].call);
	for (size_t i = 0; i < MOST_CONNECTIONS; i++)
		if (connections[i].mysql)
			fail_msg("connection %zu is still open", i);
}

static struct connection *connection_of(const MYSQL *mysql) {
	for (size_t i = 0; i < MOST_CONNECTIONS; i++)
		if (connections[i].mysql == mysql)
			return &connections[i];
	return NULL;
}

static const struct scripted_step *next_step(const char *call, const char *argument) {
	const struct scripted_step *step = &steps[steps_made];

	if (steps_made >= step_count)
		fail_msg("%s %s: the script is over", call, argument);
	if (strcmp(step->call, call) != 0)
		fail_msg("%s %s: step %zu of the script is %s %s", call, argument, steps_made + 1,
			 step->call, step->expected ? step->expected : "");
	if (step->expected && strncmp(argument, step->expected, strlen(step->expected)) != 0)
		fail_msg("%s %s: expected was %s", call, argument, step->expected);
	steps_made++;
	return step;
}

static bool is_shut_down(const struct connection *it) {
	char byte;

	return recv(it->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void set_error(struct connection *it, unsigned int error, const char *message) {
	it->error = error;
	it->message = message ? message : "scripted";
}

/* True: not yet. A byte in the socket makes whoever polls it come again. */
static bool must_wait(struct connection *it) {
	char byte = 0;

	recv(it->fd, &byte, 1, MSG_DONTWAIT);
	if (is_shut_down(it)) {
		set_error(it, 2013, "Lost connection");
		return false;
	}
	if (it->step->hangs)
		return true;
	if (it->waits >= it->step->waits)
		return false;
	it->waits++;
	assert_int_equal(send(it->peer, &byte, 1, MSG_DONTWAIT), 1);
	return true;
}

/* --- each operation: begun once, then asked whether it is done ------------------------------- */

static struct connection *begin_connect(MYSQL *mysql, const char *host, const char *user,
					const char *password, unsigned int port,
					const char *socket) {
	struct connection *it = connection_of(mysql);
	char where[128];
	int fds[2];

	snprintf(where, sizeof(where), "%s:%u", host ? host : "", port);
	assert_non_null(it);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	it->fd = fds[0];
	it->peer = fds[1];
	it->step = next_step("connect", socket ? socket : where);
	it->waits = 0;
	snprintf(scripted_user, sizeof(scripted_user), "%s", user ? user : "(none)");
	snprintf(scripted_password, sizeof(scripted_password), "%s",
		 password ? password : "(none)");
	return it;
}

/* Of a connect that fails the real one leaves nothing open. */
static bool end_connect(struct connection *it) {
	if (it->error == 0 && it->step->error)
		set_error(it, it->step->error, it->step->message);
	if (it->error)
		shutdown(it->fd, SHUT_RDWR);
	return it->error == 0;
}

static void begin_query(struct connection *it, const char *sql) {
	assert_non_null(it);
	assert_false(it->has_rows);
	assert_false(it->has_result);
	it->step = next_step("query", sql);
	it->waits = it->row = 0;
	set_error(it, 0, "");
}

/* A hang or an error of a statement with rows comes after them. */
static bool query_is_done(struct connection *it) {
	if (it->step->columns == 0 && must_wait(it))
		return false;
	if (it->step->columns == 0 && it->step->error)
		set_error(it, it->step->error, it->step->message);
	it->has_rows = it->error == 0 && it->step->columns > 0;
	return true;
}

static bool row_is_there(struct connection *it) {
	return it->row < it->step->rows || !must_wait(it);
}

static MYSQL_ROW take_row(struct connection *it) {
	static const char *row[64];
	const struct scripted_step *step = it->step;

	if (it->error == 0 && it->row < step->rows) {
		for (unsigned int i = 0; i < step->columns; i++)
			row[i] = step->values ? step->values[it->row * step->columns + i] : "x";
		it->row++;
		return (MYSQL_ROW)row;
	}
	it->has_rows = false;
	if (it->error == 0 && step->error)
		set_error(it, step->error, step->message);
	return NULL;
}

/* --- the library's calls that both have ------------------------------------------------------ */

int STDCALL mysql_server_init(int argc, char **argv, char **groups) {
	(void)argc;
	(void)argv;
	(void)groups;
	return 0;
}

void STDCALL mysql_server_end(void) {
}

void STDCALL mysql_thread_end(void) {
}

const char *STDCALL mysql_get_client_info(void) {
	return "scripted";
}

MYSQL *STDCALL mysql_init(MYSQL *mysql) {
	struct connection *it = connection_of(NULL);

	if (scripted_no_memory || !mysql)
		return NULL;
	assert_non_null(it);
	memset(mysql, 0, sizeof(*mysql));
	*it = (struct connection){.mysql = mysql, .fd = -1, .peer = -1};
	return mysql;
}

int STDCALL mysql_options(MYSQL *mysql, enum mysql_option option, const void *value) {
	(void)mysql;
	(void)option;
	(void)value;
	return 0;
}

unsigned int STDCALL mysql_errno(MYSQL *mysql) {
	return connection_of(mysql)->error;
}

const char *STDCALL mysql_error(MYSQL *mysql) {
	return connection_of(mysql)->message;
}

const char *STDCALL mysql_get_ssl_cipher(MYSQL *mysql) {
	(void)mysql;
	return scripted_cipher;
}

unsigned int STDCALL mysql_field_count(MYSQL *mysql) {
	return connection_of(mysql)->step->columns;
}

unsigned int STDCALL mysql_num_fields(MYSQL_RES *result) {
	return connection_of_result(result)->step->columns;
}

MYSQL_RES *STDCALL mysql_use_result(MYSQL *mysql) {
	struct connection *it = connection_of(mysql);

	assert_true(it->has_rows);
	it->has_result = true;
	return (MYSQL_RES *)(void *)&result_storage[it - connections];
}

/* The real one reads what is left unless the socket is shut down: that could take for ever. */
void STDCALL mysql_free_result(MYSQL_RES *result) {
	struct connection *it = connection_of_result(result);

	assert_true(it->has_result);
	assert_true(!it->has_rows || is_shut_down(it));
	it->has_rows = it->has_result = false;
}

void STDCALL mysql_close(MYSQL *mysql) {
	struct connection *it = connection_of(mysql);

	if (!mysql)
		return;
	assert_non_null(it);
	assert_false(it->has_result);
	if (it->fd >= 0) {
		next_step(is_shut_down(it) ? "drop" : "quit", "");
		close(it->fd);
		close(it->peer);
	}
	it->mysql = NULL;
}

#if defined(MARIADB_BASE_VERSION) || defined(MARIADB_VERSION_ID)

my_bool STDCALL mysql_thread_init(void) {
	return 0;
}

int STDCALL mysql_optionsv(MYSQL *mysql, enum mysql_option option, ...) {
	(void)mysql;
	(void)option;
	return 0;
}

int STDCALL mysql_ssl_set(MYSQL *mysql, const char *key, const char *cert, const char *ca,
			  const char *capath, const char *cipher) {
	(void)mysql, (void)key, (void)cert, (void)ca, (void)capath, (void)cipher;
	return 0;
}

void mysql_set_local_infile_handler(MYSQL *mysql, int (*init)(void **, const char *, void *),
				    int (*next)(void *, char *, unsigned int), void (*end)(void *),
				    int (*error)(void *, char *, unsigned int), void *data) {
	(void)mysql, (void)init, (void)next, (void)end, (void)error, (void)data;
}

int ma_pvio_register_callback(my_bool add,
			      void (*callback)(int, MYSQL *, const unsigned char *, size_t));
int ma_pvio_register_callback(my_bool add,
			      void (*callback)(int, MYSQL *, const unsigned char *, size_t)) {
	(void)add, (void)callback;
	return 0;
}

my_socket STDCALL mysql_get_socket(MYSQL *mysql) {
	return connection_of(mysql)->fd;
}

static int finish_connect(struct connection *it, MYSQL **result) {
	if (must_wait(it))
		return MYSQL_WAIT_READ;
	*result = end_connect(it) ? it->mysql : NULL;
	return 0;
}

int STDCALL mysql_real_connect_start(MYSQL **result, MYSQL *mysql, const char *host,
				     const char *user, const char *password, const char *db,
				     unsigned int port, const char *socket, unsigned long flags) {
	(void)db, (void)flags;
	return finish_connect(begin_connect(mysql, host, user, password, port, socket), result);
}

int STDCALL mysql_real_connect_cont(MYSQL **result, MYSQL *mysql, int status) {
	(void)status;
	return finish_connect(connection_of(mysql), result);
}

int STDCALL mysql_real_query_cont(int *result, MYSQL *mysql, int status) {
	struct connection *it = connection_of(mysql);

	(void)status;
	if (!query_is_done(it))
		return MYSQL_WAIT_READ;
	*result = it->error != 0;
	return 0;
}

int STDCALL mysql_real_query_start(int *result, MYSQL *mysql, const char *sql,
				   unsigned long length) {
	(void)length;
	begin_query(connection_of(mysql), sql);
	return mysql_real_query_cont(result, mysql, 0);
}

int STDCALL mysql_fetch_row_cont(MYSQL_ROW *row, MYSQL_RES *result, int status) {
	struct connection *it = connection_of_result(result);

	(void)status;
	if (!row_is_there(it))
		return MYSQL_WAIT_READ;
	*row = take_row(it);
	return 0;
}

int STDCALL mysql_fetch_row_start(MYSQL_ROW *row, MYSQL_RES *result) {
	return mysql_fetch_row_cont(row, result, 0);
}

#else

bool mysql_thread_init(void) {
	return false;
}

void mysql_set_local_infile_handler(MYSQL *mysql, int (*init)(void **, const char *, void *),
				    int (*next)(void *, char *, unsigned int), void (*end)(void *),
				    int (*error)(void *, char *, unsigned int), void *data) {
	(void)mysql, (void)init, (void)next, (void)end, (void)error, (void)data;
}

struct st_mysql_client_plugin *mysql_client_find_plugin(struct MYSQL *mysql, const char *name,
							int type) {
	(void)mysql;
	(void)name;
	(void)type;
	return NULL;
}

struct st_mysql_client_plugin *mysql_client_register_plugin(struct MYSQL *mysql,
							    struct st_mysql_client_plugin *plugin) {
	(void)mysql;
	return plugin;
}

enum net_async_status mysql_real_connect_nonblocking(MYSQL *mysql, const char *host,
						     const char *user, const char *password,
						     const char *db, unsigned int port,
						     const char *socket, unsigned long flags) {
	struct connection *it = connection_of(mysql);

	(void)db, (void)flags;
	if (it->fd < 0)
		begin_connect(mysql, host, user, password, port, socket);
	mysql->net.fd = it->fd;
	mysql->net.vio = (void *)it;
	mysql->net.buff = (unsigned char *)it; /* set up: the descriptor counts */
	if (must_wait(it))
		return NET_ASYNC_NOT_READY;
	return end_connect(it) ? NET_ASYNC_COMPLETE : NET_ASYNC_ERROR;
}

enum net_async_status mysql_real_query_nonblocking(MYSQL *mysql, const char *sql,
						   unsigned long length) {
	struct connection *it = connection_of(mysql);

	(void)length;
	if (!it->under_way)
		begin_query(it, sql);
	it->under_way = !query_is_done(it);
	if (it->under_way)
		return NET_ASYNC_NOT_READY;
	return it->error ? NET_ASYNC_ERROR : NET_ASYNC_COMPLETE;
}

enum net_async_status mysql_fetch_row_nonblocking(MYSQL_RES *result, MYSQL_ROW *row) {
	struct connection *it = connection_of_result(result);

	if (!row_is_there(it))
		return NET_ASYNC_NOT_READY;
	*row = take_row(it);
	return NET_ASYNC_COMPLETE;
}

#endif
