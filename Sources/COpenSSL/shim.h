// OpenSSL for Swift: the headers, and the macros Swift cannot import as static inlines.
#pragma once
// The plain hash functions, whose state can be copied, are what PBKDF2 is fast with.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// OpenSSL's options and calls that exist only as macros, each under its own name in lower case.

static const uint64_t ssl_op_no_renegotiation = SSL_OP_NO_RENEGOTIATION;
static const uint64_t ssl_op_no_compression = SSL_OP_NO_COMPRESSION;
static const uint64_t ssl_op_no_extended_master_secret = SSL_OP_NO_EXTENDED_MASTER_SECRET;
static const uint64_t ssl_op_no_ticket = SSL_OP_NO_TICKET;
static const unsigned long xn_flag_utf8_line = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB;

static inline long ssl_ctx_set_mode(SSL_CTX *ctx, long mode) { return SSL_CTX_set_mode(ctx, mode); }
static inline long ssl_ctx_session_cache_off(SSL_CTX *ctx) {
  return SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
static inline void ssl_ctx_set_read_ahead(SSL_CTX *ctx) { (void)SSL_CTX_set_read_ahead(ctx, 1); }
static inline int ssl_ctx_set_min_proto_version(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int ssl_ctx_set_max_proto_version(SSL_CTX *ctx, int version) {
  return (int)SSL_CTX_set_max_proto_version(ctx, version);
}
static inline int ssl_ctx_add1_chain_cert(SSL_CTX *ctx, X509 *certificate) {
  return (int)SSL_CTX_add1_chain_cert(ctx, certificate);
}
static inline int ssl_set_server_name(SSL *ssl, const char *name) {
  return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int ssl_get_extms_support(SSL *ssl) { return (int)SSL_get_extms_support(ssl); }
static inline int ssl_get_negotiated_group(SSL *ssl) { return (int)SSL_get_negotiated_group(ssl); }
// Whether the server asked the client for a certificate in this handshake; of TLS 1.2 and older.
static inline int ssl_wants_client_certificate(SSL *ssl) {
  return SSL_get0_certificate_types(ssl, NULL) > 0;
}
static inline long bio_get_mem_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }
