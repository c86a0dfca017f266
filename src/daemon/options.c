/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a daemon's command line. Everything that can be configured is in the configuration file; options only say
 * where things are. */
#include "daemon/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "shared/log.h"

static void print_help(const char *command, const char *summary) {
        printf("Usage: %s [OPTION…]\n\n%s\n\n"
               "  -c, --config FILE         the configuration (default %s, and conf.d beside it)\n"
               "      --check               check the configuration, print what is wrong, and exit\n"
               "      --state FOLDER        open the unix sockets in this folder, and keep what has to last there "
               "(under\n"
               "                            systemd the units say)\n"
               "      --log journal|console where the log goes (default: the journal under systemd)\n"
               "  -h, --help                this text\n"
               "      --version             the version\n\n"
               "Signals: TERM or INT stops after the requests under way, a second one at once; HUP reloads the\n"
               "configuration; USR1 opens the access log again.\n\n"
               "See %s(8) and ccodes.toml(5).\n",
               command, summary, CONFIG_DEFAULT_FILE, command);
}

enum {
        OPTION_CHECK = 256,
        OPTION_STATE,
        OPTION_LOG,
        OPTION_VERSION,
};

int daemon_options_parse(int argc, char **argv, const char *command, const char *summary,
                         struct daemon_options *ret_options) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "check", no_argument, NULL, OPTION_CHECK },
                { "state", required_argument, NULL, OPTION_STATE },
                { "log", required_argument, NULL, OPTION_LOG },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPTION_VERSION },
                { 0 },
        };
        struct daemon_options parsed = { .config = CONFIG_DEFAULT_FILE, .log_target = LOG_TARGET_AUTO };

        for (int option; (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
                switch (option) {
                case 'c':
                        parsed.config = optarg;
                        break;
                case OPTION_CHECK:
                        parsed.check = true;
                        break;
                case OPTION_STATE:
                        parsed.state = optarg;
                        break;
                case OPTION_LOG:
                        if (strcmp(optarg, "journal") == 0) {
                                parsed.log_target = LOG_TARGET_JOURNAL;
                        } else if (strcmp(optarg, "console") == 0) {
                                parsed.log_target = LOG_TARGET_CONSOLE;
                        } else {
                                fprintf(stderr, "%s: --log takes journal or console, not '%s'\n", command, optarg);
                                return 2;
                        }
                        break;
                case 'h':
                        print_help(command, summary);
                        return 0;
                case OPTION_VERSION:
                        printf("%s %s\n", command, CCODES_VERSION);
                        return 0;
                default:
                        fprintf(stderr, "Try '%s --help'.\n", command);
                        return 2;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "%s: there is no argument '%s'; try '%s --help'\n", command, argv[optind], command);
                return 2;
        }
        *ret_options = parsed;
        return -1;
}
