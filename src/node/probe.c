/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

struct probe {
	struct mysql_settings settings;
	int cancel_fd;
	MYSQL *kept;	    /* NULL: not connected */
	bool kept_is_extra; /* came through extra_port */
	enum flavour flavour;
	char server_version[64];
	char select[1024]; /* the variables this server has */
	enum fact_id selected[FACT_COUNT];
	unsigned int selected_count;
	/* the earlier of the two readings that make the flow control share */
	bool flow_known;
	double flow_ns;
	int64_t flow_at;
};

int probe_library_init(void) {
	return mysql_library_init(0, NULL, NULL) == 0 ? 0 : -ENOMEM;
}

void probe_library_finish(void) {
	mysql_library_end();
}

void probe_thread_init(void) {
	mysql_thread_init();
}

void probe_thread_finish(void) {
	mysql_thread_end();
}

const char *probe_client_version(void) {
	static char version[64];

	snprintf(version, sizeof(version), "%s %s", COMPAT_CLIENT, mysql_get_client_info());
	return version;
}

struct probe *probe_create(const struct mysql_settings *settings, int cancel_fd) {
	struct probe *probe = calloc(1, sizeof(*probe));

	if (!probe)
		return NULL;
	probe->settings = *settings;
	probe->cancel_fd = cancel_fd;
	return probe;
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
static int wait_for(const struct probe *probe, struct compat_wait wait, int64_t deadline,
		    short *revents) {
	struct pollfd fds[] = {
		{.fd = wait.fd, .events = wait.events},
		{.fd = probe->cancel_fd, .events = POLLIN},
	};
	int left = clock_left_ms(deadline, clock_now());
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
static int go_on(const struct probe *probe, MYSQL *mysql, const struct compat_operation *op,
		 int64_t deadline, short *revents) {
	int r;

	do
		r = wait_for(probe, compat_wait(mysql, op), deadline, revents);
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

/* Shut down first, so that a COM_QUIT or a TLS close sent by the library cannot block. */
static void drop(MYSQL *mysql) {
	int fd = compat_socket(mysql);

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	mysql_close(mysql);
}

static void drop_kept(struct probe *probe) {
	if (probe->kept)
		drop(probe->kept);
	probe->kept = NULL;
	probe->flow_known = false;
}

void probe_destroy(struct probe *probe) {
	if (!probe)
		return;
	/* A small packet into the buffer of a healthy connection does not block. */
	if (probe->kept)
		mysql_close(probe->kept);
	explicit_bzero(&probe->settings, sizeof(probe->settings));
	free(probe);
}

void probe_configure(struct probe *probe, const struct mysql_settings *settings) {
	struct mysql_settings before = probe->settings;

	before.timeout = settings->timeout;
	before.extra_port = settings->extra_port;
	if (memcmp(&before, settings, sizeof(before)) != 0)
		drop_kept(probe);
	probe->settings = *settings;
	explicit_bzero(&before, sizeof(before));
}

/* --- logging in ----------------------------------------------------------------------------- */

static int read_password(const char *path, char *password, size_t size,
			 struct probe_result *result) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char message[sizeof(result->error)];
	struct stat status;
	ssize_t length = -1;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_mode & S_IROTH) {
		snprintf(message, sizeof(message),
			 "password_file %s is readable by everyone: chmod o-r it", path);
		fail(result, PROBE_ACCESS_DENIED, 0, message);
		return -EPERM;
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

/* systemd.exec(5), LoadCredential=: a file of this name in this directory. */
static bool find_credential(char *path, size_t size) {
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	return directory && snprintf(path, size, "%s/mysql-password", directory) < (int)size &&
	       access(path, F_OK) == 0;
}

static int find_password(const struct mysql_settings *settings, char *password, size_t size,
			 struct probe_result *result) {
	char path[CONFIG_PATH_SIZE];

	if (settings->password_file[0])
		return read_password(settings->password_file, password, size, result);
	if (!settings->password[0] && find_credential(path, sizeof(path)))
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

static MYSQL *make_client(const struct mysql_settings *settings) {
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

static int run_connect(const struct probe *probe, MYSQL *mysql, unsigned int extra_port,
		       const char *password, int64_t deadline, struct probe_result *result) {
	const struct mysql_settings *settings = &probe->settings;
	const char *host = or_null(settings->host);
	const char *socket = or_null(settings->socket);
	unsigned int port = host ? (unsigned int)settings->port : 0;
	struct compat_operation op = {0};
	bool begin = true;
	short revents = 0;
	int r;

	if (extra_port) {
		host = host ? host : "127.0.0.1";
		socket = NULL;
		port = extra_port;
	}
	do {
		compat_connect(mysql, &op, host, or_null(settings->user), or_null(password), port,
			       socket, begin, revents);
		begin = false;
		if (!op.pending)
			break;
		r = go_on(probe, mysql, &op, deadline, &revents);
		if (r < 0)
			return abandon(result, r, "logging in");
	} while (true);
	if (op.failed)
		fail_from(result, mysql);
	else
		succeed(result);
	return 0;
}

/* On success `*connection` is the caller's; otherwise NULL and the reason in `result`. */
static int log_in(const struct probe *probe, unsigned int extra_port, int64_t deadline,
		  MYSQL **connection, struct probe_result *result) {
	char password[CONFIG_TEXT_SIZE] = "";
	MYSQL *mysql;
	int r;

	*connection = NULL;
	if (find_password(&probe->settings, password, sizeof(password), result) < 0)
		return 0;
	mysql = make_client(&probe->settings);
	if (!mysql) {
		explicit_bzero(password, sizeof(password));
		fail(result, PROBE_PROTOCOL_ERROR, 0, "out of memory");
		return 0;
	}
	r = run_connect(probe, mysql, extra_port, password, deadline, result);
	explicit_bzero(password, sizeof(password));
	if (r == 0 && result->outcome == PROBE_OK)
		*connection = mysql;
	else
		drop(mysql);
	return r;
}

/* --- asking --------------------------------------------------------------------------------- */

/* Outcome in `result`; on success `*rows` is the caller's, NULL for a statement without rows. */
static int ask(const struct probe *probe, MYSQL *mysql, const char *sql, int64_t deadline,
	       MYSQL_RES **rows, struct probe_result *result) {
	struct compat_operation op = {0};
	short revents = 0;
	int r;

	*rows = NULL;
	for (bool begin = true; begin || op.pending; begin = false) {
		if (!begin && (r = go_on(probe, mysql, &op, deadline, &revents)) < 0)
			return abandon(result, r, "asking for the node's state");
		compat_query(mysql, &op, sql, strlen(sql), begin, revents);
	}
	for (bool begin = true; !op.failed && (begin || op.pending); begin = false) {
		if (!begin && (r = go_on(probe, mysql, &op, deadline, &revents)) < 0)
			return abandon(result, r, "reading the node's state");
		compat_store(mysql, &op, begin, revents);
	}
	if (op.failed) {
		fail_from(result, mysql);
		return 0;
	}
	*rows = op.rows;
	succeed(result);
	return 0;
}

static void append_names(struct text *sql, enum fact_source source) {
	bool first = true;

	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != source)
			continue;
		text_format(sql, "%s'%s'", first ? "" : ",", fact_info(id)->name);
		first = false;
	}
}

/* Rows of name and value; false when they have another shape. */
static bool take_named(MYSQL_RES *rows, struct facts *facts) {
	enum fact_id id;
	MYSQL_ROW row;

	if (!rows || mysql_num_fields(rows) != 2)
		return false;
	while ((row = mysql_fetch_row(rows)))
		if (row[0] && fact_find(row[0], &id) == 0)
			facts_set(facts, id, row[1]);
	return true;
}

static int misunderstood(struct probe_result *result, const char *what) {
	fail(result, PROBE_PROTOCOL_ERROR, 0, what);
	return 0;
}

static int ask_status(const struct probe *probe, int64_t deadline, struct facts *facts) {
	char storage[1024];
	struct text sql;
	MYSQL_RES *rows;
	int r;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL STATUS WHERE Variable_name IN (");
	append_names(&sql, FACT_STATUS);
	text_append(&sql, ")");
	r = ask(probe, probe->kept, storage, deadline, &rows, &facts->probe);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	if (!take_named(rows, facts))
		misunderstood(&facts->probe, "the answer to SHOW GLOBAL STATUS has another shape");
	mysql_free_result(rows);
	return 0;
}

/* SELECT @@global.x costs a tenth of SHOW VARIABLES, but fails where a variable does not exist. */
static int ask_variables(const struct probe *probe, int64_t deadline, struct facts *facts) {
	MYSQL_RES *rows;
	MYSQL_ROW row;
	int r;

	if (probe->selected_count == 0)
		return 0;
	r = ask(probe, probe->kept, probe->select, deadline, &rows, &facts->probe);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	row = rows && mysql_num_fields(rows) == probe->selected_count ? mysql_fetch_row(rows)
								      : NULL;
	if (!row)
		misunderstood(&facts->probe, "the answer to SELECT has another shape");
	for (unsigned int i = 0; row && i < probe->selected_count; i++)
		facts_set(facts, probe->selected[i], row[i] ? row[i] : "");
	mysql_free_result(rows);
	return 0;
}

/* --- getting to know a server --------------------------------------------------------------- */

static void select_present(struct probe *probe, const struct facts *found) {
	struct text select;

	probe->selected_count = 0;
	text_init(&select, probe->select, sizeof(probe->select));
	text_append(&select, "SELECT ");
	for (enum fact_id id = 0; id < FACT_COUNT; id++) {
		if (fact_info(id)->source != FACT_VARIABLE || !fact_text(found, id))
			continue;
		text_format(&select, "%s@@global.%s", probe->selected_count ? "," : "",
			    fact_info(id)->name);
		probe->selected[probe->selected_count++] = id;
	}
}

static void take_flavour(struct probe *probe, MYSQL_RES *rows, const struct facts *found) {
	char comment[128] = "";
	MYSQL_ROW row;

	probe->server_version[0] = '\0';
	mysql_data_seek(rows, 0);
	while ((row = mysql_fetch_row(rows))) {
		if (!row[0] || !row[1])
			continue;
		if (strcmp(row[0], "version") == 0)
			text_copy(probe->server_version, sizeof(probe->server_version), row[1]);
		else if (strcmp(row[0], "version_comment") == 0)
			text_copy(comment, sizeof(comment), row[1]);
	}
	probe->flavour = flavour_of(probe->server_version, comment,
				    fact_text(found, FACT_PXC_MAINT_MODE) != NULL,
				    fact_text(found, FACT_WSREP_ON) != NULL);
}

/* Which variables this server has: one that it has not "does not apply". */
static int discover(struct probe *probe, int64_t deadline, struct facts *facts) {
	char storage[1024];
	struct text sql;
	MYSQL_RES *rows;
	int r;

	text_init(&sql, storage, sizeof(storage));
	text_append(&sql, "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('version',"
			  "'version_comment',");
	append_names(&sql, FACT_VARIABLE);
	text_append(&sql, ")");
	r = ask(probe, probe->kept, storage, deadline, &rows, &facts->probe);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	if (take_named(rows, facts)) {
		take_flavour(probe, rows, facts);
		select_present(probe, facts);
	} else {
		misunderstood(&facts->probe,
			      "the answer to SHOW GLOBAL VARIABLES has another shape");
	}
	mysql_free_result(rows);
	return 0;
}

/*
 * With wsrep_sync_wait set globally even SHOW STATUS waits for the applier (4 s behind FLUSH TABLES
 * WITH READ LOCK on MariaDB 10.11). A server without wsrep answers 1193, which does no harm.
 */
static int set_session(const struct probe *probe, int64_t deadline, struct probe_result *result) {
	const unsigned int unknown_variable = 1193;
	MYSQL_RES *rows;
	int r = ask(probe, probe->kept, "SET SESSION wsrep_sync_wait=0", deadline, &rows, result);

	mysql_free_result(rows);
	if (r == 0 && result->code == unknown_variable)
		succeed(result);
	return r;
}

/* Connects, through extra_port where the ordinary one is crowded, and gets to know the server. */
static int connect_kept(struct probe *probe, int64_t deadline, struct facts *facts) {
	unsigned int extra_port = (unsigned int)probe->settings.extra_port;
	int r = log_in(probe, 0, deadline, &probe->kept, &facts->login);

	facts->logins++;
	probe->kept_is_extra = false;
	facts->probe = facts->login;
	if (r == 0 && facts->login.outcome == PROBE_TOO_MANY_CONNECTIONS && extra_port) {
		r = log_in(probe, extra_port, deadline, &probe->kept, &facts->probe);
		probe->kept_is_extra = probe->kept != NULL;
		if (r == 0 && !probe->kept)
			facts->probe = facts->login;
	}
	if (r < 0 || !probe->kept)
		return r;
	r = set_session(probe, deadline, &facts->probe);
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		return r;
	return discover(probe, deadline, facts);
}

/* --- rounds --------------------------------------------------------------------------------- */

static void clear_values(struct facts *facts) {
	for (enum fact_id id = 0; id < FACT_COUNT; id++)
		facts_set(facts, id, NULL);
	facts->flow_control_known = false;
}

/*
 * Readings closer than a tenth of a second would make the share jump. After a reset of the counter
 * (FLUSH STATUS) the last share stands for one more reading.
 */
static void take_flow_control(struct probe *probe, struct facts *facts, bool known, double share) {
	const int64_t closest = 100 * NSEC_PER_MSEC;
	int64_t now = clock_now();
	double ns;

	facts->flow_control_known = known && probe->flow_known;
	facts->flow_control = share;
	if (!fact_number(facts, FACT_FLOW_CONTROL_PAUSED_NS, &ns)) {
		facts->flow_control_known = probe->flow_known = false;
		return;
	}
	if (probe->flow_known && now - probe->flow_at < closest)
		return;
	if (probe->flow_known && ns >= probe->flow_ns) {
		share = (ns - probe->flow_ns) / (double)(now - probe->flow_at);
		facts->flow_control = share > 1 ? 1 : share;
		facts->flow_control_known = true;
	}
	probe->flow_known = true;
	probe->flow_ns = ns;
	probe->flow_at = now;
}

static int ask_kept(struct probe *probe, int64_t deadline, struct facts *facts) {
	int r = ask_status(probe, deadline, facts);

	if (r == 0 && facts->probe.outcome == PROBE_OK)
		r = ask_variables(probe, deadline, facts);
	return r;
}

static int attempt(struct probe *probe, int64_t deadline, struct facts *facts) {
	bool fresh = !probe->kept;
	int r;

	clear_values(facts);
	if (fresh) {
		r = connect_kept(probe, deadline, facts);
		if (r == 0 && facts->probe.outcome == PROBE_OK)
			r = ask_status(probe, deadline, facts);
	} else {
		r = ask_kept(probe, deadline, facts);
	}
	if (r < 0 || facts->probe.outcome != PROBE_OK)
		drop_kept(probe);
	return r;
}

static bool worth_reconnecting(const struct probe_result *result) {
	const unsigned int unknown_variable = 1193; /* a plugin took its variables along */

	return result->outcome != PROBE_OK &&
	       (client_error_is_disconnect(result->code) || result->code == unknown_variable);
}

int probe_round(struct probe *probe, struct facts *facts) {
	int64_t begin = clock_now();
	int64_t deadline = begin + probe->settings.timeout;
	bool had_connection = probe->kept != NULL;
	bool flow_known = facts->flow_control_known;
	double flow = facts->flow_control;
	int r;

	facts->probed_wall = clock_wall();
	r = attempt(probe, deadline, facts);
	if (r == 0 && had_connection && worth_reconnecting(&facts->probe)) {
		/* The facts are as old as the round that found them. */
		facts->probed_wall = clock_wall();
		begin = clock_now();
		r = attempt(probe, deadline, facts);
	}
	if (r < 0)
		return r;
	facts->took = clock_now() - begin;
	/* A failure is known when it has happened, an answer may be as old as its question. */
	facts->probed_at = facts->probe.outcome == PROBE_OK ? begin : begin + facts->took;
	facts->probes++;
	facts->flavour = probe->flavour;
	text_copy(facts->server_version, sizeof(facts->server_version), probe->server_version);
	take_flow_control(probe, facts, flow_known, flow);
	return 0;
}

int probe_login(struct probe *probe, struct probe_result *login) {
	int64_t deadline = clock_now() + probe->settings.timeout;
	MYSQL *mysql = NULL;
	int r = log_in(probe, 0, deadline, &mysql, login);

	if (mysql)
		mysql_close(mysql);
	return r;
}
