/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "serve/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/text.h"

#define ANSWER_LARGEST (1024 * 1024)

static int connect_to(const char *path) {
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = 2};
	AUTO_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
		return -ENAMETOOLONG;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* HTTP/1.0: the answer ends where the connection does. */
static int read_answer(int fd, char *answer, size_t size) {
	size_t length = 0;
	ssize_t n;

	while ((n = recv(fd, answer + length, size - 1 - length, 0)) > 0)
		length += (size_t)n;
	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	answer[length] = '\0';
	return 0;
}

int control_get(const char *socket_path, const char *path, char **body) {
	AUTO_CLOSE int fd = connect_to(socket_path);
	AUTO_FREE char *answer = malloc(ANSWER_LARGEST);
	char request[256];
	char *start;
	int length, r;

	if (fd < 0)
		return fd;
	if (!answer)
		return -ENOMEM;
	length = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\n\r\n", path);
	if (length >= (int)sizeof(request))
		return -ENAMETOOLONG;
	if (send(fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		return -errno;
	r = read_answer(fd, answer, ANSWER_LARGEST);
	if (r < 0)
		return r;
	start = strstr(answer, "\r\n\r\n");
	if (!start || strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
		return -EPROTO;
	*body = strdup(start + 4);
	return *body ? 0 : -ENOMEM;
}
