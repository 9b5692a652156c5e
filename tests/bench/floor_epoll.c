/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_epoll: the least a check can cost on this machine. A loop around epoll that takes whatever
 * arrives for a request, answers with a constant, and closes where the caller speaks HTTP/1.0.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 256
#define ANSWER(more)                                                                        \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" more "Content-Length: 40\r\n\r\n" \
	"Percona XtraDB Cluster Node is synced.\r\n"

static int listen_on(int port) {
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1024) < 0)
		return -1;
	return fd;
}

static void watch(int epoll_fd, int fd) {
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
		exit(1);
}

static void accept_all(int epoll_fd, int listening) {
	int fd;

	while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		watch(epoll_fd, fd);
}

static void answer(int fd) {
	static const char kept[] = ANSWER(""), closed[] = ANSWER("Connection: close\r\n");
	char request[1024];
	ssize_t length = recv(fd, request, sizeof(request), 0);

	if (length <= 0) {
		close(fd);
	} else if (memmem(request, (size_t)length, "HTTP/1.1\r\n", 10)) {
		send(fd, kept, sizeof(kept) - 1, MSG_NOSIGNAL);
	} else {
		send(fd, closed, sizeof(closed) - 1, MSG_NOSIGNAL);
		close(fd);
	}
}

int main(int argc, char **argv) {
	int listening = argc == 2 ? listen_on(atoi(argv[1])) : -1;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS];

	if (listening < 0 || epoll_fd < 0)
		return 1;
	watch(epoll_fd, listening);
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listening)
				accept_all(epoll_fd, listening);
			else
				answer(events[i].data.fd);
		}
	}
}
