// glibc's resolver for Swift: what /etc/resolv.conf and its environment variables say. Its functions are macros, and its
// state has the name of one of them, so each one used has a static inline here.
#pragma once
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

struct xmpp_resolver {
  struct __res_state state;
};

// Returns 0 on success; then it wants to be closed.
static inline int xmpp_resolver_open(struct xmpp_resolver *resolver) {
  memset(resolver, 0, sizeof *resolver);
  return res_ninit(&resolver->state);
}

static inline void xmpp_resolver_close(struct xmpp_resolver *resolver) { res_nclose(&resolver->state); }

// The nth name server as a socket address; returns its length, 0 when there is none.
// glibc keeps IPv6 servers outside the documented list, which then holds an entry without a family in their place.
static inline socklen_t xmpp_resolver_server(const struct xmpp_resolver *resolver, int n,
                                             struct sockaddr_storage *address) {
  const struct __res_state *state = &resolver->state;
  if (n < 0 || n >= state->nscount || n >= MAXNS) return 0;
  memset(address, 0, sizeof *address);
  if (state->nsaddr_list[n].sin_family == AF_INET) {
    memcpy(address, &state->nsaddr_list[n], sizeof(struct sockaddr_in));
    return sizeof(struct sockaddr_in);
  }
  if (state->_u._ext.nsaddrs[n] == NULL) return 0;
  memcpy(address, state->_u._ext.nsaddrs[n], sizeof(struct sockaddr_in6));
  return sizeof(struct sockaddr_in6);
}

// The nth name of the search list, or NULL.
static inline const char *xmpp_resolver_search(const struct xmpp_resolver *resolver, int n) {
  return n >= 0 && n < MAXDNSRCH ? resolver->state.dnsrch[n] : NULL;
}
