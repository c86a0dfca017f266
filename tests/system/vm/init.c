/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The first program of the virtual machine, in an initial ramdisk that initrd.py makes: loads the modules whose paths
 * stand in /modules, one a line and in order, mounts the first virtio disk as the root and becomes systemd. Whatever
 * fails is said on the console and ends the machine: qemu runs with -no-reboot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROOT_DEVICE "/dev/vda"
#define ROOT_WAIT_MS 10000

static void give_up(const char *what) {
        printf("init: %s: %s\n", what, strerror(errno));
        fflush(stdout);
        reboot(RB_AUTOBOOT);
        _exit(1);
}

static void load_module(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                give_up(path);
        if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
                give_up(path);
        close(fd);
}

static void load_modules(void) {
        FILE *list = fopen("/modules", "re");
        char line[256];

        if (!list)
                give_up("/modules");
        while (fgets(line, sizeof(line), list)) {
                line[strcspn(line, "\n")] = '\0';
                load_module(line);
        }
        fclose(list);
}

/* The disk appears a little after its driver. */
static void mount_root(void) {
        for (int waited = 0; mount(ROOT_DEVICE, "/root", "ext4", MS_NOATIME, NULL) < 0; waited++) {
                if (waited >= ROOT_WAIT_MS)
                        give_up("mounting " ROOT_DEVICE);
                nanosleep(&(struct timespec) { .tv_nsec = 1000000 }, NULL);
        }
}

int main(int argc, char **argv) {
        (void) argc;
        if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") < 0)
                give_up("mounting /dev");
        load_modules();
        mount_root();
        if (mount("/dev", "/root/dev", NULL, MS_MOVE, NULL) < 0 || chdir("/root") < 0 ||
            mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
                give_up("entering the root");
        argv[0] = (char *) "/lib/systemd/systemd";
        execv(argv[0], argv);
        give_up(argv[0]);
}
