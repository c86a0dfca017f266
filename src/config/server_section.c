/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of [server]. What is set up once, before the workers start, takes a new instance. */
#include "config/server_section.h"

#define LISTENERS_MAX 256

static const struct config_key cache_keys[] = {
        {
                        .name = "max_bytes",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_file_cache, max_bytes),
                        .fallback = "\"64M\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "Memory for the contents of files, as they are and compressed, of all workers "
                                         "together.",
        },
        {
                        .name = "max_entries",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_file_cache, max_entries),
                        .fallback = "10000",
                        .minimum = 16,
                        .maximum = 1000000,
                        .documentation = "Names that each worker remembers, with what was found there.",
        },
        {
                        .name = "max_file",
                        .type = CONFIG_SIZE,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_file_cache, max_file),
                        .fallback = "\"256K\"",
                        .minimum = 0,
                        .maximum = 64 * 1024 * 1024,
                        .documentation = "Files up to this size are kept in memory; larger ones are sent from the "
                                         "disk's cache.",
        },
        {
                        .name = "revalidate",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_file_cache, revalidate),
                        .fallback = "\"1s\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "How old what is remembered of a name may be before the file is looked at "
                                         "again.",
        },
};

static const struct config_table cache_table = {
        .name = "cache",
        .size = sizeof(struct config_file_cache),
        .keys = cache_keys,
        .key_count = ELEMENTS_OF(cache_keys),
        .documentation = "The cache of files that were served.",
};

static const struct config_key server_keys[] = {
        {
                        .name = "workers",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_server, workers),
                        .fallback = "0",
                        .minimum = 0,
                        .maximum = 1024,
                        .documentation = "Threads that serve connections; 0 for one for each CPU that the process may "
                                         "use.",
        },
        {
                        .name = "drain_timeout",
                        .type = CONFIG_SPAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_server, drain_timeout),
                        .fallback = "\"30s\"",
                        .minimum = 0,
                        .maximum = INT64_MAX,
                        .documentation = "How long open connections may go on with their requests once the server is "
                                         "to stop.",
        },
        {
                        .name = "public_health",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_server, public_health),
                        .fallback = "false",
                        .documentation = "Answer /healthz and /readyz on the listeners too, not on the admin socket "
                                         "only.",
        },
        {
                        .name = "public_metrics",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_server, public_metrics),
                        .fallback = "false",
                        .documentation = "Answer /metrics on the listeners too, not on the admin socket only.",
        },
        {
                        .name = "sandbox",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_RESTART,
                        .offset = offsetof(struct config_server, sandbox),
                        .fallback = "true",
                        .documentation = "Give up every right that serving does not need. Switch it off for debugging "
                                         "only.",
        },
        {
                        .name = "cache",
                        .type = CONFIG_TABLE,
                        .offset = offsetof(struct config_server, cache),
                        .table = &cache_table,
        },
        {
                        .name = "listener",
                        .type = CONFIG_TABLE_LIST,
                        .effect = CONFIG_SOCKET,
                        .offset = offsetof(struct config_server, listeners),
                        .minimum = 0,
                        .maximum = LISTENERS_MAX,
                        .table = &config_listener_table,
        },
};

const struct config_table config_server_table = {
        .name = "server",
        .size = sizeof(struct config_server),
        .keys = server_keys,
        .key_count = ELEMENTS_OF(server_keys),
        .documentation = "The file server, ccodes-server.",
};
