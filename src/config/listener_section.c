/* SPDX-License-Identifier: Apache-2.0 */
/* The table of a listener. What decides about the socket itself takes new sockets, what decides about the connections
 * that it accepts takes a reload. */
#include "config/listener_section.h"

#include <errno.h>
#include <string.h>

#include "config/value_check.h"

/* Settings that would silently do nothing, or bite each other. */
static int check_listener(void *object, struct error *error, const char **ret_key) {
        const struct config_listener *listener = object;
        /* Descriptors come from systemd by these names, which are those of the units too. */
        if (strcmp(listener->name, "admin") == 0 || strcmp(listener->name, "ticket-keys") == 0) {
                *ret_key = "name";
                return error_set(error, -EINVAL, "listener '%s': a name that the server uses itself; take another one",
                                 listener->name);
        }
        const char *needs_tls = listener->certificates.count > 0        ? "certificates"
                                : listener->client_ca                   ? "client_ca"
                                : listener->client_certificate_required ? "client_certificate_required"
                                                                        : NULL;
        if (!listener->tls && needs_tls) {
                *ret_key = needs_tls;
                return error_set(error, -EINVAL, "listener '%s': '%s' has no meaning without tls = true",
                                 listener->name, needs_tls);
        }
        if (listener->client_certificate_required && !listener->client_ca) {
                *ret_key = "client_certificate_required";
                return error_set(error, -EINVAL,
                                 "listener '%s': 'client_certificate_required' needs 'client_ca', the file of the "
                                 "authorities that sign client certificates",
                                 listener->name);
        }
        if (listener->tls && listener->redirect_https) {
                *ret_key = "redirect_https";
                return error_set(error, -EINVAL,
                                 "listener '%s': 'redirect_https' on a TLS listener would redirect for ever",
                                 listener->name);
        }
        return 0;
}

static const struct config_key listener_keys[] = {
        {
                        .name = "name",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_SOCKET,
                        .offset = offsetof(struct config_listener, name),
                        .example = "\"http\"",
                        .required = true,
                        .check = config_check_name,
                        .documentation = "What the listener is called: in the socket unit's name, in log entries and "
                                         "in metrics.",
        },
        {
                        .name = "address",
                        .type = CONFIG_STRING,
                        .effect = CONFIG_SOCKET,
                        .offset = offsetof(struct config_listener, address),
                        .example = "\"[::1]:8080\"",
                        .required = true,
                        .check = config_check_address,
                        .documentation =
                                        "Where connections come to: \"80\" for a port on every address, IPv6 and IPv4; "
                                        "\"127.0.0.1:80\" or \"[::1]:80\" for one address; \"unix:/run/web.sock\" for "
                                        "a socket in "
                                        "the file system. Two listeners may not overlap.",
        },
        {
                        .name = "tls",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_listener, tls),
                        .fallback = "false",
                        .documentation = "Speak TLS on this listener. Needs at least one [[certificate]].",
        },
        {
                        .name = "certificates",
                        .type = CONFIG_STRING_LIST,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_listener, certificates),
                        .fallback = "[]",
                        .example = "[\"example.org\"]",
                        .documentation = "Names of the [[certificate]] entries to offer here, the first one to clients "
                                         "that name no "
                                         "host. Empty: all of them.",
        },
        {
                        .name = "client_ca",
                        .type = CONFIG_PATH,
                        .effect = CONFIG_PLACE,
                        .offset = offsetof(struct config_listener, client_ca),
                        .example = "\"/etc/ccodes/clients.pem\"",
                        .documentation = "PEM file of authorities. Clients are asked for a certificate that one of "
                                         "them signed.",
        },
        {
                        .name = "client_certificate_required",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_listener, client_certificate_required),
                        .fallback = "false",
                        .documentation = "Refuse clients that have no certificate, instead of only asking for one.",
        },
        {
                        .name = "redirect_https",
                        .type = CONFIG_BOOLEAN,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_listener, redirect_https),
                        .fallback = "false",
                        .documentation = "Answer every request on this plain listener with a redirect to the same "
                                         "address under "
                                         "https.",
        },
        {
                        .name = "https_port",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_LIVE,
                        .offset = offsetof(struct config_listener, https_port),
                        .fallback = "443",
                        .minimum = 1,
                        .maximum = 65535,
                        .documentation = "The port in redirects from this listener to https; 443 is left out of the "
                                         "address.",
        },
        {
                        .name = "backlog",
                        .type = CONFIG_INTEGER,
                        .effect = CONFIG_SOCKET,
                        .offset = offsetof(struct config_listener, backlog),
                        .fallback = "4096",
                        .minimum = 1,
                        .maximum = 65535,
                        .documentation = "Connections that the kernel keeps waiting until they are accepted. The "
                                         "kernel's own bound, "
                                         "net.core.somaxconn, holds as well.",
        },
};

const struct config_table config_listener_table = {
        .name = "listener",
        .size = sizeof(struct config_listener),
        .keys = listener_keys,
        .key_count = ELEMENTS_OF(listener_keys),
        .documentation = "An address that connections come to. Without any, the server has nothing to do.",
        .check = check_listener,
};
