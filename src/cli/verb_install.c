/* SPDX-License-Identifier: Apache-2.0 */
/* ccodesctl install|uninstall: what a package does, for a build from source. Files are copied by Meson, which knows
 * them; users, folders and certificate are made by the tools and the script that a package uses too. */
#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "cli/child.h"
#include "cli/install_manifest.h"
#include "cli/program_path.h"
#include "cli/service_job.h"
#include "cli/verbs.h"
#include "config/credential.h"
#include "shared/syscall.h"
#include "shared/text.h"

#define MANIFEST DATADIR "/ccodes/installed-files"
#define EXAMPLE DATADIR "/ccodes/examples/ccodes.toml"
#define PREPARE LIBEXECDIR "/ccodes-prepare"
#define CONFIG_FOLDER "/etc/ccodes"
#define LOG_FOLDER "/var/log/ccodes"
#define GRANT_KEYS "/var/lib/ccodes/auth/grant-keys.secret"      /* worth nothing without the daemon; the users stay */
#define PACKAGE_MARK "/usr/share/doc/ccodes/changelog.Debian.gz" /* only the package brings it */
#define PATH_FDS_MAX 16

struct step {
        const char *doing;
        const char *argv[8];
        bool optional; /* where the program is missing, nothing is lost */
};

static void say(struct cli *cli, const char *verb, const char *object) {
        if (!cli->json)
                output_print(&cli->out, OUTPUT_PLAIN, "%s %s\n", verb, object);
}

static int run_step(struct cli *cli, const struct step *step, bool dry, struct error *error) {
        _cleanup_text_ struct text line = TEXT_INIT, output = TEXT_INIT;
        for (size_t i = 0; step->argv[i]; i++)
                text_printf(&line, "%s%s", i > 0 ? " " : "", step->argv[i]);
        say(cli, dry ? "would run:" : "running:", line.data ? line.data : step->doing);
        if (dry)
                return 0;
        const struct child_options options = { .argv = step->argv, .output = &output };
        int r = child_run(&options, error);
        if (r == -ENOENT && step->optional) {
                *error = ERROR_INIT;
                return 0;
        }
        if (r == 0)
                return 0;
        if (output.length > 0)
                output_print(&cli->err, OUTPUT_PLAIN, "%s", output.data);
        return r < 0 ? r : error_set(error, -EIO, "%s failed with exit status %d", step->doing, r);
}

/* Copies a file unless something is in its place. */
static int copy_new(struct cli *cli, const char *from, const char *to, bool dry, struct error *error) {
        const struct step step = { "copying a file",
                                   { "/usr/bin/install", "-D", "-m", "0644", from, to, NULL },
                                   false };
        if (access(to, F_OK) == 0)
                return 0;
        return run_step(cli, &step, dry, error);
}

static int require_root(bool dry, struct error *error) {
        if (dry || geteuid() == 0)
                return 0;
        return error_set(error, -EACCES, "this takes root; use sudo, or see by --dry-run what would be done");
}

static int install_files(struct cli *cli, const char *build, bool dry, struct error *error) {
        _cleanup_free_ char *log = text_format("%s/meson-logs/install-log.txt", build);
        if (!log)
                return -ENOMEM;
        const struct step steps[] = {
                { "copying the files",
                  { "/usr/bin/env", "meson", "install", "--no-rebuild", "-C", build, NULL },
                  false },
                { "keeping the list of files", { "/usr/bin/install", "-D", "-m", "0644", log, MANIFEST, NULL }, false },
        };
        int r = 0;
        for (size_t i = 0; i < ELEMENTS_OF(steps) && r >= 0; i++)
                r = run_step(cli, &steps[i], dry, error);
        return r;
}

static int set_up(struct cli *cli, bool dry, struct error *error) {
        static const struct step steps[] = {
                { "making users", { "/usr/bin/systemd-sysusers", SYSUSERSDIR "/ccodes.conf", NULL }, false },
                { "making folders",
                  { "/usr/bin/systemd-tmpfiles", "--create", TMPFILESDIR "/ccodes.conf", NULL },
                  false },
                { "preparing a site and a certificate", { PREPARE, NULL }, false },
                { "adding to the journal's catalogue", { "/usr/bin/journalctl", "--update-catalog", NULL }, true },
        };
        int r = copy_new(cli, EXAMPLE, CONFIG_FOLDER "/ccodes.toml", dry, error);
        for (size_t i = 0; i < ELEMENTS_OF(steps) && r >= 0; i++)
                r = run_step(cli, &steps[i], dry, error);
        return r;
}

static int reload_units(bool dry, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        if (dry || sd_booted() <= 0)
                return 0;
        int r = unit_manager_open(error, &manager);
        return r < 0 ? r : unit_manager_reload(manager, error);
}

int verb_install(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_free_ char *build = NULL;
        bool dry = cli_argument(arguments, "dry-run") != NULL;
        if (program_path_build(&build) < 0)
                return error_set(error, -ENOENT,
                                 "this ccodesctl is installed already; to install a build, run the one in it: sudo "
                                 "build/src/cli/ccodesctl install");
        if (access(PACKAGE_MARK, F_OK) == 0)
                return error_set(error, -EEXIST,
                                 "Container Codes is installed as a package; stay with it, or remove it first (apt "
                                 "remove ccodes)");
        int r = require_root(dry, error);
        if (r >= 0)
                r = install_files(cli, build, dry, error);
        if (r >= 0)
                r = set_up(cli, dry, error);
        if (r >= 0)
                r = reload_units(dry, error);
        if (r < 0)
                return r;
        cli_report(cli, dry ? "dry-run" : "installed",
                   dry ? "Nothing was done." : "Installed. Start it, now and at each boot: sudo ccodesctl enable");
        return CLI_DONE;
}

static void on_unit(const char *name, const char *load, const char *active, const char *sub, void *userdata) {
        struct text *names = userdata;
        (void) load;
        (void) sub;
        if (strcmp(active, "inactive") != 0)
                text_printf(names, "%s\n", name);
}

/* Sockets first: afterwards nothing starts a service again. */
static int stop_units(struct cli *cli, const struct cli_service *service, bool dry, struct error *error) {
        _cleanup_unit_manager_ struct unit_manager *manager = NULL;
        _cleanup_text_ struct text names = TEXT_INIT;
        if (sd_booted() <= 0)
                return 0;
        say(cli, dry ? "would stop and disable" : "stopping and disabling", service->unit);
        if (dry)
                return 0;
        int r = unit_manager_open(error, &manager);
        if (r >= 0)
                r = unit_manager_enable(manager, service->unit, false, error);
        if (r >= 0)
                r = unit_manager_list(manager, service->listener_units, on_unit, &names, error);
        if (service->standby)
                text_printf(&names, "%s\n", service->standby);
        text_printf(&names, "%s\n", service->unit);
        char *rest = names.data;
        for (char *name; r >= 0 && (name = strsep(&rest, "\n")) && *name;)
                r = service_job_run(cli, manager, UNIT_STOP, name, error);
        return r;
}

/* The keys of sealed uploads stay as these do, which would be lost without them. */
static bool is_kept(const char *path) {
        static const struct slice keys = SLICE_LITERAL(CONFIG_FOLDER "/" CONFIG_CREDENTIALS_FOLDER);
        return slice_starts_with(slice_of(path), keys) && (path[keys.length] == '\0' || path[keys.length] == '/');
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
        (void) status;
        (void) walk;
        if (is_kept(path))
                return 0;
        int r = NEGATIVE_ERRNO(kind == FTW_DP ? rmdir(path) : unlink(path));
        bool is_done = r >= 0 || r == -ENOENT || (r == -ENOTEMPTY && strcmp(path, CONFIG_FOLDER) == 0);
        return is_done ? 0 : -1; /* errno is the caller's */
}

static int remove_tree(struct cli *cli, const char *path, bool dry, struct error *error) {
        if (access(path, F_OK) < 0)
                return 0;
        say(cli, dry ? "would remove" : "removing", path);
        if (!dry && nftw(path, remove_entry, PATH_FDS_MAX, FTW_DEPTH | FTW_PHYS) < 0)
                return error_set_errno(error, -errno, "removing %s", path);
        return 0;
}

static int remove_files(struct cli *cli, const struct install_manifest *manifest, bool dry, struct error *error) {
        for (size_t i = 0; i < manifest->count && dry; i++)
                say(cli, "would remove", manifest->paths[i]);
        if (dry)
                return 0;
        return install_manifest_remove(manifest, error);
}

int verb_uninstall(struct cli *cli, const struct cli_arguments *arguments, struct error *error) {
        _cleanup_(install_manifest_done) struct install_manifest manifest = { 0 };
        bool dry = cli_argument(arguments, "dry-run") != NULL, purge = cli_argument(arguments, "purge") != NULL;
        int r = install_manifest_load(MANIFEST, error, &manifest);
        if (r == -ENOENT) {
                *error = ERROR_INIT;
                return error_set(error, r,
                                 "no build from source was installed here by 'ccodesctl install' (there is no " MANIFEST
                                 "); a package is removed with apt");
        }
        if (r >= 0)
                r = require_root(dry, error);
        for (const struct cli_service *service = cli_services; service->name && r >= 0; service++)
                r = stop_units(cli, service, dry, error);
        if (r >= 0)
                r = remove_files(cli, &manifest, dry, error);
        if (r >= 0 && purge)
                r = remove_tree(cli, CONFIG_FOLDER, dry, error);
        if (r >= 0 && purge)
                r = remove_tree(cli, LOG_FOLDER, dry, error);
        if (r >= 0 && purge)
                r = remove_tree(cli, GRANT_KEYS, dry, error);
        if (r >= 0)
                r = reload_units(dry, error);
        if (r < 0)
                return r;
        cli_report(cli, dry ? "dry-run" : "uninstalled",
                   dry     ? "Nothing was done."
                   : purge ? "Removed, with configuration and logs. What stays: the sites, the uploads and their keys, "
                             "the users and tokens of ccodes-auth, and the system users."
                           : "Removed. What stays: " CONFIG_FOLDER ", " LOG_FOLDER ", the sites and the system users.");
        return CLI_DONE;
}
