/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/door.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "serve/crowd.h"
#include "serve/exchange.h"
#include "serve/replies.h"

#define CONNECTION_MEMORY (8 * 1024) /* bounds a request's line and headers */
#define CONTROL_CONNECTIONS 32
#define CLOSING_PATIENCE (100 * NSEC_PER_MSEC) /* a stop closes up to nine doors in turn */
/* Nobody waits for a door that has a successor: long enough for slow callers on a busy host. */
#define RETIRED_PATIENCE (5 * NSEC_PER_SEC)
#define QUEUE_SHARE 128 /* callers taken from the listen queue between two rounds of answers */
/*
 * At its own limit MHD closes who is added. What the crowd has shed is closed in the next round:
 * with this many more it never gets there.
 */
#define CONNECTIONS_BEING_SHED (4 * QUEUE_SHARE)
#define ROUNDS_FOR_NOTHING 2 /* in a row; then the door pauses between them */
#define PAUSE_MS 10
#define SHORTAGE_MS 10 /* without descriptors the queue waits, and the door does not spin */

static bool is_open(const struct door *door) {
	return atomic_load(&door->stage) == DOOR_OPEN;
}

/* --- callers -------------------------------------------------------------------------------- */

/* Before a byte is read. */
static bool may_enter(const struct door *door, int fd, const struct sockaddr *peer) {
	if (door->is_control)
		return peer_is_allowed(fd, door->group);
	return network_list_allows(&door->settings.allow, peer);
}

/*
 * A TLS server speaks first in two pieces, the second of which would wait for the caller to confirm
 * the first. HAProxy lets its kernel take its time with that (no TCP_QUICKACK): 40 ms.
 */
static void let_speak_at_once(int fd) {
	const int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

/* False: nobody waits, or there are no descriptors for who does. */
static bool let_one_in(struct door *door) {
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	int fd = accept4(door->fd, (struct sockaddr *)&peer, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		door->is_short =
			errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS;
		return errno == ECONNABORTED || errno == EINTR;
	}
	if (door->settings.tls_cert[0])
		let_speak_at_once(fd);
	/* MHD closes what it does not take. */
	if (may_enter(door, fd, (const struct sockaddr *)&peer))
		MHD_add_connection(door->daemon, fd, (const struct sockaddr *)&peer, length);
	else
		close(fd);
	return true;
}

static void let_in(struct door *door) {
	int i = 0;

	door->is_short = false;
	while (i < QUEUE_SHARE && let_one_in(door))
		i++;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **member,
			  enum MHD_ConnectionNotificationCode what) {
	struct door *door = context;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*member = crowd_join(
			door->crowd,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
				->connect_fd);
		atomic_fetch_add(&door->callers, 1);
	} else {
		crowd_leave(door->crowd, *member);
		atomic_fetch_sub(&door->callers, 1);
	}
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

	door->rounds_for_nothing = 0;
	/*
	 * MHD 0.9.75: a reply queued at the first call, before the body, ends the connection. Who
	 * is no member of the crowd, for want of memory, is not served: nobody could shed it.
	 */
	if (!exchange) {
		*request = member_of(connection) ? exchange_create() : NULL;
		return *request ? MHD_YES : MHD_NO;
	}
	if (*upload_size > 0) {
		if (replies_want_body(door->replies, method, path))
			exchange_collect(exchange, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	crowd_stir(door->crowd, member_of(connection));
	exchange->method = method;
	exchange->path = path;
	exchange->version = version;
	exchange->is_last = !is_open(door);
	if (replies_answer(door->replies, connection, exchange) != MHD_YES)
		return MHD_NO;
	if (door->settings.log_requests)
		exchange_log(exchange, connection);
	return MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how) {
	const struct door *door = context;

	/* Only what has been sent to the last byte counts as told. */
	if (*request && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
		exchange_note(*request, connection, door->audience);
	exchange_destroy(*request);
	*request = NULL;
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

/* --- the thread ----------------------------------------------------------------------------- */

/*
 * MHD 0.9.75 takes a caller who has sent a part of a TLS handshake for ready until the rest comes,
 * and asks for the next round at once: a single byte would keep a processor busy.
 */
static bool is_held_up(const struct door *door) {
	return door->settings.tls_cert[0] && door->rounds_for_nothing >= ROUNDS_FOR_NOTHING;
}

static int wait_ms(const struct door *door, int at_most_ms) {
	MHD_UNSIGNED_LONG_LONG left;

	if (door->is_short && at_most_ms > SHORTAGE_MS)
		at_most_ms = SHORTAGE_MS;
	if (MHD_get_timeout(door->daemon, &left) == MHD_YES && left < (unsigned int)at_most_ms)
		at_most_ms = (int)left;
	return at_most_ms == 0 && is_held_up(door) ? PAUSE_MS : at_most_ms;
}

/*
 * MHD 0.9.75's own thread blocks in the middle of its work when exactly 128 connections have become
 * ready at once, until another one does, and takes 11 callers at a time from the listen queue: so
 * the waiting and the accepting are done here, and MHD_run() never waits.
 */
static void wait_and_work(struct door *door, int at_most_ms) {
	struct pollfd watched[] = {
		{.fd = is_open(door) && !door->is_short ? door->fd : -1, .events = POLLIN},
		{.fd = door->epoll_fd, .events = POLLIN},
		{.fd = door->wake_fd, .events = POLLIN},
	};
	eventfd_t wakes;

	door->rounds_for_nothing++;
	if (poll(watched, ARRAY_SIZE(watched), wait_ms(door, at_most_ms)) > 0)
		door->rounds_for_nothing = 0;
	if (watched[2].revents)
		eventfd_read(door->wake_fd, &wakes);
	/* Asked again: who comes after a reload is the successor's. */
	if (is_open(door) && (watched[0].revents || door->is_short))
		let_in(door);
	MHD_run(door->daemon);
}

/* When told to end it still takes in who waits, and answers who is in or takes too long. */
static void *run(void *context) {
	struct door *door = context;
	int64_t end;

	while (atomic_load(&door->stage) != DOOR_ENDS)
		wait_and_work(door, INT_MAX);
	if (!door->retired)
		let_in(door);
	end = clock_now() + CLOSING_PATIENCE;
	while (atomic_load(&door->callers) > 0 && clock_now() < end)
		wait_and_work(door, clock_left_ms(end, clock_now()));
	return NULL;
}

static void set_stage(struct door *door, enum door_stage stage) {
	atomic_store(&door->stage, stage);
	eventfd_write(door->wake_fd, 1);
}

void door_retire(struct door *door) {
	door->retired = clock_now();
	set_stage(door, DOOR_RETIRED);
}

bool door_is_over(const struct door *door) {
	return atomic_load(&door->callers) == 0 || clock_now() - door->retired > RETIRED_PATIENCE;
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
	unsigned int flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
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
		flags, 0, NULL, NULL, on_request, door, MHD_OPTION_EXTERNAL_LOGGER, on_message,
		NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, door, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, door, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned int)settings->max_connections + CONNECTIONS_BEING_SHED,
		MHD_OPTION_CONNECTION_TIMEOUT, seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_MEMORY,
		/* No Host is needed, as the original needed none. */
		MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
}

static int start_thread(struct door *door) {
	int r;

	door->epoll_fd = MHD_get_daemon_info(door->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	door->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (door->wake_fd < 0)
		return -errno;
	r = thread_start(&door->thread, run, door);
	door->runs = r == 0;
	return r;
}

void door_destroy(struct door *door) {
	if (!door)
		return;
	if (door->runs) {
		set_stage(door, DOOR_ENDS);
		pthread_join(door->thread, NULL);
	}
	if (door->daemon)
		MHD_stop_daemon(door->daemon);
	crowd_destroy(door->crowd);
	replies_destroy(door->replies);
	if (door->fd >= 0)
		close(door->fd);
	if (door->wake_fd >= 0)
		close(door->wake_fd);
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
	door->wake_fd = -1;
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
		return start_thread(door);
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
