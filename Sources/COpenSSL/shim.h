#pragma once
// SRTP copies saved SHA-1 states for each packet; OpenSSL 3 calls those functions deprecated but has nothing as fast.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// What OpenSSL offers as macros, which Swift cannot import.

static inline EVP_PKEY *openssl_p256_key(void) { return EVP_EC_gen("P-256"); }

/// The options of all DTLS sessions: no tickets, no renegotiation, no question about the path's MTU.
static inline void openssl_set_dtls_options(SSL_CTX *context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
}
static inline int openssl_set_groups(SSL_CTX *context, const char *names) {
  return (int)SSL_CTX_set1_groups_list(context, names);
}
static inline void openssl_set_most_certificate_bytes(SSL_CTX *context, long most) {
  SSL_CTX_set_max_cert_list(context, most);
}
static inline void openssl_set_mtu(SSL *session, long mtu) { SSL_set_mtu(session, mtu); }

/// Time until the next retransmission; false if none is due ever.
static inline int openssl_dtls_timeout(SSL *session, struct timeval *left) {
  return DTLSv1_get_timeout(session, left) == 1;
}
static inline int openssl_dtls_handle_timeout(SSL *session) { return (int)DTLSv1_handle_timeout(session); }
