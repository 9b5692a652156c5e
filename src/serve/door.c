/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/door.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/commands.h"
#include "serve/crowd.h"
#include "serve/replies.h"

#define CONNECTION_MEMORY (8 * 1024) /* bounds a request's line and headers */
#define CONTROL_CONNECTIONS 32
#define CLOSING_PATIENCE (100 * NSEC_PER_MSEC) /* a stop closes up to nine doors in turn */
/* MHD 0.9.75 counts a connection some time after it has accepted it. */
#define CLOSING_QUIET (20 * NSEC_PER_MSEC)
/* Nobody waits for a door that has a successor: long enough for slow callers on a busy host. */
#define RETIRED_PATIENCE (5 * NSEC_PER_SEC)
#define RETIRED_QUIET (250 * NSEC_PER_MSEC)
/*
 * MHD 0.9.75 accepts 11 connections between two rounds through all that are ready. Behind a busy
 * door callers would wait in the listen queue, or, once that is full, for the second after which
 * the kernel tries again. So each 11th brings along more of the queue.
 */
#define MHD_SERIES 11
#define QUEUE_SHARE 64
/*
 * At its own limit MHD stops accepting (and 0.9.75 locks up where more are added). What the crowd
 * has shed is closed in the next round: with this many more it never gets there.
 */
#define CONNECTIONS_BEING_SHED (4 * (MHD_SERIES + QUEUE_SHARE))

/* --- requests ------------------------------------------------------------------------------- */

static void describe_peer(struct MHD_Connection *connection, char *text, size_t size) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct sockaddr *peer = info ? info->client_addr : NULL;

	if (peer && peer->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text,
			  (socklen_t)size);
	else if (peer && peer->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr, text,
			  (socklen_t)size);
	else
		snprintf(text, size, "unix");
}

/* What does not fit is read and forgotten; the answer then says so. */
static void collect(struct exchange *exchange, const char *bytes, size_t length) {
	if (!exchange->body)
		exchange->body = calloc(1, COMMAND_LARGEST + 1);
	if (!exchange->body || exchange->body_length + length > COMMAND_LARGEST) {
		exchange->body_is_too_large = true;
		return;
	}
	memcpy(exchange->body + exchange->body_length, bytes, length);
	exchange->body_length += length;
}

static struct crowd_member *member_of(struct MHD_Connection *connection) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *path, const char *method, const char *version,
				  const char *upload, size_t *upload_size, void **request) {
	struct door *door = context;
	struct exchange *exchange = *request;
	char peer[INET6_ADDRSTRLEN];
	enum MHD_Result result;

	/*
	 * MHD 0.9.75: a reply queued at the first call, before the body, ends the connection. Who
	 * was refused is no member, nor is one that there was no memory for.
	 */
	if (!exchange) {
		*request = member_of(connection) ? calloc(1, sizeof(*exchange)) : NULL;
		return *request ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0) {
		if (replies_want_body(door->replies, method, path))
			collect(exchange, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	crowd_stir(door->crowd, member_of(connection));
	exchange->method = method;
	exchange->path = path;
	exchange->version = version;
	result = replies_answer(door->replies, connection, exchange);
	if (door->settings.log_requests) {
		describe_peer(connection, peer, sizeof(peer));
		log_info("request from %s: %s %s -> %u", peer, method, path, exchange->status);
	}
	return result;
}

/* Only what has been sent to the last byte counts as told. */
static void note(const struct door *door, struct MHD_Connection *connection,
		 const struct exchange *exchange) {
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	const struct answer answer = {
		.kind = POLLER_HTTP,
		.peer = info ? info->client_addr : NULL,
		.path = exchange->noted_path,
		.state = exchange->haproxy_state,
		.status = exchange->status,
		.is_verdict = exchange->is_verdict,
		.available = exchange->available,
		.epoch = exchange->epoch,
	};

	audience_note(door->audience, &answer);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how) {
	struct exchange *exchange = *request;

	if (!exchange)
		return;
	if (how == MHD_REQUEST_TERMINATED_COMPLETED_OK && exchange->status)
		note(context, connection, exchange);
	free(exchange->body);
	free(exchange);
	*request = NULL;
}

/* Before a byte is read. */
static enum MHD_Result on_accept(void *context, const struct sockaddr *address, socklen_t length) {
	struct door *door = context;

	(void)length;
	if (!door->takes_queue)
		door->accepted++;
	return network_list_allows(&door->settings.allow, address) ? MHD_YES : MHD_NO;
}

/* MHD asks on_accept() about each, and closes those that are refused. */
static void take_queue(struct door *door, struct MHD_Daemon *daemon) {
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int fd;

	door->takes_queue = true;
	for (int i = 0; i < QUEUE_SHARE; i++, length = sizeof(peer)) {
		fd = accept4(door->fd, (struct sockaddr *)&peer, &length,
			     SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		MHD_add_connection(daemon, fd, (const struct sockaddr *)&peer, length);
	}
	door->takes_queue = false;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **member,
			  enum MHD_ConnectionNotificationCode what) {
	struct door *door = context;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		crowd_leave(door->crowd, *member);
		return;
	}
	fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	/* Before a byte is read, as on_accept(), which does not know the descriptor. */
	if (door->is_control && !peer_is_allowed(fd, door->group)) {
		shutdown(fd, SHUT_RDWR);
		return;
	}
	*member = crowd_join(door->crowd, fd);
	if (door->accepted < MHD_SERIES)
		return;
	door->accepted = 0;
	take_queue(door, MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon);
}

static void __attribute__((format(printf, 2, 0)))
on_message(void *context, const char *format, va_list args) {
	char storage[512];
	struct text line;

	(void)context;
	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	text_init(&line, storage, sizeof(storage));
	text_vformat(&line, format, args);
	log_debug("http: %s", storage);
}

/* --- one door ------------------------------------------------------------------------------- */

static char *read_file(const char *path, struct text *error) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *bytes = NULL;
	struct stat status;
	ssize_t length;

	if (fd < 0 || fstat(fd, &status) < 0) {
		text_format(error, "%s: %s", path, strerror(errno));
		return NULL;
	}
	if (!S_ISREG(status.st_mode) || status.st_size > 1024L * 1024) {
		text_format(error, "%s: expected a file of at most 1 MiB", path);
		return NULL;
	}
	bytes = calloc(1, (size_t)status.st_size + 1);
	length = bytes ? read(fd, bytes, (size_t)status.st_size) : -1;
	if (length < 0) {
		text_format(error, "%s: %s", path, strerror(errno));
		return NULL;
	}
	bytes[length] = '\0';
	return TAKE_POINTER(bytes);
}

static struct MHD_Daemon *start_daemon(struct door *door, const struct http_settings *settings,
				       char *certificate, char *key) {
	unsigned int flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
			     MHD_USE_SUPPRESS_DATE_NO_CLOCK | MHD_USE_ERROR_LOG |
			     (certificate ? MHD_USE_TLS : 0u);
	unsigned int seconds = (unsigned int)((settings->timeout - 1) / NSEC_PER_SEC + 1);
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, key},
		{MHD_OPTION_END, 0, NULL},
	};

	if (!certificate)
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
		flags, 0, on_accept, door, on_request, door, MHD_OPTION_EXTERNAL_LOGGER, on_message,
		NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, door, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, door, MHD_OPTION_LISTEN_SOCKET, door->fd,
		MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)settings->max_connections + CONNECTIONS_BEING_SHED,
		MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY,
		/* No Host is needed, as the original needed none. */
		MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static unsigned int connection_count(const struct door *door) {
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

	return info ? info->num_connections : 0;
}

void door_retire(struct door *door) {
	MHD_quiesce_daemon(door->daemon);
	door->retired = clock_now();
}

bool door_is_over(const struct door *door) {
	int64_t since = clock_now() - door->retired;

	return since > RETIRED_PATIENCE || (since > RETIRED_QUIET && connection_count(door) == 0);
}

/* Accepts no more, and stops once what was accepted is answered or takes too long. */
static void stop_daemon(struct door *door) {
	int64_t busy;

	if (!door->retired)
		door_retire(door);
	busy = door->retired;
	while (clock_now() - door->retired < CLOSING_PATIENCE &&
	       clock_now() - busy < CLOSING_QUIET) {
		if (connection_count(door) > 0)
			busy = clock_now();
		usleep(2000);
	}
	MHD_stop_daemon(door->daemon);
}

void door_destroy(struct door *door) {
	if (!door)
		return;
	if (door->daemon)
		stop_daemon(door);
	crowd_destroy(door->crowd);
	replies_destroy(door->replies);
	if (door->fd >= 0)
		close(door->fd);
	free(door);
}

struct door *door_create(const char *name, int fd, bool is_control) {
	struct door *door = calloc(1, sizeof(*door));

	if (!door) {
		close(fd);
		return NULL;
	}
	snprintf(door->name, sizeof(door->name), "%s", name);
	door->fd = fd;
	door->is_control = is_control;
	door->group = PEER_NO_GROUP;
	return door;
}

static struct http_settings settings_for(const struct door *door,
					 const struct http_settings *settings) {
	struct http_settings result = *settings;

	if (door->is_control) {
		memset(&result.allow, 0, sizeof(result.allow));
		result.tls_cert[0] = result.tls_key[0] = '\0';
		result.max_connections = CONTROL_CONNECTIONS;
	}
	/* Which addresses there are is no matter of a single door. */
	memset(&result.listen, 0, sizeof(result.listen));
	return result;
}

int door_start(struct door *door, const struct stage *stage, const struct http_settings *settings,
	       struct text *error) {
	AUTO_FREE char *certificate = NULL;
	AUTO_FREE char *key = NULL;

	door->settings = settings_for(door, settings);
	if (door->settings.tls_cert[0]) {
		certificate = read_file(door->settings.tls_cert, error);
		key = certificate ? read_file(door->settings.tls_key, error) : NULL;
		if (!key)
			return -EINVAL;
	}
	door->audience = stage->audience;
	door->replies = replies_create(stage, door->is_control);
	door->crowd = crowd_create(door->name, door->settings.max_connections);
	if (!door->replies || !door->crowd)
		return -ENOMEM;
	door->daemon = start_daemon(door, &door->settings, certificate, key);
	if (door->daemon)
		return 0;
	text_format(error, "cannot serve HTTP on %s%s", door->name,
		    certificate ? ": the certificate or its key is not accepted" : "");
	return -EINVAL;
}

/* A renewed certificate keeps its name: with TLS every reload reads it again. */
bool door_is_current(const struct door *door, const struct http_settings *settings) {
	struct http_settings wanted = settings_for(door, settings);

	return door->daemon && !wanted.tls_cert[0] &&
	       memcmp(&wanted, &door->settings, sizeof(wanted)) == 0;
}
