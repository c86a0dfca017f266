/* SPDX-License-Identifier: Apache-2.0 */
/* ccodes-generator: makes units from the configuration, early at boot and at each daemon-reload (systemd.generator(7)).
 * PID 1 waits for it: time is bounded, nothing is asked of anybody, and a broken configuration falls back to the last
 * good one, since a socket whose unit is gone would be closed. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "generator/processors.h"
#include "generator/server_units.h"
#include "generator/unit_set.h"
#include "shared/atomic_file.h"
#include "shared/syscall.h"

#define TIME_LIMIT 10 /* s */
#define REMEMBERED_FILE "/run/ccodes/last-good.toml"
#define REMEMBERED_LIMIT ((size_t) 16 << 20)

struct options {
        const char *config, *remembered, *folder;
        unsigned processors;
        bool remember;
};

/* A line at a time: the kernel's log takes records of up to 1 KiB. A generator has no journal yet, by hand it has a
 * terminal. */
static void complain(const char *text) {
        _cleanup_close_ int kernel_log =
                        getenv("SYSTEMD_SCOPE") ? open("/dev/kmsg", O_WRONLY | O_NOCTTY | O_CLOEXEC) : -1;
        while (*text) {
                int length = (int) strcspn(text, "\n");
                if (kernel_log >= 0)
                        (void) dprintf(kernel_log, "<3>ccodes-generator[%d]: %.*s\n", (int) getpid(), length, text);
                else
                        (void) fprintf(stderr, "ccodes-generator: %.*s\n", length, text);
                text += length + (text[length] == '\n');
        }
}

static int write_units(const struct config *config, const struct options *options, struct error *error) {
        _cleanup_(unit_set_done) struct unit_set set = UNIT_SET_INIT;
        int r = server_units_make(&config->root, options->config, options->processors, error, &set);
        if (r < 0)
                return r;
        return unit_set_write(&set, options->folder, error);
}

static int generate_from_config(const struct options *options, struct error *error) {
        _cleanup_config_ struct config *config = NULL;
        int r = config_load(options->config, error, &config);
        return r < 0 ? r : write_units(config, options, error);
}

static int generate_from_remembered(const struct options *options, struct error *error) {
        _cleanup_free_ char *text = NULL;
        size_t length;
        int r = read_whole_file(AT_FDCWD, options->remembered, REMEMBERED_LIMIT, &text, &length);
        if (r < 0)
                return error_set_errno(error, r, "reading %s", options->remembered);
        _cleanup_config_ struct config *config = NULL;
        r = config_load_text(text, options->remembered, error, &config);
        return r < 0 ? r : write_units(config, options, error);
}

static void generate(const struct options *options) {
        if (access(options->config, F_OK) < 0 && errno == ENOENT)
                return; /* not configured: nothing to say at every daemon-reload */
        struct error error = ERROR_INIT;
        if (generate_from_config(options, &error) >= 0)
                return;
        complain(error.text);

        struct error second = ERROR_INIT;
        if (generate_from_remembered(options, &second) >= 0) {
                complain("the units are those of the last good configuration");
                return;
        }
        (void) error_prefix(&second, "there is no last good configuration either");
        complain(second.text);
}

static int remember(const struct options *options, struct error *error) {
        _cleanup_config_ struct config *config = NULL;
        int r = config_load(options->config, error, &config);
        if (r < 0)
                return r;
        _cleanup_text_ struct text text = TEXT_INIT;
        config_write_toml(&config_root_table, &config->root, NULL, &text);
        r = text.failed ? -ENOMEM : atomic_file_write(options->remembered, text.data, text.length, 0600);
        return r < 0 ? error_set_errno(error, r, "writing %s", options->remembered) : 0;
}

static int usage(FILE *stream, int code) {
        (void) fprintf(stream,
                       "Usage: ccodes-generator [OPTION...] FOLDER [EARLY LATE]\n"
                       "       ccodes-generator [OPTION...] --remember\n"
                       "\n"
                       "Writes the units that the configuration asks for into FOLDER. systemd calls it.\n"
                       "\n"
                       "  --remember          keep the configuration for when a later one has a fault\n"
                       "  --config FILE       configuration (default: " CONFIG_DEFAULT_FILE ")\n"
                       "  --remembered FILE   last good configuration (default: " REMEMBERED_FILE ")\n"
                       "  --processors N      sockets of each TCP listener (default: processors that there could be)\n"
                       "  --help, --version\n");
        return code;
}

enum option_code {
        OPTION_CONFIG = 256,
        OPTION_HELP,
        OPTION_PROCESSORS,
        OPTION_REMEMBER,
        OPTION_REMEMBERED,
        OPTION_VERSION,
};

static unsigned parse_processors(const char *text) {
        char *end;
        unsigned long number = strtoul(text, &end, 10);
        return *text == '\0' || *end != '\0' || number > PROCESSORS_MAX ? 0 : (unsigned) number;
}

/* Returns an exit code, or -1 to go on. */
static int parse_options(int argc, char **argv, struct options *options) {
        static const struct option known[] = {
                { "config", required_argument, NULL, OPTION_CONFIG },
                { "help", no_argument, NULL, OPTION_HELP },
                { "processors", required_argument, NULL, OPTION_PROCESSORS },
                { "remember", no_argument, NULL, OPTION_REMEMBER },
                { "remembered", required_argument, NULL, OPTION_REMEMBERED },
                { "version", no_argument, NULL, OPTION_VERSION },
                { 0 },
        };
        for (int code; (code = getopt_long(argc, argv, "", known, NULL)) >= 0;)
                switch (code) {
                case OPTION_CONFIG:
                        options->config = optarg;
                        break;
                case OPTION_REMEMBERED:
                        options->remembered = optarg;
                        break;
                case OPTION_PROCESSORS:
                        options->processors = parse_processors(optarg);
                        if (options->processors == 0)
                                return usage(stderr, EXIT_FAILURE);
                        break;
                case OPTION_REMEMBER:
                        options->remember = true;
                        break;
                case OPTION_HELP:
                        return usage(stdout, EXIT_SUCCESS);
                case OPTION_VERSION:
                        (void) printf("ccodes-generator %s\n", CCODES_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return usage(stderr, EXIT_FAILURE);
                }
        options->folder = argv[optind];
        const bool right = options->remember ? !options->folder : options->folder != NULL;
        return right ? -1 : usage(stderr, EXIT_FAILURE);
}

int main(int argc, char **argv) {
        struct options options = { .config = CONFIG_DEFAULT_FILE, .remembered = REMEMBERED_FILE };
        int code = parse_options(argc, argv, &options);
        if (code >= 0)
                return code;
        if (options.processors == 0)
                options.processors = processors_possible();

        (void) alarm(TIME_LIMIT);
        (void) umask(0022);
        if (!options.remember) {
                generate(&options);
                return EXIT_SUCCESS;
        }
        struct error error = ERROR_INIT;
        if (remember(&options, &error) >= 0)
                return EXIT_SUCCESS;
        complain(error.text);
        return EXIT_FAILURE;
}
