/* SPDX-License-Identifier: Apache-2.0 */
/* Listening addresses as people write them. Nothing is looked up: a text means the same on every machine. [::] is
 * opened for IPv6 and IPv4 both, and so counts as the wildcard of both. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

#include "config/listener_section.h"
#include "shared/config_fault.h"

#define PORT_MAX 65535

static int refuse(struct error *error, const char *text, const char *reason) {
        char excerpt[CONFIG_EXCERPT_SIZE];
        return error_set(error, -EINVAL, "'%s' %s", config_excerpt(excerpt, text), reason);
}

static bool parse_port(const char *text, in_port_t *ret_port) {
        unsigned port = 0;
        if (!*text)
                return false;
        for (; *text; text++) {
                if (*text < '0' || *text > '9')
                        return false;
                port = 10 * port + (unsigned) (*text - '0');
                if (port > PORT_MAX)
                        return false;
        }
        *ret_port = htons((in_port_t) port);
        return true;
}

static int parse_unix(const char *text, struct error *error, struct config_address *ret_address) {
        const char *path = text + strlen("unix:");
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        if (path[0] != '/')
                return refuse(error, text, "needs an absolute path behind 'unix:'");
        size_t length = strlen(path);
        if (length >= sizeof(address.sun_path))
                return refuse(error, text, "has a path above 107 bytes, the most that a socket can have");
        memcpy(address.sun_path, path, length);
        *ret_address = (struct config_address) { .length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) +
                                                                        length + 1) };
        memcpy(&ret_address->storage, &address, sizeof(address));
        return 0;
}

static void set_ipv6(const struct in6_addr *host, in_port_t port, struct config_address *ret_address) {
        struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = *host, .sin6_port = port };
        *ret_address = (struct config_address) { .length = sizeof(address) };
        memcpy(&ret_address->storage, &address, sizeof(address));
}

/* "[::1]:80" */
static int parse_bracketed(const char *text, struct error *error, struct config_address *ret_address) {
        const char *end = strchr(text, ']');
        char host[INET6_ADDRSTRLEN];
        struct in6_addr address;
        in_port_t port;
        if (!end || end[1] != ':' || !parse_port(end + 2, &port))
                return refuse(error, text, "needs a port from 0 to 65535 behind the bracket, as in [::1]:80");
        size_t length = (size_t) (end - text - 1);
        if (memchr(text, '%', length))
                return refuse(error, text, "has a zone, and link-local addresses are not supported");
        if (length < sizeof(host)) {
                memcpy(host, text + 1, length);
                host[length] = '\0';
                if (inet_pton(AF_INET6, host, &address) == 1) {
                        set_ipv6(&address, port, ret_address);
                        return 0;
                }
        }
        return refuse(error, text, "has no IPv6 address in its brackets");
}

/* "127.0.0.1:80" and what people take for it; `colon` is the last one, or NULL. */
static int parse_dotted(const char *text, const char *colon, struct error *error, struct config_address *ret_address) {
        struct sockaddr_in address = { .sin_family = AF_INET };
        struct in6_addr ipv6;
        char host[INET_ADDRSTRLEN] = "";
        size_t length = colon ? (size_t) (colon - text) : strlen(text);
        if (length < sizeof(host))
                memcpy(host, text, length);

        if (strstr(text, "://"))
                return refuse(error, text, "is a URL; write the address and the port alone, as in 127.0.0.1:80");
        if (inet_pton(AF_INET6, text, &ipv6) == 1 || (colon && memchr(text, ':', length)))
                return refuse(error, text, "needs brackets around the IPv6 address, as in [::1]:80");
        if (length == 0 || strcmp(host, "*") == 0)
                return refuse(error, text, "names no address; for every address write the port alone, as in 80");
        bool is_ipv4 = inet_pton(AF_INET, host, &address.sin_addr) == 1;
        if (!is_ipv4 && text[strspn(text, "0123456789.:")] != '\0')
                return refuse(error, text, "is a name, and names are not looked up; write 127.0.0.1:80 or [::1]:80");
        if (!is_ipv4)
                return refuse(error, text, "does not begin with an IPv4 address, as 127.0.0.1:80 does");
        if (!colon || !parse_port(colon + 1, &address.sin_port))
                return refuse(error, text, "needs a port from 0 to 65535 at its end, as in 127.0.0.1:80");
        *ret_address = (struct config_address) { .length = sizeof(address) };
        memcpy(&ret_address->storage, &address, sizeof(address));
        return 0;
}

int config_address_parse(const char *text, struct error *error, struct config_address *ret_address) {
        in_port_t port;
        if (*text == '\0')
                return refuse(error, text,
                              "is empty; write for example 80, 127.0.0.1:80, [::1]:80 or unix:/run/web.sock");
        if (strpbrk(text, "\n\t"))
                return refuse(error, text, "has a line break or a tab in it");
        if (strncmp(text, "unix:", strlen("unix:")) == 0)
                return parse_unix(text, error, ret_address);
        if (text[0] == '/')
                return refuse(error, text, "is a path; a socket in the file system is written unix:/run/web.sock");
        if (text[0] == '[')
                return parse_bracketed(text, error, ret_address);
        if (text[strspn(text, "0123456789")] != '\0')
                return parse_dotted(text, strrchr(text, ':'), error, ret_address);
        if (!parse_port(text, &port))
                return refuse(error, text, "is no port from 0 to 65535");
        set_ipv6(&in6addr_any, port, ret_address);
        return 0;
}

void config_address_append(struct text *text, const struct sockaddr *address, socklen_t length) {
        char host[INET6_ADDRSTRLEN] = "";
        if (address->sa_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
                const struct sockaddr_in *ipv4 = (const struct sockaddr_in *) address;
                (void) inet_ntop(AF_INET, &ipv4->sin_addr, host, sizeof(host));
                text_printf(text, "%s:%u", host, ntohs(ipv4->sin_port));
        } else if (address->sa_family == AF_INET6 && length >= sizeof(struct sockaddr_in6)) {
                const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *) address;
                (void) inet_ntop(AF_INET6, &ipv6->sin6_addr, host, sizeof(host));
                text_printf(text, "[%s]:%u", host, ntohs(ipv6->sin6_port));
        } else if (address->sa_family == AF_UNIX) {
                /* The path need not end with a NUL; an abstract name begins with one; an unnamed socket has none. */
                const char *path = ((const struct sockaddr_un *) address)->sun_path;
                size_t room = length > offsetof(struct sockaddr_un, sun_path)
                                              ? length - offsetof(struct sockaddr_un, sun_path)
                                              : 0;
                bool abstract = room > 0 && path[0] == '\0';
                text_append_string(text, abstract ? "unix:@" : "unix:");
                text_append(text, abstract ? (struct slice) { path + 1, room - 1 }
                                           : (struct slice) { path, strnlen(path, room) });
        } else
                text_printf(text, "address family %d", address->sa_family);
}

/* An IP address as IPv6, IPv4 ones mapped (RFC 4291 section 2.5.5.2), so that two are compared in one way. */
struct canonical {
        struct in6_addr host;
        in_port_t port;
        bool every_ipv4, every_ipv6;
};

static struct canonical canonical_of(const struct config_address *address) {
        static const unsigned char mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };
        struct canonical canonical = { .host = in6addr_any };
        if (address->storage.ss_family == AF_INET) {
                const struct sockaddr_in *ipv4 = (const struct sockaddr_in *) &address->storage;
                memcpy(canonical.host.s6_addr, mapped_prefix, sizeof(mapped_prefix));
                memcpy(canonical.host.s6_addr + sizeof(mapped_prefix), &ipv4->sin_addr, sizeof(ipv4->sin_addr));
                canonical.port = ipv4->sin_port;
        } else {
                const struct sockaddr_in6 *ipv6 = (const struct sockaddr_in6 *) &address->storage;
                canonical.host = ipv6->sin6_addr;
                canonical.port = ipv6->sin6_port;
        }
        static const unsigned char no_host[4];
        bool any = IN6_IS_ADDR_UNSPECIFIED(&canonical.host);
        canonical.every_ipv6 = any;
        canonical.every_ipv4 =
                        any || (IN6_IS_ADDR_V4MAPPED(&canonical.host) &&
                                memcmp(canonical.host.s6_addr + sizeof(mapped_prefix), no_host, sizeof(no_host)) == 0);
        return canonical;
}

static bool covers(const struct canonical *a, const struct canonical *b) {
        if (IN6_IS_ADDR_V4MAPPED(&b->host))
                return a->every_ipv4;
        return a->every_ipv6;
}

bool config_address_overlap(const struct config_address *a, const struct config_address *b) {
        bool a_is_unix = a->storage.ss_family == AF_UNIX, b_is_unix = b->storage.ss_family == AF_UNIX;
        if (a_is_unix != b_is_unix)
                return false;
        if (a_is_unix)
                return strcmp(((const struct sockaddr_un *) &a->storage)->sun_path,
                              ((const struct sockaddr_un *) &b->storage)->sun_path) == 0;

        struct canonical x = canonical_of(a), y = canonical_of(b);
        if (x.port != y.port || x.port == 0) /* the kernel picks another one each time */
                return false;
        return memcmp(&x.host, &y.host, sizeof(x.host)) == 0 || covers(&x, &y) || covers(&y, &x);
}
