/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one-shot's request reader: it never takes anything but HEAD for HEAD, and its answer arrives
 * whole whatever was asked. */
#include "fuzz.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/inetd.h"

#define LARGEST (32 * 1024) /* what a socket takes without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\n\r\n";
	char received[sizeof(answer)];
	int ends[2];
	bool head;

	size = size < LARGEST ? size : LARGEST;
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	require(send(ends[0], data, size, MSG_DONTWAIT) == (ssize_t)size);
	shutdown(ends[0], SHUT_WR);
	head = inetd_read_request(ends[1]);
	require(head == (size >= 5 && memcmp(data, "HEAD ", 5) == 0));
	inetd_send_answer(ends[1], answer, strlen(answer));
	require(recv(ends[0], received, sizeof(received), 0) == (ssize_t)strlen(answer));
	require(memcmp(received, answer, strlen(answer)) == 0);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
