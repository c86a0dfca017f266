/* SPDX-License-Identifier: Apache-2.0 */
/* Every command with its options and its words: parser, help, completion and manual page come from here. */
#include <string.h>

#include "cli/verbs.h"
#include "config/config.h"

#define CONFIG_OPTION                                                                                  \
        {                                                                                              \
                .name = "config", .letter = 'c', .value = "FILE", .words = CLI_WORDS_FILE,             \
                .help = "the configuration, with conf.d beside it (default: " CONFIG_DEFAULT_FILE ")", \
        }
#define SOCKET_OPTION                                                                 \
        {                                                                             \
                .name = "socket", .value = "PATH", .words = CLI_WORDS_FILE,           \
                .help = "the admin socket to ask (default: /run/ccodes/server.sock)", \
        }

const struct cli_option cli_global_options[] = {
        { .name = "json", .help = "print JSON, for programs" },
        { .name = "color",
          .value = "WHEN",
          .words = CLI_WORDS_COLOUR,
          .help = "auto, always or never (default: auto)" },
        { .name = "help", .letter = 'h', .help = "say what the command does" },
        { .name = "version", .help = "print the version" },
        { 0 },
};

const char *const cli_group_titles[CLI_GROUP_COUNT] = {
        [CLI_GROUP_LOOK] = "Look",
        [CLI_GROUP_CONFIGURE] = "Configure",
        [CLI_GROUP_MANAGE] = "Manage",
        [CLI_GROUP_ACCOUNTS] = "Users and tokens",
        [CLI_GROUP_SET_UP] = "Try and install",
};

static const struct cli_option status_options[] = {
        SOCKET_OPTION,
        { 0 },
};

static const struct cli_option logs_options[] = {
        { .name = "follow", .letter = 'f', .help = "go on with new entries as they come" },
        { .name = "unit",
          .letter = 'u',
          .value = "UNIT",
          .words = CLI_WORDS_SERVICE,
          .help = "of this service or unit only; may be repeated" },
        { .name = "priority",
          .letter = 'p',
          .value = "LEVEL",
          .words = CLI_WORDS_PRIORITY,
          .help = "of this importance or more: emerg, alert, crit, err, warning, notice, info, debug" },
        { .name = "since", .letter = 'S', .value = "TIME", .words = CLI_WORDS_SPAN, .help = "not older than this" },
        { .name = "until", .letter = 'U', .value = "TIME", .words = CLI_WORDS_SPAN, .help = "not newer than this" },
        { .name = "lines",
          .letter = 'n',
          .value = "COUNT",
          .help = "at most so many entries, the newest; \"all\" (default: 100, with --since all)" },
        { .name = "directory",
          .letter = 'D',
          .value = "FOLDER",
          .words = CLI_WORDS_FOLDER,
          .help = "read the journal files in FOLDER" },
        { 0 },
};

static const struct cli_option config_check_options[] = {
        CONFIG_OPTION,
        { .name = "no-files", .help = "do not look at the files that the configuration names" },
        { 0 },
};

static const struct cli_option config_show_options[] = {
        CONFIG_OPTION,
        { .name = "origin", .help = "say of each value which line it comes from" },
        { .name = "running", .help = "show what the running server has in force, not the files" },
        SOCKET_OPTION,
        { 0 },
};

static const struct cli_option config_diff_options[] = {
        CONFIG_OPTION,
        SOCKET_OPTION,
        { 0 },
};

static const struct cli_option reload_options[] = {
        { .name = "direct",
          .value = "NAME",
          .help = "ask /run/ccodes/NAME.sock without asking systemd first; for ExecReload=" },
        SOCKET_OPTION,
        { 0 },
};

static const struct cli_option run_options[] = {
        { .name = "dir", .value = "FOLDER", .words = CLI_WORDS_FOLDER, .help = "serve this folder" },
        { .name = "http",
          .value = "ADDRESS",
          .help = "over HTTP here: 8080, localhost:8080, 0.0.0.0:8080, [::1]:8080" },
        { .name = "https", .value = "ADDRESS", .help = "over HTTPS here, with a certificate made for development" },
        { .name = "echo",
          .value = "PATH",
          .help = "echo WebSockets at this path, and count seconds as server-sent events" },
        { .name = "upload",
          .value = "PATH=FOLDER",
          .help = "let anybody put files into this folder, at this path: /files/=/tmp/files" },
        { .name = "token", .help = "let only who shows a token put files there; one is made, and printed" },
        { .name = "workers", .value = "COUNT", .help = "threads that serve (default: one for each CPU)" },
        { .name = "config",
          .letter = 'c',
          .value = "FILE",
          .words = CLI_WORDS_FILE,
          .help = "do what this configuration says, instead of --dir" },
        { .name = "state",
          .value = "FOLDER",
          .words = CLI_WORDS_FOLDER,
          .help = "keep sockets and made files here (default: a folder that is removed at the end)" },
        { 0 },
};

#define CREDENTIALS_OPTION                                                                     \
        {                                                                                      \
                .name = "credentials", .value = "FOLDER", .words = CLI_WORDS_FOLDER,           \
                .help = "where the keys are (default: credentials, beside the configuration)", \
        }

static const struct cli_option keys_init_options[] = {
        { .name = "purpose",
          .value = "PURPOSE",
          .help = "seal, for sealed folders, or sign, for signed addresses (default: seal)" },
        { .name = "plain", .help = "do not encrypt the file by systemd-creds" },
        CREDENTIALS_OPTION,
        CONFIG_OPTION,
        { 0 },
};

static const struct cli_option keys_list_options[] = {
        { .name = "files", .help = "count the files that each key of a sealed folder is needed for" },
        CREDENTIALS_OPTION,
        CONFIG_OPTION,
        { 0 },
};

static const struct cli_option keys_options[] = {
        CREDENTIALS_OPTION,
        CONFIG_OPTION,
        { 0 },
};

static const struct cli_option keys_rotate_options[] = {
        { .name = "socket",
          .value = "PATH",
          .words = CLI_WORDS_FILE,
          .help = "reload the server at this admin socket, instead of `ccodesctl apply`" },
        CREDENTIALS_OPTION,
        CONFIG_OPTION,
        { 0 },
};

static const struct cli_option sign_options[] = {
        { .name = "expires", .value = "SPAN", .help = "how long the address is good for: 1h, 7d, \"2d 12h\"" },
        { .name = "name", .value = "NAME", .help = "what browsers save the file as" },
        { .name = "rate", .value = "BYTES", .help = "bytes a second that the download goes at, at most: 500K, 2M" },
        { .name = "key",
          .value = "NAME",
          .help = "the keys to sign with (default: the signing_key of the host's site)" },
        CREDENTIALS_OPTION,
        CONFIG_OPTION,
        { 0 },
};

#define ACCOUNTS_SOCKET_OPTION                                                                     \
        {                                                                                          \
                .name = "socket", .value = "PATH", .words = CLI_WORDS_FILE,                        \
                .help = "ccodes-auth's accounts socket (default: /run/ccodes/auth-accounts.sock)", \
        }

static const struct cli_option accounts_options[] = {
        ACCOUNTS_SOCKET_OPTION,
        { 0 },
};

static const struct cli_option users_add_options[] = {
        { .name = "role",
          .value = "ROLE",
          .words = CLI_WORDS_ROLE,
          .help = "viewer, operator or admin (default: viewer)" },
        { .name = "no-password", .help = "let only tokens speak for this user" },
        ACCOUNTS_SOCKET_OPTION,
        { 0 },
};

static const struct cli_option tokens_add_options[] = {
        { .name = "scope",
          .letter = 's',
          .value = "SCOPE",
          .words = CLI_WORDS_SCOPE,
          .help = "what it is for, such as upload:NAME; may be repeated" },
        { .name = "expires", .value = "SPAN", .help = "how long it is good for: 12h, 90d, never (default: 90d)" },
        { .name = "label", .value = "TEXT", .help = "a note for the list, such as the program that has it" },
        ACCOUNTS_SOCKET_OPTION,
        { 0 },
};

static const struct cli_option install_options[] = {
        { .name = "dry-run", .help = "only say what would be done" },
        { 0 },
};

static const struct cli_option uninstall_options[] = {
        { .name = "purge", .help = "remove the configuration, its certificates and the logs too; never a site" },
        { .name = "dry-run", .help = "only say what would be done" },
        { 0 },
};

const struct cli_verb cli_verbs[] = {
        {
                        .name = "status",
                        .group = CLI_GROUP_LOOK,
                        .summary = "Show services, sockets, versions, uptime and requests a second",
                        .description = "Shows what systemd says of each service and its sockets, and what the service "
                                       "says of itself. Looking never starts a service that waits for its first "
                                       "connection. Without systemd, or with --socket, only the service is asked.\n\n"
                                       "The exit status is 3 when a service does not run. ccodes-auth may wait for "
                                       "somebody to ask it; only that it has failed is a fault.",
                        .options = status_options,
                        .run = verb_status,
        },
        {
                        .name = "logs",
                        .group = CLI_GROUP_LOOK,
                        .operands = "[FIELD=VALUE…]",
                        .operands_max = 64,
                        .summary = "Read the journal of the services",
                        .description = "Shows what the services wrote, and what systemd wrote of them. FIELD=VALUE "
                                       "shows entries that have the field; for one FIELD any of the values, of "
                                       "different ones all. CCODES_CAUSE=no-site shows the requests that failed for "
                                       "this cause.\n\n"
                                       "TIME is a moment (2026-05-01, \"2026-05-01 18:30\", 18:30, today, yesterday, "
                                       "now, @1777660200) or a span back from now (\"15min\", \"2h 30min ago\").\n\n"
                                       "With --json an object a line, with every field of the entry.",
                        .options = logs_options,
                        .run = verb_logs,
        },
        {
                        .name = "explain",
                        .group = CLI_GROUP_LOOK,
                        .operands = "[CODE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_CAUSE,
                        .summary = "Say what a cause means and what can be done",
                        .description = "Every answer that is no success has a cause. Its code stands in the answer "
                                       "(Ccodes-Cause), in the journal (CCODES_CAUSE=) and in the metrics. Without "
                                       "CODE all of them are listed.",
                        .run = verb_explain,
        },
        {
                        .name = "version",
                        .group = CLI_GROUP_LOOK,
                        .summary = "Print the version and what it was built with",
                        .run = verb_version,
        },
        {
                        .name = "config check",
                        .group = CLI_GROUP_CONFIGURE,
                        .summary = "Check the configuration and the files that it names",
                        .description = "Says file, line and column of every fault. Folders, certificates, addresses "
                                       "and the "
                                       "sandbox are looked at by ccodes-server itself, in the order of its start; as "
                                       "root "
                                       "and with the usual configuration it looks as the user that it will run as, so "
                                       "that "
                                       "missing rights show. What is for want of your own rights only is a note.",
                        .options = config_check_options,
                        .run = verb_config_check,
        },
        {
                        .name = "config show",
                        .group = CLI_GROUP_CONFIGURE,
                        .summary = "Show the whole configuration, defaults included",
                        .options = config_show_options,
                        .run = verb_config_show,
        },
        {
                        .name = "config get",
                        .group = CLI_GROUP_CONFIGURE,
                        .operands = "KEY",
                        .operands_min = 1,
                        .operands_max = 1,
                        .words = CLI_WORDS_CONFIG_KEY,
                        .summary = "Print one value",
                        .description = "KEY is a path such as http.limits.max_body, site[blog].root or "
                                       "site[blog].rule[1].path.",
                        .options = config_show_options,
                        .run = verb_config_get,
        },
        {
                        .name = "config diff",
                        .group = CLI_GROUP_CONFIGURE,
                        .summary = "Show what a reload would change",
                        .description = "Compares the files with what the running server has in force, and says of each "
                                       "value whether a reload is enough or `ccodesctl apply` is needed.",
                        .options = config_diff_options,
                        .run = verb_config_diff,
        },
        {
                        .name = "config schema",
                        .group = CLI_GROUP_CONFIGURE,
                        .summary = "Print the JSON Schema of the configuration, for editors",
                        .run = verb_config_schema,
        },
        {
                        .name = "reload",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Put the configuration in force in the running service",
                        .description = "Waits until the new configuration is in force, and says what changed. When it "
                                       "has a fault, every fault is printed and the old configuration stays in force. "
                                       "Without "
                                       "SERVICE it is the server that is reloaded, and ccodes-auth where that runs.",
                        .options = reload_options,
                        .run = verb_reload,
        },
        {
                        .name = "apply",
                        .group = CLI_GROUP_MANAGE,
                        .summary = "Put everything in force by new instances, without losing a request",
                        .description = "For what a reload cannot change: listeners, workers, a new version. A standby "
                                       "instance takes over while the service starts anew; requests that are under way "
                                       "may end (drain_timeout). A server that does not run is started. When a step "
                                       "fails, an instance goes on serving, and it is said what to do. ccodes-auth is "
                                       "restarted where it runs: who asks it waits in its sockets for that moment.",
                        .run = verb_apply,
        },
        {
                        .name = "start",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Start the service and its sockets",
                        .run = verb_start,
        },
        {
                        .name = "stop",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Stop the service and its sockets",
                        .description = "Requests that are under way may end (drain_timeout). The sockets are closed, "
                                       "so "
                                       "that no connection starts the service again.",
                        .run = verb_stop,
        },
        {
                        .name = "restart",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Stop the service and start it again",
                        .description = "Connections wait in the sockets meanwhile; none is refused. `ccodesctl apply` "
                                       "spares them the wait.",
                        .run = verb_restart,
        },
        {
                        .name = "enable",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Start the service now and at each boot",
                        .run = verb_enable,
        },
        {
                        .name = "disable",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[SERVICE]",
                        .operands_max = 1,
                        .words = CLI_WORDS_SERVICE,
                        .summary = "Stop the service and do not start it at boot",
                        .run = verb_disable,
        },
        {
                        .name = "keys init",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Make the keys of sealed folders, or of signed addresses",
                        .description = "Makes the credential NAME, with one key in it, for a sealed folder's `key` or, "
                                       "with --purpose sign, for a site's `signing_key`. As root it is encrypted by "
                                       "systemd-creds(1), so that this machine alone can read it. Keep a copy "
                                       "elsewhere: "
                                       "without the keys the files of a sealed folder are lost.",
                        .options = keys_init_options,
                        .run = verb_keys_init,
        },
        {
                        .name = "keys list",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "[NAME]",
                        .operands_max = 1,
                        .summary = "List keys by their ids",
                        .description = "Shows the credentials that the configuration names, or NAME, and the ids of "
                                       "their "
                                       "keys, oldest first. The last one is used for what is new. A key itself is "
                                       "never "
                                       "shown.",
                        .options = keys_list_options,
                        .run = verb_keys_list,
        },
        {
                        .name = "keys rotate",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Add a key, put it in force, and wrap all files by it",
                        .description = "Adds a key to the credential NAME and puts it in force by new instances, which "
                                       "loses no request. Then the headers of all files of the sealed folders are "
                                       "wrapped "
                                       "by it; nothing of what they hold is encrypted anew. It may be stopped at any "
                                       "moment: `ccodesctl keys rewrap` completes it. The old keys stay until "
                                       "`ccodesctl "
                                       "keys remove`; addresses that were signed with them are good until then.",
                        .options = keys_rotate_options,
                        .run = verb_keys_rotate,
        },
        {
                        .name = "keys rewrap",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Wrap all files of sealed folders by the newest key",
                        .description = "The second part of `ccodesctl keys rotate`. The exit status is 1 when there "
                                       "are "
                                       "files that cannot be opened by the keys; each is named.",
                        .options = keys_options,
                        .run = verb_keys_rewrap,
        },
        {
                        .name = "keys remove",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "NAME ID",
                        .operands_min = 2,
                        .operands_max = 2,
                        .summary = "Remove a key that nothing needs any more",
                        .description = "Removes the key ID from the credential NAME. Refused for the newest key, and "
                                       "for "
                                       "one that files of a sealed folder are wrapped by. Addresses that were signed "
                                       "with "
                                       "it are refused once the change is in force.",
                        .options = keys_options,
                        .run = verb_keys_remove,
        },
        {
                        .name = "sign",
                        .group = CLI_GROUP_MANAGE,
                        .operands = "URL",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Sign an address, for one file and a time",
                        .description = "Prints the address of a file that only signed addresses open (signed = true). "
                                       "Whoever has it reads the file until its time is over. It holds for the host "
                                       "and "
                                       "the path of URL, over HTTP and HTTPS alike.",
                        .options = sign_options,
                        .run = verb_sign,
        },
        {
                        .name = "users add",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Add a user",
                        .description = "Asks for the password on the terminal, without showing it; otherwise it is the "
                                       "first line of standard input. It is never an argument, which everybody on the "
                                       "machine could read. A viewer may download, an operator may upload too, an "
                                       "admin may do everything.\n\nThis is kept by ccodes-auth(8); it takes root, or "
                                       "the group ccodes-admin.",
                        .options = users_add_options,
                        .run = verb_users_add,
        },
        {
                        .name = "users list",
                        .group = CLI_GROUP_ACCOUNTS,
                        .summary = "List the users",
                        .options = accounts_options,
                        .run = verb_users_list,
        },
        {
                        .name = "users passwd",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Set a user's password",
                        .description = "As in `ccodesctl users add`. Tokens stay as they are.",
                        .options = accounts_options,
                        .run = verb_users_passwd,
        },
        {
                        .name = "users role",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME ROLE",
                        .operands_min = 2,
                        .operands_max = 2,
                        .words = CLI_WORDS_ROLE,
                        .summary = "Give a user another role",
                        .description = "It bounds the user's tokens from the next request on.",
                        .options = accounts_options,
                        .run = verb_users_role,
        },
        {
                        .name = "users disable",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Shut a user out, and every token of that user",
                        .description = "Password and tokens are kept, for `ccodesctl users enable`. What was let in a "
                                       "moment ago may go on for as long as a grant lives (grant_lifetime in [auth]).",
                        .options = accounts_options,
                        .run = verb_users_disable,
        },
        {
                        .name = "users enable",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Let a user in again",
                        .options = accounts_options,
                        .run = verb_users_enable,
        },
        {
                        .name = "users remove",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "NAME",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Remove a user, and every token of that user",
                        .options = accounts_options,
                        .run = verb_users_remove,
        },
        {
                        .name = "tokens add",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "USER",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Make a token, which a program shows instead of a password",
                        .description = "Prints the token to standard output, once: only its hash is kept. Scopes say "
                                       "what it is for: upload:NAME or download:NAME, where NAME is that of an upload "
                                       "folder or a site, and '*' every one of them; '*' alone is all that the user "
                                       "may. They narrow the user's role, and never widen it.",
                        .options = tokens_add_options,
                        .run = verb_tokens_add,
        },
        {
                        .name = "tokens list",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "[USER]",
                        .operands_min = 0,
                        .operands_max = 1,
                        .summary = "List the tokens by their ids",
                        .description = "A token itself is not known any more, and never shown.",
                        .options = accounts_options,
                        .run = verb_tokens_list,
        },
        {
                        .name = "tokens revoke",
                        .group = CLI_GROUP_ACCOUNTS,
                        .operands = "ID",
                        .operands_min = 1,
                        .operands_max = 1,
                        .summary = "Revoke a token",
                        .description = "What was let in a moment ago may go on for as long as a grant lives "
                                       "(grant_lifetime in [auth]).",
                        .options = accounts_options,
                        .run = verb_tokens_revoke,
        },
        {
                        .name = "run",
                        .group = CLI_GROUP_SET_UP,
                        .operands = "[FOLDER]",
                        .operands_max = 1,
                        .words = CLI_WORDS_FOLDER,
                        .summary = "Serve a folder, or by a configuration, in the foreground",
                        .description = "For a first try and for development; needs neither root nor systemd. Prints "
                                       "the "
                                       "addresses once it serves, and ends with Ctrl-C.\n\n"
                                       "A folder, given as FOLDER or with --dir, is served as it is: what is edited is "
                                       "seen with the next request, a folder without index.html is listed, and a file "
                                       "404.html at its top is the page that is sent where nothing is found; likewise "
                                       "403.html, 500.html and so on for other errors.\n\n"
                                       "A port alone means every address of the machine, localhost means 127.0.0.1 and "
                                       "::1, port 0 one that is free. The certificate for --https is kept in "
                                       "~/.local/share/ccodes, so that a browser's exception for it lasts.\n\n"
                                       "With --token, or where an upload folder has access = \"token\" and [auth] has "
                                       "its socket and public_keys in the folder of "
                                       "--state, ccodes-auth runs beside the server, and keeps users there. Its "
                                       "accounts socket is named: `ccodesctl users` and "
                                       "`ccodesctl tokens` take it as --socket.\n\n"
                                       "With --json a line of JSON is printed once it serves.",
                        .options = run_options,
                        .run = verb_run,
        },
        {
                        .name = "install",
                        .group = CLI_GROUP_SET_UP,
                        .summary = "Install a build from source, its units, users and folders",
                        .description = "From the folder of a build: copies programs, units and manual pages to where "
                                       "the build was configured for, makes the system users, the folders, a "
                                       "sample site and a certificate. Nothing is started; what is there already, such "
                                       "as a configuration, stays as it is. A package is the better way where there is "
                                       "one.",
                        .options = install_options,
                        .run = verb_install,
        },
        {
                        .name = "uninstall",
                        .group = CLI_GROUP_SET_UP,
                        .summary = "Stop the services and remove what install has copied",
                        .description = "Configuration, certificates and logs stay unless --purge is given. Sites "
                                       "always "
                                       "stay.",
                        .options = uninstall_options,
                        .run = verb_uninstall,
        },
        { 0 },
};

const struct cli_verb *cli_verb_find(const char *const *words, size_t *ret_length) {
        for (const struct cli_verb *verb = cli_verbs; verb->name && words[0]; verb++) {
                size_t length = strcspn(verb->name, " ");
                bool two = verb->name[length] == ' ';
                if (strncmp(verb->name, words[0], length) != 0 || words[0][length] != '\0')
                        continue;
                if (two && (!words[1] || strcmp(verb->name + length + 1, words[1]) != 0))
                        continue;
                *ret_length = two ? 2 : 1;
                return verb;
        }
        return NULL;
}
