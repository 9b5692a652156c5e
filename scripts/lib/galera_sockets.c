/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into each mariadbd of galera-cluster: keeps Galera's sockets apart from the clients'.
 *
 * Galera 26.4.23 goes on using the descriptor of a connection to another member for up to a
 * millisecond after it has closed it: it reads from it once more, and shuts it down. A client that
 * connects in between gets that number. Its new session ends ("Lost connection"), or its login is
 * swallowed and it hangs for connect_timeout: on a healthy node, whenever another one leaves. Seen
 * with strace -f -e trace=close,accept4,read,shutdown, of gcomm's thread and the one that accepts:
 *
 *     gcomm     close(57)               = 0
 *     accepts   accept4(29, {...})      = 57
 *     gcomm     shutdown(57, SHUT_WR)   = 0       (mostly EBADF: nobody came in between)
 *
 * So the sockets that Galera opens get numbers which the clients of a test never reach. It accepts
 * by accept(2), mariadbd by accept4(2); that mariadbd's few own sockets go up there, too, is no
 * harm.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Below 1024, should anybody hand them to select(2). */
static const int first_apart = 512;

/* For this process alone, not for the programs of a state transfer. */
__attribute__((constructor)) static void keep_to_this_process(void) {
	unsetenv("LD_PRELOAD");
}

static int set_apart(int found) {
	int apart = found < 0 ? -1 : fcntl(found, F_DUPFD_CLOEXEC, first_apart);

	if (apart < 0)
		return found;
	close(found);
	return apart;
}

int socket(int domain, int type, int protocol) {
	return set_apart((int)syscall(SYS_socket, domain, type, protocol));
}

int accept(int listening, struct sockaddr *address, socklen_t *size) {
	return set_apart((int)syscall(SYS_accept4, listening, address, size, SOCK_CLOEXEC));
}
