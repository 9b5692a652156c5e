/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/fetch.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"

#define ANSWER_LARGEST (1024 * 1024)
#define REQUEST_LARGEST 4096
#define RETRY_MS 10

/* 0 once one of the events is there, -ETIMEDOUT, or -errno. */
static int wait_for(int fd, short events, int64_t deadline) {
	struct pollfd poll_fd = {.fd = fd, .events = events};
	int left, n;

	do {
		/* Asked first: a peer that always has one more byte must not outlast it. */
		left = clock_left_ms(deadline, clock_now());
		if (left == 0)
			return -ETIMEDOUT;
		n = poll(&poll_fd, 1, left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	return n < 0 ? -errno : 0;
}

/* --- connecting ----------------------------------------------------------------------------- */

static int finish_connect(int fd, int64_t deadline) {
	socklen_t length = sizeof(int);
	int error = 0;
	int r = wait_for(fd, POLLOUT, deadline);

	if (r < 0)
		return r;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return -error;
}

/* A Unix socket whose backlog is full says EAGAIN, and cannot be polled for room (unix(7)). */
static int pause_connect(int64_t deadline) {
	if (clock_left_ms(deadline, clock_now()) <= RETRY_MS)
		return -ETIMEDOUT;
	poll(NULL, 0, RETRY_MS);
	return 0;
}

static int connect_once(int fd, const struct sockaddr *address, socklen_t length,
			int64_t deadline) {
	if (connect(fd, address, length) == 0)
		return 0;
	return errno == EINPROGRESS ? finish_connect(fd, deadline) : -errno;
}

/* A connected socket, or -errno. */
static int connect_to(const struct sockaddr *address, socklen_t length, int64_t deadline) {
	AUTO_CLOSE int fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	while ((r = connect_once(fd, address, length, deadline)) == -EAGAIN)
		if ((r = pause_connect(deadline)) < 0)
			break;
	return r < 0 ? r : TAKE_FD(fd);
}

/* --- the exchange --------------------------------------------------------------------------- */

static int send_all(int fd, const char *bytes, size_t length, int64_t deadline) {
	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);
		int r = 0;

		if (n >= 0) {
			bytes += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN) {
			r = wait_for(fd, POLLOUT, deadline);
		} else if (errno != EINTR) {
			r = -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static const char *find_body(const char *answer) {
	const char *end = strstr(answer, "\r\n\r\n");

	return end ? end + 4 : NULL;
}

/* True when Content-Length says that nothing is missing; without one the answer ends where the
 * connection does. */
static bool is_complete(const char *answer, size_t length, bool ended) {
	const char *body = find_body(answer);
	const char *field = strcasestr(answer, "\r\nContent-Length:");

	if (!body)
		return false;
	if (!field || field >= body)
		return ended;
	return length - (size_t)(body - answer) >= strtoul(field + 17, NULL, 10);
}

static int read_answer(int fd, char *answer, int64_t deadline) {
	size_t length = 0;
	ssize_t n = -1;

	answer[0] = '\0';
	while (n != 0 && !is_complete(answer, length, false)) {
		int r = wait_for(fd, POLLIN, deadline);

		if (r < 0)
			return r;
		if (length == ANSWER_LARGEST - 1)
			return -EPROTO;
		n = recv(fd, answer + length, ANSWER_LARGEST - 1 - length, 0);
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return -errno;
		if (n > 0)
			length += (size_t)n;
		answer[length] = '\0';
	}
	return is_complete(answer, length, true) ? 0 : -EPROTO;
}

/* 0 where the answer is no HTTP. */
static unsigned int status_of(const char *answer) {
	if (strncmp(answer, "HTTP/1.", 7) != 0 || strlen(answer) < 12 || answer[8] != ' ')
		return 0;
	return (unsigned int)strtoul(answer + 9, NULL, 10);
}

/* `command` NULL: GET. */
static void write_request(struct text *request, const char *path, const char *command) {
	if (command)
		text_format(request, "POST %s HTTP/1.0\r\nContent-Length: %zu\r\n\r\n%s", path,
			    strlen(command), command);
	else
		text_format(request, "GET %s HTTP/1.0\r\n\r\n", path);
}

static int exchange(int fd, const char *path, const char *command, int64_t deadline,
		    unsigned int *status, char **body) {
	AUTO_FREE char *answer = calloc(1, ANSWER_LARGEST);
	char storage[REQUEST_LARGEST];
	struct text request;
	int r;

	if (!answer)
		return -ENOMEM;
	text_init(&request, storage, sizeof(storage));
	write_request(&request, path, command);
	if (request.truncated)
		return -ENAMETOOLONG;
	r = send_all(fd, storage, request.length, deadline);
	if (r == 0)
		r = read_answer(fd, answer, deadline);
	if (r < 0)
		return r;
	*status = status_of(answer);
	if (*status == 0)
		return -EPROTO;
	*body = strdup(find_body(answer));
	return *body ? 0 : -ENOMEM;
}

static int get(int fd, const char *path, int64_t deadline, char **body) {
	unsigned int status;
	int r = exchange(fd, path, NULL, deadline, &status, body);

	if (r < 0 || status == 200)
		return r;
	free(TAKE_POINTER(*body));
	return -EPROTO;
}

/* --- the doors ------------------------------------------------------------------------------ */

static int connect_unix(const char *socket_path, int64_t deadline) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!text_copy(address.sun_path, sizeof(address.sun_path), socket_path))
		return -ENAMETOOLONG;
	return connect_to((const struct sockaddr *)&address, sizeof(address), deadline);
}

int fetch_unix(const char *socket_path, const char *path, int64_t deadline, char **body) {
	AUTO_CLOSE int fd = connect_unix(socket_path, deadline);

	return fd < 0 ? fd : get(fd, path, deadline, body);
}

int fetch_command(const char *socket_path, const char *path, const char *command, int64_t deadline,
		  unsigned int *status, char **body) {
	AUTO_CLOSE int fd = connect_unix(socket_path, deadline);

	return fd < 0 ? fd : exchange(fd, path, command, deadline, status, body);
}

static int look_up(const char *host, const char *port, struct addrinfo **found) {
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM};

	switch (getaddrinfo(host, port, &wanted, found)) {
	case 0:
		return 0;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return -errno;
	default:
		return -EADDRNOTAVAIL;
	}
}

static int64_t share_of(int64_t deadline, const struct addrinfo *rest) {
	int64_t now = clock_now();
	int count = 0;

	for (; rest; rest = rest->ai_next)
		count++;
	return deadline > now ? now + (deadline - now) / count : deadline;
}

int fetch_tcp(const char *host, const char *port, const char *path, int64_t deadline, char **body) {
	struct addrinfo *found = NULL;
	AUTO_CLOSE int fd = -1;
	int r = look_up(host, port, &found);

	if (r < 0)
		return r;
	for (const struct addrinfo *it = found; it && fd < 0; it = it->ai_next)
		fd = connect_to(it->ai_addr, it->ai_addrlen, share_of(deadline, it));
	freeaddrinfo(found);
	return fd < 0 ? fd : get(fd, path, deadline, body);
}
