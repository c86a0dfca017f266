/* SPDX-License-Identifier: Apache-2.0 */
/* From what people type to listening addresses, and from bound addresses to what a browser takes. */
#include "cli/run_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "shared/syscall.h"

/* Adds HOST:PORT, or what `host` alone says when `port` is NULL. */
static int add(struct run_addresses *addresses, const char *host, const char *port) {
        char *item = addresses->items[addresses->count];
        int length = snprintf(item, RUN_ADDRESS_SIZE, "%s%s%s", host, port ? ":" : "", port ? port : "");
        if (length < 0 || length >= RUN_ADDRESS_SIZE)
                return -EINVAL;
        addresses->count++;
        return 0;
}

/* The port behind a host name, or the whole text when it is a port alone; NULL otherwise. */
static const char *port_behind(const char *text, const char *host) {
        size_t length = strlen(host);
        if (strncmp(text, host, length) != 0 || text[length] != ':')
                return NULL;
        return text + length + 1;
}

static bool is_number(const char *text) {
        return *text && text[strspn(text, "0123456789")] == '\0';
}

static int expand(const char *text, bool has_ipv6, struct run_addresses *addresses) {
        const char *port = port_behind(text, "localhost");
        if (port && is_number(port)) {
                int r = add(addresses, "127.0.0.1", port);
                return r >= 0 && has_ipv6 ? add(addresses, "[::1]", port) : r;
        }
        port = port_behind(text, "");
        if (!port)
                port = port_behind(text, "*");
        if (!port && is_number(text))
                port = text;
        if (port && is_number(port))
                return has_ipv6 ? add(addresses, port, NULL) : add(addresses, "0.0.0.0", port);
        return add(addresses, text, NULL);
}

int run_address_parse(const char *text, bool has_ipv6, struct error *error, struct run_addresses *ret_addresses) {
        struct run_addresses addresses = { .count = 0 };
        struct config_address parsed;
        int r = expand(text, has_ipv6, &addresses);
        if (r < 0)
                return error_set(error, r, "the address is too long");
        if (strcmp(text, "localhost") == 0)
                return error_set(error, -EINVAL, "'localhost' needs a port, as in localhost:8080");
        for (size_t i = 0; i < addresses.count; i++) {
                r = config_address_parse(addresses.items[i], error, &parsed);
                if (r < 0)
                        return r;
        }
        *ret_addresses = addresses;
        return 0;
}

static int bind_address(const struct config_address *address, struct config_address *ret_bound) {
        _cleanup_close_ int fd = NEGATIVE_ERRNO(socket(address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        struct config_address bound = { .length = sizeof(bound.storage) };
        if (fd < 0)
                return fd;
        if (bind(fd, (const struct sockaddr *) &address->storage, address->length) < 0 ||
            getsockname(fd, (struct sockaddr *) &bound.storage, &bound.length) < 0)
                return -errno;
        *ret_bound = bound;
        return 0;
}

bool run_address_has_ipv6(void) {
        struct config_address address, bound;
        return config_address_parse("[::1]:0", NULL, &address) >= 0 && bind_address(&address, &bound) >= 0;
}

static in_port_t *port_of(struct config_address *address) {
        switch (address->storage.ss_family) {
        case AF_INET:
                return &((struct sockaddr_in *) &address->storage)->sin_port;
        case AF_INET6:
                return &((struct sockaddr_in6 *) &address->storage)->sin6_port;
        default:
                return NULL;
        }
}

static void write_address(const struct config_address *address, char item[RUN_ADDRESS_SIZE]) {
        _cleanup_text_ struct text text = TEXT_INIT;
        config_address_append(&text, (const struct sockaddr *) &address->storage, address->length);
        (void) snprintf(item, RUN_ADDRESS_SIZE, "%s", text.data ? text.data : "");
}

int run_address_choose_port(struct run_addresses *addresses, struct error *error) {
        struct config_address parsed[RUN_ADDRESSES_MAX], bound;
        for (size_t i = 0; i < addresses->count; i++) {
                int r = config_address_parse(addresses->items[i], error, &parsed[i]);
                if (r < 0)
                        return r;
        }
        if (addresses->count < 2 || !port_of(&parsed[0]) || *port_of(&parsed[0]) != 0)
                return 0;
        int r = bind_address(&parsed[0], &bound);
        if (r < 0)
                return error_set_errno(error, r, "looking for a free port");
        for (size_t i = 0; i < addresses->count; i++) {
                *port_of(&parsed[i]) = *port_of(&bound);
                write_address(&parsed[i], addresses->items[i]);
        }
        return 0;
}

static void append_url(struct text *text, bool tls, const char *host, unsigned port) {
        bool is_ipv6 = strchr(host, ':') != NULL;
        text_printf(text, "%s%s://%s%s%s", text->length > 0 ? " " : "", tls ? "https" : "http", is_ipv6 ? "[" : "",
                    host, is_ipv6 ? "]" : "");
        if (port != (tls ? 443U : 80U))
                text_printf(text, ":%u", port);
        text_append_char(text, '/');
}

/* The addresses under which other machines reach this one. */
static void append_network_urls(struct text *text, sa_family_t family, bool tls, unsigned port) {
        struct ifaddrs *interfaces = NULL;
        char host[INET6_ADDRSTRLEN];
        if (getifaddrs(&interfaces) < 0)
                return;
        for (const struct ifaddrs *entry = interfaces; entry; entry = entry->ifa_next) {
                if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP) || (entry->ifa_flags & IFF_LOOPBACK))
                        continue;
                const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *) entry->ifa_addr;
                const struct sockaddr_in *ipv4 = (const struct sockaddr_in *) entry->ifa_addr;
                if (entry->ifa_addr->sa_family == AF_INET)
                        (void) inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof(host));
                else if (entry->ifa_addr->sa_family == AF_INET6 && family == AF_INET6 &&
                         !IN6_IS_ADDR_LINKLOCAL(&ipv6->sin6_addr))
                        (void) inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof(host));
                else
                        continue;
                append_url(text, tls, host, port);
        }
        freeifaddrs(interfaces);
}

void run_address_append_urls(struct text *text, const char *address, bool tls) {
        struct config_address parsed;
        char host[INET6_ADDRSTRLEN] = "";
        if (config_address_parse(address, NULL, &parsed) < 0 || !port_of(&parsed)) {
                text_append_string(text, address);
                return;
        }
        unsigned port = ntohs(*port_of(&parsed));
        const struct in6_addr *ipv6 = &((const struct sockaddr_in6 *) &parsed.storage)->sin6_addr;
        const struct in_addr *ipv4 = &((const struct sockaddr_in *) &parsed.storage)->sin_addr;
        bool is_ipv6 = parsed.storage.ss_family == AF_INET6;
        if (is_ipv6 ? IN6_IS_ADDR_UNSPECIFIED(ipv6) : ipv4->s_addr == htonl(INADDR_ANY)) {
                append_url(text, tls, "localhost", port);
                append_network_urls(text, parsed.storage.ss_family, tls, port);
                return;
        }
        if (is_ipv6 ? IN6_IS_ADDR_LOOPBACK(ipv6) : ipv4->s_addr == htonl(INADDR_LOOPBACK)) {
                append_url(text, tls, "localhost", port);
                return;
        }
        (void) inet_ntop(parsed.storage.ss_family, is_ipv6 ? (const void *) ipv6 : (const void *) ipv4, host,
                         sizeof(host));
        append_url(text, tls, host, port);
}
