/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <sys/socket.h>

#include "shared/config_table.h"

/* [[server.listener]], and later [[proxy.listener]]: an address that connections come to. */
struct config_listener {
        struct config_origin origin;
        const char *name;    /* also in the unit's name and FileDescriptorName= */
        const char *address; /* as written: "[::]:80", "127.0.0.1:8080", "8080", "unix:/run/x.sock" */
        bool tls;
        struct config_strings certificates; /* names of [[certificate]]; empty: all */
        const char *client_ca;              /* PEM file: ask for client certificates signed by these */
        bool client_certificate_required;
        bool redirect_https; /* answer every plain request with a redirect to https */
        int64_t https_port;  /* the port in such redirects */
        int64_t backlog;
};

extern const struct config_table config_listener_table;

/* A parsed listening address. A bare port means every address, IPv6 and IPv4 (one dual-stack socket). */
struct config_address {
        struct sockaddr_storage storage;
        socklen_t length;
};

int config_address_parse(const char *text, struct error *error, struct config_address *ret_address);

/* "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock". */
void config_address_append(struct text *text, const struct sockaddr *address, socklen_t length);

/* Whether two listeners could not both be opened: the same unix path, or the same port with equal or wildcard addresses. */
bool config_address_overlap(const struct config_address *a, const struct config_address *b);
