/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/password.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int read_password(const char *path, char *password, size_t size, struct text *why) {
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	ssize_t length = -1;

	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_mode & S_IROTH) {
		text_format(why, "password_file %s is readable by everyone: chmod o-r it", path);
		return -EPERM;
	}
	if (fd >= 0 && !S_ISREG(status.st_mode)) {
		text_format(why, "password_file %s is no regular file", path);
		return -EINVAL;
	}
	if (fd >= 0)
		length = read(fd, password, size - 1);
	if (length < 0) {
		length = -errno;
		text_format(why, "password_file %s: %s", path, strerror(errno));
		return (int)length;
	}
	password[length] = '\0';
	password[strcspn(password, "\r\n")] = '\0';
	return 0;
}

int password_find(const struct mysql_settings *settings, char *password, size_t size,
		  struct text *why) {
	char path[CONFIG_PATH_SIZE];

	if (settings->password_file[0])
		return read_password(settings->password_file, password, size, why);
	if (!settings->password[0] && config_credential(path, sizeof(path)))
		return read_password(path, password, size, why);
	text_copy(password, size, settings->password);
	return 0;
}
