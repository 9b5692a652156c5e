/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/inetd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"

#define REQUEST_LARGEST 8192
#define DRAIN_LARGEST (64 * 1024)
#define SILENCE (250 * NSEC_PER_MSEC) /* for callers that only connect and read */
#define REQUEST_LONGEST NSEC_PER_SEC
#define ANSWER_LONGEST NSEC_PER_SEC
#define DRAIN_LONGEST NSEC_PER_SEC

bool inetd_is_socket(int fd) {
	struct sockaddr_storage address = {0};
	socklen_t length = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &length) < 0)
		return false;
	if (address.ss_family == AF_UNIX)
		return length > offsetof(struct sockaddr_un, sun_path);
	return address.ss_family == AF_INET || address.ss_family == AF_INET6;
}

/* Bytes received, 0 at the end of the stream, < 0 when the deadline or an error came first. */
static ssize_t receive(int fd, char *buffer, size_t size, int64_t deadline) {
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	ssize_t length;
	int n;

	do {
		n = poll(&poll_fd, 1, clock_left_ms(deadline, clock_now()));
		if (n == 0)
			return -ETIMEDOUT;
		length = n < 0 ? -1 : recv(fd, buffer, size, MSG_DONTWAIT);
	} while (length < 0 && (errno == EINTR || errno == EAGAIN));
	return length;
}

/* A line without a version is a whole request of HTTP/0.9. */
static bool is_complete(const char *request, size_t length) {
	const char *end = memchr(request, '\n', length);

	if (end && !memmem(request, (size_t)(end - request), " HTTP/", 6))
		return true;
	return memmem(request, length, "\r\n\r\n", 4) || memmem(request, length, "\n\n", 2);
}

bool inetd_read_request(int fd) {
	char request[REQUEST_LARGEST];
	int64_t begin = clock_now();
	int64_t deadline = begin + SILENCE;
	size_t length = 0;

	while (length < sizeof(request) && !is_complete(request, length)) {
		ssize_t n = receive(fd, request + length, sizeof(request) - length, deadline);

		if (n <= 0)
			break;
		length += (size_t)n;
		deadline = begin + REQUEST_LONGEST;
	}
	return length >= 5 && memcmp(request, "HEAD ", 5) == 0;
}

static bool send_all(int fd, const char *bytes, size_t length) {
	int64_t deadline = clock_now() + ANSWER_LONGEST;
	struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

	while (length > 0) {
		ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		} else if (errno != EAGAIN && errno != EINTR) {
			return false;
		} else if (poll(&poll_fd, 1, clock_left_ms(deadline, clock_now())) == 0) {
			return false;
		}
	}
	return true;
}

void inetd_send_answer(int fd, const char *bytes, size_t length) {
	int64_t deadline = clock_now() + DRAIN_LONGEST;
	size_t drained = 0;
	char waste[4096];

	if (!send_all(fd, bytes, length) || shutdown(fd, SHUT_WR) < 0)
		return;
	while (drained < DRAIN_LARGEST) {
		ssize_t n = receive(fd, waste, sizeof(waste), deadline);

		if (n <= 0)
			return;
		drained += (size_t)n;
	}
}
