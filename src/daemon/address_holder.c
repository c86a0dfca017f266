/* SPDX-License-Identifier: Apache-2.0 */
/* Finds who listens on a port: the kernel's table has the inodes of its sockets, and the descriptors of each process lead
 * to inodes. What belongs to other users is seen by root only. */
#include "daemon/address_holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/syscall.h"
#include "shared/text.h"

#define INODES_MAX 1024 /* a socket for each processor, on a few addresses */
#define LISTENING 0x0A  /* TCP_LISTEN, as the table has it */

struct inodes {
        unsigned long items[INODES_MAX];
        size_t count;
};

static void close_file(FILE **file) {
        if (*file)
                (void) fclose(*file);
}

static void close_folder(DIR **folder) {
        if (*folder)
                (void) closedir(*folder);
}

/* proc_pid_net(5): "0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 31337 …" */
static void read_table(const char *path, unsigned port, struct inodes *inodes) {
        _cleanup_(close_file) FILE *file = fopen(path, "re");
        char line[512];
        while (file && inodes->count < INODES_MAX && fgets(line, sizeof(line), file)) {
                unsigned local, state;
                unsigned long inode;
                if (sscanf(line, " %*u: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu", &local,
                           &state, &inode) == 3 &&
                    local == port && state == LISTENING)
                        inodes->items[inodes->count++] = inode;
        }
}

static bool leads_to(const char *link, const struct inodes *inodes) {
        unsigned long inode;
        if (sscanf(link, "socket:[%lu]", &inode) != 1)
                return false;
        for (size_t i = 0; i < inodes->count; i++)
                if (inodes->items[i] == inode)
                        return true;
        return false;
}

static bool holds_one(const char *pid, const struct inodes *inodes) {
        char path[64], link[64];
        (void) snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
        _cleanup_(close_folder) DIR *folder = opendir(path);
        for (const struct dirent *entry; folder && (entry = readdir(folder));) {
                ssize_t length = readlinkat(dirfd(folder), entry->d_name, link, sizeof(link) - 1);
                if (length <= 0)
                        continue;
                link[length] = '\0';
                if (leads_to(link, inodes))
                        return true;
        }
        return false;
}

static bool is_ours(const char *pid) {
        char path[64];
        _cleanup_free_ char *name = NULL;
        size_t length;
        (void) snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
        return strcmp(pid, "1") == 0 || (read_whole_file(AT_FDCWD, path, 64, &name, &length) >= 0 &&
                                         strncmp(name, "ccodes-", strlen("ccodes-")) == 0);
}

enum address_holder address_holder_of(unsigned port) {
        struct inodes inodes = { .count = 0 };
        enum address_holder holder = ADDRESS_HOLDER_UNKNOWN;
        read_table("/proc/net/tcp", port, &inodes);
        read_table("/proc/net/tcp6", port, &inodes);
        _cleanup_(close_folder) DIR *processes = inodes.count > 0 ? opendir("/proc") : NULL;
        for (const struct dirent *entry; processes && (entry = readdir(processes));) {
                if (!isdigit((unsigned char) entry->d_name[0]) || !holds_one(entry->d_name, &inodes))
                        continue;
                if (is_ours(entry->d_name))
                        return ADDRESS_HOLDER_OURS;
                holder = ADDRESS_HOLDER_OTHER;
        }
        return holder;
}
