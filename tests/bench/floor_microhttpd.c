/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_microhttpd: libmicrohttpd answering a constant. The least a daemon built on it can cost:
 * one response made once, one thread with epoll, no look at the request.
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY "Percona XtraDB Cluster Node is synced.\r\n"

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **request) {
	(void)path, (void)method, (void)version, (void)upload, (void)upload_size;
	/* The first call comes before the body. */
	if (!*request) {
		*request = context;
		return MHD_YES;
	}
	return MHD_queue_response(connection, MHD_HTTP_OK, context);
}

int main(int argc, char **argv) {
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(BODY), (void *)(uintptr_t)BODY, MHD_RESPMEM_PERSISTENT);
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct MHD_Daemon *daemon;
	sigset_t end;
	int number;

	if (argc != 2 || !response)
		return 2;
	address.sin_port = htons((uint16_t)atoi(argv[1]));
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain");
	daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0,
				  NULL, NULL, answer, response, MHD_OPTION_SOCK_ADDR, &address,
				  MHD_OPTION_STRICT_FOR_CLIENT, -1, MHD_OPTION_LISTEN_BACKLOG_SIZE,
				  1024u, MHD_OPTION_END);
	if (!daemon)
		return 1;
	sigwait(&end, &number);
	MHD_stop_daemon(daemon);
	MHD_destroy_response(response);
	return 0;
}
